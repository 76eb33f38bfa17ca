"""A lookback as CSV, XLSX and JSON: what it adds up to, and every event with what the lists had said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import pandas as pd

from anxin.judging.lookback import Tally
from anxin.serving import wording
from anxin.serving.exports.sheets import Book, Cell, Heading, Style, csv_file, write
from anxin.serving.lookback import Lookback
from anxin.serving.wording import Words

LookbackFormat = Literal["csv", "xlsx", "json", "html"]
FORMATS: tuple[LookbackFormat, ...] = get_args(LookbackFormat)

EVENT_WORDS: Mapping[str, Words] = {
    "case": Words("案件", "case"),
    "petition": Words("信访", "petition"),
    "police": Words("警情", "police call"),
    "public_opinion": Words("舆情", "public opinion"),
}
STATUS_WORDS: Mapping[str, Words] = {
    "warned": Words("已预警", "warned"),
    "late": Words("预警滞后", "late"),
    "missed": Words("漏报", "missed"),
    "no_list": Words("此前无清单", "no list"),
    "unnamed": Words("未指明对象", "names nobody"),
}
OUTCOME_WORDS: Mapping[str, Words] = {
    "pending": Words("待查", "pending"),
    "verified": Words("查实", "verified"),
    "unfounded": Words("查无", "unfounded"),
    "wage": Words("属欠薪", "wages"),
    "not_wage": Words("不属欠薪", "not wages"),
    "duplicate": Words("重复", "duplicate"),
    "transferred": Words("转办", "transferred"),
}
HIDDEN = Words("隐藏", "hidden")


@dataclass(frozen=True)
class Column(Heading):
    """One column of the events, with its key in the rows and the words of its values."""

    key: str
    words: Mapping[str, Words] | None = None

    def cell(self, row: Mapping[str, Any]) -> Cell:
        """Return what a row says here, in Chinese; None where it says nothing."""
        value = _known(row[self.key])
        if value is None or value == "":
            return None
        if self.style == "grade":
            return wording.grade(int(value)).zh
        if self.words is not None:
            return wording.words(self.words, str(value)).zh
        if self.style == "date":
            return date(value.year, value.month, value.day)
        if isinstance(value, bool):
            return "是" if value else "否"
        return int(value) if self.style == "count" else value


COLUMNS: tuple[Column, ...] = (
    Column("事件", "event", "text", 8, "event", EVENT_WORDS),
    Column("事件编号", "event_id", "text", 16, "event_id"),
    Column("发生日", "day", "date", 12, "day"),
    Column("结论", "status", "text", 11, "status", STATUS_WORDS),
    Column("提前天数", "days_before", "count", 9, "days_before"),
    Column("滞后天数", "days_late", "count", 9, "days_late"),
    Column("对象类型", "kind", "text", 10, "kind", wording.KINDS),
    Column("名称", "name", "long", 34, "name"),
    Column("代码", "subject_id", "text", 24, "subject_id"),
    Column("属地", "district_name", "text", 14, "district_name"),
    Column("区划代码", "district", "text", 11, "district"),
    Column("行业主管部门", "regulator", "text", 18, "regulator"),
    Column("协同部门", "regulators_also", "text", 18, "regulators_also"),
    Column("人数", "workers", "count", 8, "workers"),
    Column("金额（元）", "yuan", "money", 14, "yuan"),
    Column("处理结果", "outcome", "text", 10, "outcome", OUTCOME_WORDS),
    Column("计入统计", "counts", "text", 9, "counts"),
    Column("预警编号", "warning_id", "text", 20, "warning_id"),
    Column("预警等级", "grade", "grade", 9, "grade"),
    Column("最高等级", "highest", "grade", 9, "highest"),
    Column("首次列入", "warned_on", "date", 12, "warned_on"),
    Column("列入时为新发现", "was_new", "text", 14, "was_new"),
    Column("事发时仍在榜", "still_listed", "text", 12, "still_listed"),
    Column("列入方式", "put_by", "text", 10, "put_by", wording.PUT_BY),
    Column("此前最近清单", "list_day", "date", 12, "list_day"),
    Column("若按日发布", "if_on_time", "text", 11, "if_on_time", STATUS_WORDS),
    Column("若按日发布的提前天数", "if_on_time_days_before", "count", 12, "if_on_time_days_before"),
    Column("评分所属清单", "scored_on", "date", 12, "scored_on"),
    Column("当时90日概率", "p90", "percent", 12, "p90"),
    Column("当时名次", "rank", "count", 9, "rank"),
    Column("当时等级", "scored_grade", "grade", 9, "scored_grade"),
    Column("当时在办", "in_hand", "text", 9, "in_hand"),
    Column("当时已知", "known", "long", 60, "known"),
)


def as_lookback_file(wanted: LookbackFormat, found: Lookback) -> bytes:
    """Return a lookback in a format."""
    if wanted == "csv":
        return to_csv(found)
    if wanted == "xlsx":
        return to_xlsx(found)
    if wanted == "html":
        return to_html(found)
    return json.dumps(facts(found), ensure_ascii=False, allow_nan=False).encode()


def to_csv(found: Lookback) -> bytes:
    """Return every event as CSV."""
    return csv_file(COLUMNS, _lines(found.rows))


def _lines(rows: pd.DataFrame) -> Iterator[list[Cell]]:
    return ([column.cell(_named(row)) for column in COLUMNS] for row in rows.to_dict("records"))


def facts(found: Lookback) -> dict[str, Any]:
    """Return a lookback as plain values: the tallies, and every event."""
    return {
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "known_on": found.known.isoformat(),
        "lists": found.lists,
        "published_late": found.published_late,
        "unreadable": [day.isoformat() for day in found.unreadable],
        "events": len(found.rows),
        "not_arrears": int((~found.rows["counts"]).sum()),
        "overall": found.overall.as_dict(),
        "by_event": [each.as_dict() for each in found.by_event],
        "if_on_time": None
        if found.on_time is None
        else {
            "overall": found.on_time[0].as_dict(),
            "by_event": [each.as_dict() for each in found.on_time[1]],
        },
        "by_district": [each.as_dict() for each in found.by_district],
        "by_regulator": [each.as_dict() for each in found.by_regulator],
        "rows": [
            {column.key: _json(row[column.key]) for column in COLUMNS}
            for row in found.rows.to_dict("records")
        ],
        "notice": {"zh": wording.NOTICE.zh, "en": wording.NOTICE.en},
    }


_TALLY: Sequence[tuple[Words, str, Style]] = (
    (Words("事件", "events"), "events", "count"),
    (Words("已预警", "warned"), "warned", "count"),
    (Words("其中新发现", "of them new finds"), "warned_new", "count"),
    (Words("预警滞后", "late"), "late", "count"),
    (Words("漏报", "missed"), "missed", "count"),
    (Words("此前无清单", "no list"), "no_list", "count"),
    (Words("未指明对象", "names nobody"), "unnamed", "count"),
    (Words("预警率", "share warned"), "share_warned", "percent"),
    (Words("提前天数中位", "median days before"), "days_before", "count"),
)


def tally_cells(each: Tally) -> list[str]:
    """Return the figures of a tally as text; of a hidden one, only that it is hidden."""
    if each.hidden:
        return [HIDDEN.zh] + [""] * (len(_TALLY) - 1)
    return [_said(getattr(each, key), style) for _, key, style in _TALLY]


def tally_titles() -> list[Words]:
    """Return the titles of `tally_cells`."""
    return [words for words, _, _ in _TALLY]


def _said(value: float | None, style: str) -> str:
    if value is None:
        return "—"
    return f"{value:.0%}" if style == "percent" else f"{value:,.0f}"


def to_xlsx(found: Lookback) -> bytes:
    """Return a workbook: the tallies, the events nobody was warned of in time, and every event."""
    book = Book(f"回头看 {found.since} 至 {found.until}")
    _summary(book, found)
    for name, rows in (("未及时预警", found.misses), ("全部事件", found.rows)):
        book.table(name, COLUMNS, _lines(rows), frozen=3)
    return book.close()


def _summary(book: Book, found: Lookback) -> None:
    sheet = book.sheet("汇总", landscape=True)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, len(_TALLY), 13)
    head, body = book.look(bold=True, bottom=1, text_wrap=True), book.look()
    formats = {style: book.style(style) for _, _, style in _TALLY}
    sheet.write_string(
        0, 0, f"欠薪预警回头看 {found.since} 至 {found.until}", book.look(font_size=18, bold=True)
    )
    sheet.write_string(1, 0, said_of(found).zh, body)
    at = 3
    for words, parts in sections(found):
        sheet.write_string(at, 0, words.zh, head)
        for place, (column, _, _) in enumerate(_TALLY, start=1):
            sheet.write_string(at, place, column.zh, head)
        for value, each in parts:
            at += 1
            sheet.write_string(at, 0, value, body)
            if each.hidden:
                sheet.write_string(at, 1, HIDDEN.zh, body)
                continue
            for place, (_, key, style) in enumerate(_TALLY, start=1):
                write(sheet, at, place, getattr(each, key), formats[style])
        at += 2
    sheet.write_string(at, 0, wording.NOTICE.zh, head)


def sections(found: Lookback) -> list[tuple[Words, list[tuple[str, Tally]]]]:
    """Return the tables of a lookback: by kind of event, had lists been on time, by district and regulator."""
    return [
        (Words("按事件", "by event"), _by_event(found.overall, found.by_event)),
        *([] if found.on_time is None else [(_IF_ON_TIME, _by_event(*found.on_time))]),
        (Words("按属地", "by district"), [(each.value, each) for each in found.by_district]),
        (Words("按行业主管部门", "by regulator"), [(each.value, each) for each in found.by_regulator]),
    ]


_IF_ON_TIME = Words(
    "事后推算：若各期清单均在其日期发布（当时无人看到，不是预警）",
    "worked out afterwards: had every list been published on its day (nobody was told, these are no warnings)",
)


def _by_event(overall: Tally, each: Sequence[Tally]) -> list[tuple[str, Tally]]:
    return [("全部", overall), *((wording.words(EVENT_WORDS, one.value).zh, one) for one in each)]


def said_of(found: Lookback) -> Words:
    """Say what a lookback rests on."""
    left = int((~found.rows["counts"]).sum())
    zh = (
        f"以{found.known}前收到的数据为准；相关清单{found.lists}期（不含回溯清单）；"
        f"查无、不属欠薪或重复的{left}件不计入统计。"
    )
    en = (
        f"As known before {found.known}; {found.lists} lists bear on it (none made in hindsight); {left} events that "
        "were unfounded, not about wages or duplicates do not count."
    )
    if found.published_late:
        zh += f"其中{found.published_late}期在其日期之后才发布，只自发布之日起计为预警，另行推算若按日发布的结果。"
        en += (
            f" {found.published_late} of the lists were published after their day: they warned from the day they were "
            "published; what they would have said on their day is told apart."
        )
    if found.unreadable:
        days = "、".join(day.isoformat() for day in found.unreadable)
        zh += f"清单损坏未计入：{days}。"
        en += f" Broken lists left out: {days}."
    return Words(zh, en)


def to_html(found: Lookback) -> bytes:
    """Return one page that opens without a network: the tallies and the largest events nobody was warned of."""
    from anxin.serving.looks import render

    shown = found.misses.head(_ON_PAGE)
    misses = [
        {column.key: column.cell(_named(row)) for column in COLUMNS} for row in shown.to_dict("records")
    ]
    return render(
        "lookback.html",
        found=found,
        said=said_of(found),
        titles=tally_titles(),
        sections=[
            (
                words,
                [(value, tally_cells(each)) for value, each in parts if not each.hidden],
                sum(each.hidden for _, each in parts),
            )
            for words, parts in sections(found)
        ],
        misses=misses,
        left=len(found.misses) - len(misses),
    ).encode()


_ON_PAGE = 300


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}


def _known(value: Any) -> Any:
    """Return None for what pandas calls missing."""
    return None if value is None or value is pd.NaT or value != value else value  # noqa: PLR0124


def _json(value: Any) -> Any:
    value = _known(value)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
