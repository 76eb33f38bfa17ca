"""`docs/features.md`: how features are computed, and each of them, rendered from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anxin.domain.law import article
from anxin.features.catalogue import FAMILIES, Feature, catalogue, facts
from anxin.feeds.contract import contract

_FAMILY_ZH = {
    "energy": "能源",
    "credit": "信贷",
    "litigation": "诉讼",
    "payroll": "工资、考勤、社保与税",
    "complaints": "投诉、案件、隐患、检查与通报",
    "funding": "资金",
    "profile": "画像",
    "relations": "关联",
    "silence": "数据中断",
}
_KIND_ZH = {"employer": "用人单位", "project": "工程项目"}
_UNIT_ZH = {
    "share": "占比",
    "yuan": "元",
    "days": "天",
    "count": "个",
    "heads": "人",
    "flag": "是否",
    "number": "数",
    "ratio": "比",
    "kwh": "千瓦时",
}
_DIRECTION = {1: "↑ 越大越险 higher is worse", -1: "↓ 越小越险 lower is worse", 0: ""}

_ABOUT = {"own": "自身 own", "payer": "付款方 payer", "around": "周边 around"}

_HEAD = """# 特征字典 · The features

本文件由 `python -m anxin.features.dictionary` 从 `src/anxin/features/*.yaml` 生成，请勿手改。
Rendered from the catalogue by `python -m anxin.features.dictionary`; do not edit.

## 方法 · The method

**两个时间，先用最笨的办法。** 对象 S 在日期 D 的特征，只看 D 零点（+08:00）以前收到、且 D 以前发生的行。最
笨的办法：对每个 S、每个 D，取每个主键最后收到的一行，去掉发生日期不在 D 以前的，再求和、计数。
`tests/features/oracle*.py` 正是这样写的，不做任何优化，是判断对错的依据。

**Two times, first naively.** A feature of subject S on date D sees only rows received before D 00:00
(+08:00) that happened before D. Naively: for each S and each D take of every key the row received last,
drop those whose event is not before D, then count and sum. The oracle in `tests/features` does just that
and nothing clever; it decides what is right. For 29 dates and 25,000 employers it would read every feed
725,000 times.

**从慢到快。** 第一步：某行从 `received_at` 起有效，到同一主键的下一版本收到为止（`superseded_at`）。入湖时
算好一次，「D 时已知」就只是三个比较：`received_at < D`，`superseded_at` 为空或 `≥ D`，发生日期 `< D`，不再
排序。第二步：这三个比较对所有日期一起做，是行表与日期表的一次连接；结果的每一行带着 `as_of`，按（对象，日
期）分组一次就得到全部对象、全部日期。第三步：一个特征只需要最近若干天时，窗口进入连接条件，直达 Parquet 扫
描。

**From slow to fast.** First, a version is valid from its `received_at` until the next version of its key is
received (`superseded_at`). That is decided once, when rows enter the lake, so «known at D» is three
comparisons and no sort: `received_at < D`, `superseded_at` null or `≥ D`, event `< D`. Second, the
comparisons are made for all dates at once: one join of rows with dates, each result row carrying its
`as_of`, and one grouping by (subject, date) gives every subject on every date. Third, where a feature needs
only the last days, the window is part of the join and reaches the Parquet scan. What one row means never
depends on how many dates are asked: many dates equal one by one, to the byte.

**求和必须精确。** 浮点数相加的结果取决于先后，同样的行换个文件就会变。所以金额、电量用定点小数相加，人数、
天数用整数相加；随时间衰减的权重先化为十亿分之一的整数再相加；只在最后做一次除法，分母为零即为缺失。方差由整
数的平方和求得，只除一次。取「最新一行」时排序不留并列。

**Sums are exact.** Sums of doubles depend on the order of rows: the same rows in other files give other
bytes. So money and kWh are summed as decimals, heads and days as whole numbers, and weights that fade with
age are rounded to billionths and summed as whole numbers. One division comes last, and nothing divided by
zero is missing. Variances come from whole sums of squares with one division. «The latest row» is never a
tie. Forbidden on this path: sums and deviations of doubles, `first`/`last`/`mode`/`collect`, quantiles of
float32, casts to whole numbers without rounding.

