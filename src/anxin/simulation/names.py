"""Made-up names of employers and projects."""

import numpy as np

from anxin.simulation.arrays import Ints, choose

_SYLLABLES = (
    "渝嘉恒盛宏达瑞泰鑫华润安康荣兴隆昌顺丰源博远腾飞金鼎立信诚德正和美景天宇晨阳东方新世纪海川"
    "江峰岭云山石玉林森木禾田野佳怡优品卓越创辉煌耀明光普众联合同力拓展开启铭科捷迅"
)
_TRADES = {
    "A": "农业开发 生态农业 种植",
    "B": "矿业 建材开采",
    "C": "机械制造 汽车零部件 电子科技 塑胶制品 食品 服饰 五金制品 模具 包装 家具",
    "D": "能源 水务",
    "E": "建筑工程 建设工程 市政工程 建筑劳务 装饰工程 安装工程 路桥工程",
    "F": "商贸 贸易 电子商务 医药销售 建材销售",
    "G": "物流 运输 供应链管理",
    "H": "餐饮管理 酒店管理 餐饮服务",
    "I": "网络科技 软件技术",
    "J": "融资担保 小额贷款",
    "K": "房地产开发 置业 物业服务",
    "L": "商务信息咨询 劳务派遣 人力资源 机械租赁",
    "M": "工程咨询 检测技术 监理咨询",
    "N": "环卫服务 园林绿化",
    "O": "家政服务 汽车维修",
    "P": "教育科技 职业培训",
    "Q": "医院管理 养老服务",
    "R": "文化传媒 健身服务",
    "S": "建设投资 城市建设发展",
}
_FORMS = {
    "state": "集团有限公司",
    "private": "有限公司",
    "foreign": "(中国)有限公司",
    "collective": "股份合作公司",
    "individual": "经营部",
}
_WORKS = {
    "building": "住宅小区 安置房 商业综合体 产业园厂房 中学教学楼 医院综合楼",
    "municipal": "道路改造工程 雨污管网工程 老旧小区改造 公园提升工程",
    "transport": "公路改建工程 农村公路 高速公路连接线 港口码头",
    "water": "水库除险加固 灌区改造 河道治理",
    "railway": "铁路站房 专用线",
    "aviation": "机场配套 航站楼扩建",
    "energy": "输变电工程 光伏发电项目 充电站",
    "agriculture": "高标准农田 冷链物流中心 农产品加工园",
    "other": "地质灾害治理 文旅景区 数据中心",
}


def employer_names(
    rng: np.random.Generator, sections: list[str], ownership: list[str], places: list[str]
) -> list[str]:
    """Return a name for each employer from its industry section, ownership and district name."""
    n = len(sections)
    letters = rng.integers(0, len(_SYLLABLES), (n, 3))
    short, local, pick = rng.random(n) < 0.5, rng.random(n) < 0.35, rng.integers(0, 1 << 30, n)
    trades = {section: text.split() for section, text in _TRADES.items()}
    names = []
    for i in range(n):
        word = "".join(_SYLLABLES[j] for j in letters[i, : 2 if short[i] else 3])
        options = trades.get(sections[i], trades["F"])
        head = "重庆市" + places[i] if local[i] else "重庆"
        names.append(f"{head}{word}{options[pick[i] % len(options)]}{_FORMS[ownership[i]]}")
    return names


def project_names(rng: np.random.Generator, types: list[str], places: list[str], phases: Ints) -> list[str]:
    """Return a name for each project from its type and district name.

    With a phase where there are several.
    """
    letters = rng.integers(0, len(_SYLLABLES), (len(types), 2))
    works = {kind: text.split() for kind, text in _WORKS.items()}
    pick = choose(rng, [1.0] * 60, len(types))
    names = []
    for i, kind in enumerate(types):
        word = _SYLLABLES[letters[i, 0]] + _SYLLABLES[letters[i, 1]]
        phase = f"({'一二三四'[phases[i] - 1]}期)" if phases[i] > 0 else ""
        names.append(f"{places[i]}{word}{works[kind][pick[i] % len(works[kind])]}{phase}")
    return names
