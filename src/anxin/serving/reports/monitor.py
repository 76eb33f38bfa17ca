"""The page of `anxin monitor`: one file that opens offline, Chinese first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from anxin.domain import divisions, industries
from anxin.serving.evidence import choice_words
from anxin.serving.looks import render
from anxin.serving.wording import Words

STATES: Mapping[str, Words] = {
    "alarm": Words("报警", "alarm"),
    "watch": Words("关注", "watch"),
    "steady": Words("平稳", "steady"),
}

_TOLD = 25
"""Features shown with their bins; all others by name and figure, or the page would grow too large to send."""
_MONTHS = 18

_FACTS = {
    "district": "属地",
    "industry": "行业门类",
    "ownership": "所有制",
    "registered": "在册",
    "in_hand": "在办",
    "project_type": "工程类型",
    "government_funded": "政府投资",
    "soe_owner": "国企业主",
}


_FLAGS = {"True": "是", "False": "否"}


def page(facts: Mapping[str, Any]) -> str:
    """Return the facts of `monitoring.monitor` as HTML."""
    kinds, day = facts["kinds"], date.fromisoformat(facts["day"])
    told, others, months, counts = {}, {}, {}, {}
    for kind, one in kinds.items():
        graded = [shift for shift in one["features"] if shift["state"] != "steady"][:_TOLD]
        told[kind] = graded
        others[kind] = [shift for shift in one["features"] if shift not in graded]
        months[kind] = _months(one["calibration"])
        counts[kind] = {"alarm": 0, "watch": 0, "steady": 0} | Counter(s["state"] for s in one["features"])
    late = {name: feed for name, feed in facts["feeds"].items() if feed["state"] != "steady"}
    return render(
        "monitor.html",
        facts=facts,
        states=STATES,
        told=told,
        others=others,
        months=months,
        counts=counts,
        firsts={
            kind: [head["first"] for head in rows[0][1]] if rows else [] for kind, rows in months.items()
        },
        late=sorted(late.items(), key=lambda item: (item[1]["state"] != "alarm", item[0])),
        in_time=len(facts["feeds"]) - len(late),
        facts_zh=_FACTS,
        said=lambda name, value: _value(name, value, day),
        at=at,
        line=line,
        path=path,
    )


def _value(fact: str, value: str | None, day: date) -> str:
    """Return a value of a fact of subjects in words; what nobody named stands as it is."""
    if not value:
        return "缺失"
    if fact == "district":
        return divisions.name(value, day)
    if fact == "industry":
        return industries.name(value)
    feed = "projects" if fact == "project_type" else "employers"
    return _FLAGS.get(value) or choice_words(feed, fact).get(value, value)


def _months(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Return the newest lists first: each list and group with what held in the first of it."""
    newest = sorted({row["as_of"] for row in rows}, reverse=True)[:_MONTHS]
    return [
        (row, [head for head in rows if head["first"] is not None and _of(head) == _of(row)])
        for as_of in newest
        for row in rows
        if row["as_of"] == as_of and row["first"] is None
    ]


def _of(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["as_of"], row["group"]


def path(shares: Sequence[float], top: float, left: int, width: int) -> str:
    """Return bars of shares as one path, 26 high at `top`, nine apart; empty ones are left out.

    >>> path([0.5, 0.0, 1.0], 1.0, 0, 8)
    'M0 26v-13h8v13M18 26v-26h8v26'
    """
    heights = [round(26 * share / top, 1) for share in shares]
    return "".join(f"M{left + 9 * i} 26v-{h:g}h{width}v{h:g}" for i, h in enumerate(heights) if h)


def at(ratio: float) -> float:
    """Return the place of a ratio on a line of 240 from 0.25 to 4, in logs; what is beyond stands at the end.

    >>> at(1.0), at(0.25), at(100.0), at(0.0)
    (120.0, 0.0, 240.0, 0.0)
    """
    return round(120 + 120 * max(-1.0, min(1.0, math.log(max(ratio, 1e-9), 4))), 1)


def line(watched: Mapping[str, Any]) -> str:
    """Return the points of the wealth in a box of 200 by 34, in logs; the line that raises an alarm is at 5."""
    steps = [1.0, *(step["wealth"] for step in watched["steps"])]
    top = math.log(watched["threshold"])
    heights = [min(max(math.log(max(one, 1e-9)), -top / 4), 1.15 * top) for one in steps]
    width = 200 / max(1, len(steps) - 1)
    return " ".join(f"{i * width:.1f},{5 + 23 * (1 - h / top):.1f}" for i, h in enumerate(heights))


def lines(facts: Mapping[str, Any]) -> list[str]:
    """Return the facts as lines for a person at a terminal."""
    text = [f"{facts['day']} 监测 monitor: {_said(facts['state'])}"]
    for name, feed in facts["feeds"].items():
        if feed["state"] != "steady":
            silent = (
                "从未收到 never received"
                if not feed["rows"]
                else f"静默 silent {feed['silent_days']} 天 days"
            )
            text.append(f"  {_said(feed['state'])} {name}: {silent}")
    for kind, one in facts["kinds"].items():
        text.append(f"{kind} {one['model_id']}: {_said(one['state'])}，{one['subjects']:,} 个对象 subjects")
        if one["reference"] is None:
            text.append("  此模型未附训练基准，须重新训练 no reference with this model, train again")
        for shift in [shift for shift in one["features"] if shift["state"] == "alarm"][:10]:
            text.append(
                f"  {_said('alarm')} {shift['zh']} {shift['name']}: PSI {shift['psi']:.2f} "
                f"(训练期 usual {shift['usual']:.2f})，缺失 missing "
                f"{shift['missing_before']:.0%} → {shift['missing_now']:.0%}"
            )
        if one["score"] and one["score"]["state"] != "steady":
            text.append(
                f"  {_said(one['score']['state'])} 评分分布 what the model says: PSI {one['score']['psi']:.2f}"
            )
        for part in one["population"]:
            if part["state"] != "steady":
                text.append(f"  {_said(part['state'])} {part['name']}: PSI {part['psi']:.2f}")
        for row in [row for row in one["calibration"] if row["first"] is None][-4:]:
            if row["ratio"] is not None:
                text.append(
                    f"  {row['as_of']} {row['group']:3} 实现/预计 observed/expected "
                    f"{row['observed']}/{row['expected']:.1f} = {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
                    f"，化解不计 averted no hit {_ratio(row['without_averted']['ratio'])}"
                )
        text += _alarms("序贯报警 sequential alarm", one["alarm"])
        text += _alarms("历任模型全部清单 all lists of all models", one["service"]["alarm"])
    return text


def _alarms(name: str, watches: Mapping[str, Any]) -> list[str]:
    text = []
    for group, watched in watches.items():
        if watched["steps"]:
            raised = f"自 since {watched['alarmed']}" if watched["alarmed"] else "未报警 none"
            text.append(
                f"  {name} {group}: {raised}，{watched['steps'][-1]['wealth']:.2f} / "
                f"{watched['threshold']:.0f}，{len(watched['steps'])} 个月 months"
            )
    return text


def _ratio(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _said(state: str) -> str:
    return f"{STATES[state].zh} {STATES[state].en}"