**缺失不是零。** 数据源在 D 以前从未收到任何行，取自它的特征为缺失；可不报的列从未报过（如账单的缴费日、工程款的
实付额、施工许可证号），要用到它的特征也为缺失；数据源在、而对象没有行，投诉、诉讼、通报一类逐件报送的计数为 0，其余
为缺失。**Missing is not zero.** Where a feed had sent nothing before D all its features are missing, and where a
column that need not be sent never was (the day a bill was paid, what was paid of a progress payment, a permit's
number) those that rest on it; where it had, but nothing of the subject, counts of what is reported piece by piece
(complaints, suits, notices) are 0 and everything else is missing. 其中人数、金额可以不报的，对象没有行时合计为 0，有
行而都没有报数时为缺失。Sums of heads and yuan that rows need not state are 0 where the subject has no row, and missing
where it has some and none states one. 有工资表而无发薪记录是未发，不是缺失：工地上的人员，该工地
近十四个月有过发薪记录、或至少半数已过支付日的工地有过时如此认定；单位自己的人员，只在近十四个月报过自己人员的发薪
记录时如此认定。同一周内支付日已过 7 天以上、曾发过薪的工地（或单位）有十个以上，而其中三分之二以上所知的实发不足应发的
一半时，视为该周的发薪数据未报送，这一周的工资不作判断；一家银行单独中断看不出来。A wage sheet without pay is unpaid, not
missing: of people on sites where any pay of the site for the last fourteen months is known, or that of at least half of
the sites past a pay day; of a firm's own staff only where pay of theirs was in these months. Where of ten or more sites
(or firms) that paid before, with a pay day in one week and more than a week ago, two thirds seem to have paid less than
half, pay of that week was not told and nothing is said of it; a single bank that died is not seen. 最近一笔发薪之后
支付日已过、仍在等薪的曾发薪者有十个以上时，视为发薪数据已中断：此后到期的工资不作判断，中断前最后几天有一成以上在等的
那一周也不作判断，距上次发薪的天数减去中断的天数。工资表、申报和考勤的月份，报送者不足上月九成时视为尚未报齐，不算任何人
缺报；投诉、隐患的办理期限晚于最近一条记录的，不算超期。Where ten or more who paid before wait for a pay day after the
newest payment, the feed of pay is told no longer: nothing is said of what fell due since, nor of a week of its last
days in which a tenth wait, and days since the last pay are counted less what the feed is behind. A month of sheets,
declarations or attendance that fewer sent than nine tenths of those of the month before is still to be told, and
nobody missed it; the term of a complaint or hazard that ends after the newest row is not past.

**方向** 只在有把握时给出，作为模型的单调约束。**他人** 表示按定义含有其他对象的数据。**理由** 为否的特征不
作为预警理由。 *Direction* is given only where it is sure, and becomes a monotone constraint of the model.
*Peers*: other subjects enter by definition. *Reason*: whether it may stand as a reason; a season or a
registry fact may not.

**谁的** 指该特征说的是谁：对象自身；直接向其付款的一方（项目的建设单位和施工总承包单位，承包、分包单位的上游发包
单位；控制方不算）；或周边（区县、行业、季节、共同的人、集团、同一工地的他人）。红色、橙色预警须有自身或付款方的、
有日期的事实。**可改变** 表示有人可以从现在起改变它：付款、拨付、存储、签合同、报送、办结；年龄、行业、季节和已经
发生的事不能。 *Whose* it is: the subject's own; of who directly pays it (owner and general contractor of a
project, who stands above a contractor or subcontractor; a controller does not count); or around it (district,
sector, season, a shared person, a group, others on the site). Red and orange need a dated fact of the first
two. *Actionable*: someone can change it from now on by paying, crediting, depositing, contracting, uploading
or closing; age, sector, season and what has already happened cannot be changed.

**模型不读** 指该类对象的模型不读这一列：选列时，模拟城市和真实案卷的树从这一列得到的增益不到全部增益的千分之一，或者该列
后来才有、尚未试过。门槛附近由偶然决定：重测一次，其中有的略高于千分之一，也有所读的列低于它（`benchmarks/results/unread.md`）。
人、规则和规模估计照旧使用。
*Not read*: the models of these kinds leave the column out: when columns were chosen, the trees of simulated cities and of
a real docket owed it less than a thousandth of all they gain, or it came later and was not asked for yet. Near a
thousandth chance decides: asked again, some of these earn a little more and some that are read earn less
(`benchmarks/results/unread.md`). People, rules and sizes read them as before.
"""


def render() -> str:
    """Return the dictionary of features as Markdown."""
    return "\n".join([_HEAD, *(line for family in FAMILIES for line in _family(family))])


def _family(family: str) -> Iterator[str]:
    features = [feature for feature in catalogue().values() if feature.family == family]
    yield f"## {_FAMILY_ZH[family]} · `{family}`"
    yield ""
    yield "| 特征 feature | 中文 | English | 对象 | 单位 | 数据源 | 方向 | 谁的 about | 备注 | 依据 |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for feature in features:
        yield _row(feature)
    yield ""
    dating = [fact.name for fact in facts().values() if fact.family == family]
    if dating:
        columns = "、".join(f"`{name}`" for name in dating)
        yield f"只用来定日期、定规模的列 columns that only date or size: {columns}"
        yield ""


def _row(feature: Feature) -> str:
    sources = "、".join(f"{contract()[name].zh} `{name}`" for name in feature.sources)
    notes = [
        "" if feature.empty is None else f"无行为 {feature.empty:g} empty",
        "未报数为缺失 missing if not stated" if feature.stated else "",
        "他人 peers" if feature.peers else "",
        "" if feature.reason else "不作理由 no reason",
        "可改变 actionable" if feature.actionable else "",
        "、".join(_KIND_ZH[kind] for kind in feature.unread) + "模型不读 not read" if feature.unread else "",
    ]
    cells = [
        f"`{feature.name}`",
        feature.zh,
        feature.en,
        "、".join(_KIND_ZH[kind] for kind in feature.kinds),
        f"{_UNIT_ZH[feature.unit]} {feature.unit}",
        sources,
        _DIRECTION[feature.direction],
        _ABOUT[feature.about],
        "；".join(note for note in notes if note),
        "" if feature.law is None else article(feature.law).cite_zh,
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write `docs/features.md` of the project folder this is run in."""
    Path("docs/features.md").write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
