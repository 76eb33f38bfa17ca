"""The page each month of labels that changed, and why: HTML for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.judging.any_list import known_on
from anxin.judging.revisions import Revisions, revisions
from anxin.serving import wording
from anxin.serving.feeds_named import feed_name
from anxin.serving.home import Home
from anxin.serving.looks import render
from anxin.serving.wording import Words

_CODES = {
    "pending": "待查", "verified": "查实", "unfounded": "查无", "averted": "化解",
    "routine": "日常检查", "complaint": "投诉检查", "warning": "预警核查", "random": "随机抽查", "campaign": "专项检查",
    "none": "未发现问题", "system_gap": "制度缺项", "hazard": "发现隐患", "arrears": "发现欠薪",
    "paid": "已支付", "became_case": "转为案件", "place": "属地", "regulator": "行业主管",
    "national_platform": "全国平台", "wage_code": "渝薪码", "hotline": "热线", "visit": "来访", "petition": "信访",
    "police": "警情", "public_opinion": "舆情", "arbitration": "仲裁", "wage": "属欠薪", "not_wage": "不属欠薪",
    "duplicate": "重复", "transferred": "转办", "sent": "交办", "received": "签收", "visited": "已核查",
    "fed_back": "反馈", "returned": "退回", "closed": "销号", "arrears_settled": "欠薪已结清",
    "arrears_settling": "欠薪清偿中", "regime_fixed": "制度已整改", "unreachable": "无法联系",
    "contract_dispute": "合同纠纷", "referred": "移送", "stopped": "停工",
}  # fmt: skip
"""What the contract's codes are called; a code that is not here is shown as it came."""

_ON_PAGE = 500


@dataclass(frozen=True)
class Page:
    """A page of changed labels, where it was written."""

    name: str
    found: Revisions
    html: Path
    json: Path

    @property
    def facts(self) -> dict[str, Any]:
        """The page as plain values."""
        return facts(self.found)


def facts(found: Revisions) -> dict[str, Any]:
    """Return changed labels as plain values, dates as ISO text."""
    return {
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "transitions": {kind: dict(counts) for kind, counts in found.transitions.items()},
        "matured": [day.isoformat() for day in found.matured],
        "changes": [change.as_dict() for change in found.changes],
    }


def month_of(text: str) -> tuple[date, date]:
    """Return the two days of knowledge of a month written YYYY-MM: its first day, and the next month's.

    >>> month_of("2026-02")
    (datetime.date(2026, 2, 1), datetime.date(2026, 3, 1))
    """
    first = date.fromisoformat(f"{text}-01")
    return first, (first + timedelta(days=32)).replace(day=1)


def write_page(
    home: Home, since: date, until: date, folder: Path | None = None, name: str | None = None
) -> Page:
    """Write the page of labels that changed between two days of knowledge, under `var/labels` unless told otherwise.

    AnxinError if the days are the wrong way round or the lake knows nothing of the second yet.
    """
    if until <= since:
        raise AnxinError(
            f"起止颠倒：{since}、{until}", f"the second day is not after the first: {since}, {until}"
        )
    view = home.view()
    known = known_on(view)
    if since >= known:
        raise AnxinError(
            f"数据湖只到 {known}，尚无 {since} 之后收到的数据",
            f"the lake ends before {known}; nothing was received since {since} yet",
        )
    found = revisions(view, since, min(until, known))
    folder = folder if folder is not None else home.var / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    name = name or f"{found.since}_{found.until}"
    page = Page(name, found, folder / f"labels-{name}.html", folder / f"labels-{name}.json")
    page.html.write_text(to_html(found), encoding="utf-8")
    page.json.write_text(json.dumps(page.facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return page


def to_html(found: Revisions) -> str:
    """Return the page; it opens without a network."""
    return render(
        "labels.html",
        found=found,
        kinds=wording.KINDS,
        states=wording.LABEL_STATES,
        said=said,
        feed=feed_name,
        coded=coded,
        shown=found.changes[:_ON_PAGE],
        left=max(0, len(found.changes) - _ON_PAGE),
    )


def said(transition: str) -> Words:
    """Say `before → after` in both languages.

    >>> said("pending → verified").zh
    '待查 → 查实'
    """
    before, after = (wording.LABEL_STATES[state] for state in transition.split(" → "))
    return Words(f"{before.zh} → {after.zh}", f"{before.en} → {after.en}")


def coded(text: str) -> str:
    """Say the codes of a row in Chinese.

    >>> coded("campaign arrears")
    '专项检查、发现欠薪'
    """
    head, _, moved = text.partition(" (")
    named = "、".join(_CODES.get(word, word) for word in head.split())
    return f"{named}（{moved.rstrip(')')}）" if moved else named


def lines(page: Page) -> list[str]:
    """Return what `anxin labels` prints."""
    found = page.found
    text = [f"标签变动 labels changed, {found.since} → {found.until}: {len(found.changes)}"]
    for kind, counts in found.transitions.items():
        text += [
            f"   {wording.KINDS[kind].zh} {said(key).zh} {said(key).en}: {n}"
            for key, n in sorted(counts.items())
        ]
    if found.matured:
        text.append(f"   标签成熟 became mature: {', '.join(day.isoformat() for day in found.matured)}")
    return [*text, f"{page.html}", f"{page.json}"]
