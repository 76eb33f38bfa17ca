"""What `anxin evaluate` prints: means over dates, capacity, lead, calibration, slices, dates one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anxin.judging.evaluator import GROUPS
from anxin.serving.wording import GRADES, LABEL_STATES, Words

LIST_WORDS = {"list": Words("清单", "the list"), "against": Words("对比清单", "the list to compare with")}
_UNMATCHED = {
    "unknown_kind": Words("类别不明", "unknown kind"),
    "no_list": Words("该日不在评判之列", "the date is not judged"),
    "not_scored": Words("当日未知或未评分", "unknown or not scored on the date"),
    "repeated": Words("重复", "repeated"),
}


def unmatched(counts: Mapping[str, int]) -> Words:
    """Say why rows of a list match nobody, by how many."""
    some = [(words, counts[key]) for key, words in _UNMATCHED.items() if counts[key]]
    return Words(
        "，".join(f"{words.zh} {count} 行" for words, count in some) or "空表",
        ", ".join(f"{words.en} {count}" for words, count in some) or "empty",
    )


_SHOWN = (
    ("average_precision", "平均精度 AP", "{:.4f}"),
    ("auc", "AUC", "{:.3f}"),
    ("precision_100", "前100精度 P@100", "{:.3f}"),
    ("precision_500", "前500精度 P@500", "{:.3f}"),
    ("observed_expected_100", "前100实现/预期 O/E@100", "{:.3f}"),
    ("observed_expected_500", "前500实现/预期 O/E@500", "{:.3f}"),
    ("log_loss", "对数损失 log-loss", "{:.5f}"),
    ("log_loss_base", "基准率对数损失 base-rate log-loss", "{:.5f}"),
    ("positives", "实现 positives", "{:.0f}"),
    ("subjects", "对象 subjects", "{:.0f}"),
)

_GROUP_WORDS = {"all": "全部 all", "new": "新发现 new"}


def lines(found: Mapping[str, Any], *, slices: bool = False) -> list[str]:
    """Return the judgement as lines: means over dates, capacities, calibration, then average precision date by date."""
    text = [f"以 {found['known_on']} 前收到的数据评判 judged by rows received before {found['known_on']}"]
    for name, counts in found["unmatched"].items():
        if counts["matched"] < counts["rows"]:
            title, said = LIST_WORDS[name], unmatched(counts)
            text.append(
                f"{title.zh} {counts['rows']} 行，未能对上者不计：{said.zh} "
                f"({counts['matched']} of {counts['rows']} rows of {title.en} matched, left out: {said.en})"
            )
    for kind, result in found["kinds"].items():
        if "note" in result:
            text.append(f"{kind}: {result['note']} ({', '.join(result['dates'])})")
            continue
        text += _dates(kind, result)
        for group in GROUPS:
            if not result["means"]["list"][group]:
                text.append(f"-- {_GROUP_WORDS[group]}: 没有对象 nobody")
                continue
            text += _means(result, group)
            text += _capacity(result, group)
            text += _calibration(result, group)
            if slices:
                text += _slices(result["slices"][group])
        text += _states(result["states"])
        if "selection" in result:
            text += _selection(result["selection"])
        text += _by_date(result)
    return text


def _dates(kind: str, result: Mapping[str, Any]) -> list[str]:
    text = [f"== {kind}, {len(result['dates'])} 个日期 dates: {', '.join(result['dates'])}"]
    if result["not_mature"]:
        text.append(
            f"   90天已满而标签未成熟（再等45天），实现数可能偏少 over but not mature, cases may still be verified: "
            f"{', '.join(result['not_mature'])}"
        )
        text.append(_mature_line(result))
    if "not_published" in result:
        text.append(
            "   未发布清单之日，对象由数据湖还原 nothing published, subjects as the lake knew them: "
            f"{', '.join(result['not_published'])}"
        )
    if "truth_untold" in result:
        text.append(
            "   真相文件未载之日，不与真相比 the truth was not told for these dates and is not compared on them: "
            f"{', '.join(result['truth_untold'])}"
        )
    return text


def _means(result: Mapping[str, Any], group: str) -> list[str]:
    names = [name for name, means in result["means"].items() if means[group]]
    title = f"-- {_GROUP_WORDS[group]}, 各日均值 mean of the dates"
    text = [title + "".join(f"{name:>16}" for name in names)]
    for key, words, form in _SHOWN:
        cells = [result["means"][name][group].get(key) for name in names]
        text.append(f"   {words:36}" + "".join(f"{'—' if c is None else form.format(c):>16}" for c in cells))
    text.append(f"   {'日期数 dates':36}" + "".join(f"{result['dates_judged'][name]:>16}" for name in names))
    cells = [result["means_without_averted"][name][group].get("average_precision") for name in names]
    text.append(
        f"   {'化解不计为命中之 AP, averted no hit':36}"
        + "".join(f"{'—' if c is None else format(c, '.4f'):>16}" for c in cells)
    )
    for name, gains in result["gains"].items():
        gain = gains[group]
        if gain["dates"]:
            text.append(
                f"   AP 比 {name} 高 gain {_with(gain, lambda value: f'{value:+.4f}')} 90 %, "
                f"胜 won {gain['won']}/{gain['dates']}"
            )
    return text


def _capacity(result: Mapping[str, Any], group: str) -> list[str]:
    """Say what is found, reached and won in time within each capacity, the rankings side by side."""
    text = []
    for name, groups in result["capacity"].items():
        for k, found in groups.get(group, {}).items():
            lead = found["lead"]
            changed = found["turnover"]
            text.append(
                f"   前{k} first {k}, {name}: 精度 precision {_share(found['precision'])} "
                f"召回 recall {_share(found['recall'])} 人数 workers {_share(found['workers'])} "
                f"金额 yuan {_share(found['yuan'])}"
                + ("" if changed is None else f" 更替 turnover {changed:.0%}")
            )
            if lead["cases"] and lead["reached"] > 0:
                text.append(
                    f"      案件 cases {lead['reached']:.0f}/{lead['cases']}: 早于立案 days before the case "
                    f"{_days(lead['days_before_case'])} 早于首次投诉 before the first complaint "
                    f"{_days(lead['days_before_complaint'])} 投诉前或无投诉 ahead of any {lead['before_complaint']:.0%} "
                    f"早于先来先办 before first-come-first-served {_days(lead['days_before_queue'])}"
                    f"（先来先办 it reaches {lead['queue_reached']:.0f}）"
                )
    return text


def _calibration(result: Mapping[str, Any], group: str) -> list[str]:
    text = []
    for name, groups in result["calibration"].items():
        if group not in groups:
            continue
        found = groups[group]
        parts = " ".join(
            f"{_part(part)} {_figure(each)}" for part, each in found["observed_expected"].items()
        )
        text.append(
            f"   校准 calibration, {name}: 对数损失技巧 log-loss skill {_figure(found['log_loss_skill'], 3)} "
            f"斜率 slope {_figure(found['slope'])} 实现/预期 O/E {parts}"
        )
    return text


def _part(part: str) -> str:
    if part.startswith("grade_"):
        words = GRADES.get(int(part[-1]), Words("未列", "unlisted"))
        return f"{words.zh} {words.en}"
    return {"everyone": "全部 everyone"}.get(part, f"前{part.removeprefix('first_')}")


def _states(found: Mapping[str, Any]) -> list[str]:
    text = ["-- 标签五态（对象×日期）five states of a label (subjects × dates)"]
    for group, parts in found.items():
        for part, counts in parts.items():
            said = "  ".join(
                f"{LABEL_STATES[state].zh} {LABEL_STATES[state].en} {count:.0f}"
                for state, count in counts.items()
            )
            text.append(f"   {_GROUP_WORDS[group]} {_part(part)}: {said}")
    return text


_DIMENSION_WORDS = {
    "district": Words("属地", "district"),
    "sector": Words("行业/类型", "sector or type"),
    "size": Words("规模", "size"),
    "ownership": Words("性质", "ownership"),
}


def _slices(found: Mapping[str, Any]) -> list[str]:
    k = found["capacity"]
    text = []
    for dimension, words in _DIMENSION_WORDS.items():
        text.append(f"   按{words.zh}，前{k} by {words.en}, first {k}")
        hidden = sum(cell["hidden"] for cell in found[dimension])
        for cell in found[dimension]:
            if not cell["hidden"]:
                text.append(
                    f"      {cell['value']}: 对象 subjects {cell['subjects']} 实现 positives {cell['positives']} "
                    f"列入 listed {cell['listed']:.1f} 精度 precision {_share(cell['precision'])} "
                    f"召回 recall {_share(cell['recall'])}"
                    + (f" O/E {_figure(cell['observed_expected'])}" if cell["observed_expected"] else "")
                )
        if hidden:
            text.append(f"      另 {hidden} 格样本过小，隐藏 {hidden} small cells hidden")
    return text


def _share(found: Mapping[str, float | None]) -> str:
    return _with(found, lambda value: f"{value:.3f}")


def _days(found: Mapping[str, float | None]) -> str:
    return _with(found, lambda value: f"{value:.0f}")


def _figure(found: Mapping[str, float | None], places: int = 2) -> str:
    return _with(found, lambda value: f"{value:.{places}f}")


def _with(found: Mapping[str, float | None], said: Callable[[float], str]) -> str:
    mean, low, high = found["mean"], found["low"], found["high"]
    if mean is None:
        return "—"
    return said(mean) if low is None or high is None else f"{said(mean)} [{said(low)}, {said(high)}]"


def _mature_line(result: Mapping[str, Any]) -> str:
    dates = len(set(result["dates"]) - set(result["not_mature"]))
    figures = [
        f"{group} {name} {means[group]['average_precision']:.4f}"
        for group in GROUPS
        for name, means in result["means_mature"].items()
        if means[group].get("average_precision") is not None
    ]
    return f"   仅成熟日期均值 AP over mature dates only ({dates}): {', '.join(figures) or '无 none'}"


def _by_date(result: Mapping[str, Any]) -> list[str]:
    text = []
    for group in GROUPS:
        table: dict[str, dict[str, float]] = {}
        for name, measures in result["by_date"].items():
            for m in measures:
                if m["group"] == group and m["average_precision"] is not None:
                    table.setdefault(m["as_of"], {})[name] = m["average_precision"]
        if table:
            names = [name for name in result["by_date"] if any(name in cells for cells in table.values())]
            text.append(f"-- {_GROUP_WORDS[group]}, 逐日平均精度 average precision by date")
            for day, cells in sorted(table.items()):
                said = (f"{name} {format(cells[name], '.4f') if name in cells else '—'}" for name in names)
                text.append(f"   {day} " + "  ".join(said))
    return text


_WAY_WORDS = {
    "any": Words("任一途径（投诉、检查、隐患、案件）", "any way (complaint, inspection, hazard, case)"),
    "inspected": Words("日常、随机与专项检查", "routine, random and campaign inspections"),
}
_FIGURE_WORDS = {"prevalence": "发生率 prevalence", "precision": "精度 precision", "recall": "召回 recall"}


def _selection(found: Mapping[str, Any]) -> list[str]:
    """Say what selection does to the list: plain figures, and as if everyone had been looked at alike."""
    text = [
        "-- 选择性：谁会被查到 selection: who is looked at at all",
        "   欠薪本身引来投诉，当日数据看不出，故任一途径的加权值偏高；检查一栏较可信 "
        "arrears themselves bring complaints, which nothing known on the day tells: figures weighted by any way "
        "are too high, inspections say more",
    ]
    for way, words in _WAY_WORDS.items():
        each = found[way]
        if each["looked_at"] is None:
            continue
        auc = "—" if each["auc"] is None else f"{each['auc']:.3f}"
        clipped = "—" if each["clipped"] is None else f"{each['clipped']:.0%}"
        text.append(
            f"   {words.zh} {words.en}: 被查 looked at {each['looked_at']:.1%}, 倾向模型 propensity AUC {auc}, "
            f"截断 clipped {clipped}"
        )
        for group, figures in each["figures"]["list"].items():
            for name, figure in figures.items():
                key, _, k = name.partition("_")
                title = _FIGURE_WORDS[key] + (f" 前{k}" if k else "")
                text.append(
                    f"      {_GROUP_WORDS[group]} {title}: 原 plain {_share(figure['plain'])} "
                    f"加权 weighted {_share(figure['weighted'])} 有效样本 effective {figure['effective']:.0f}"
                )
    text.append("   随机抽查 random checks")
    for group, parts in found["random_checks"]["list"].items():
        for part, each in parts.items():
            text.append(
                f"      {_GROUP_WORDS[group]} {_part(part)}: 抽查 checked {each['checked']:.0f} "
                f"发现欠薪或隐患 found arrears or a hazard {_share(each['found'])} "
                f"后查实 verified {_share(each['verified'])}"
            )
    return text
