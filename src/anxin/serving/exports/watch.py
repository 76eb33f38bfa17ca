"""The watch-list of employers in difficulty 重点监控 as CSV, XLSX and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import xlsxwriter

from anxin.serving import wording
from anxin.serving.abilities import Abilities, Ability
from anxin.serving.exports.plain import plain

PREDICTS = wording.Words(
    "仅凭资金迹象（信贷、税务、社保、应收款）估计的未来90日查实欠薪概率，不含投诉、用电与企业画像",
    "the probability of a verified case within 90 days from signs of money alone (credit, tax, insurance, receipts), "
    "not complaints, electricity or what the employer is",
)


@dataclass(frozen=True)
class Column:
    """One column: its names, width and cell."""

    zh: str
    en: str
    width: int
    cell: Callable[[Ability], str | float | int | None]


def _reason(place: int) -> Callable[[Ability], str | None]:
    return lambda one: one.reasons[place].zh if place < len(one.reasons) else None


COLUMNS = (
    Column("序号", "rank", 7, lambda one: one.rank),
    Column("名称", "name", 34, lambda one: one.name),
    Column("代码", "subject_id", 24, lambda one: one.subject_id),
    Column("属地", "district_name", 14, lambda one: one.district_name),
    Column("区划代码", "district", 11, lambda one: one.district),
    Column("行业主管部门", "regulator", 18, lambda one: one.regulator),
    Column("工资支付能力", "level", 13, lambda one: one.words.zh),
    Column("资金迹象概率", "probability", 13, lambda one: one.probability),
    Column("清单等级", "grade", 9, lambda one: wording.grade(one.grade).zh if one.grade else ""),
    Column("90日概率", "p90", 10, lambda one: one.p90),
    Column("原因一", "reason_1", 46, _reason(0)),
    Column("原因二", "reason_2", 46, _reason(1)),
    Column("原因三", "reason_3", 46, _reason(2)),
)


def watch_list(form: str, rows: Sequence[Ability], abilities: Abilities) -> bytes:
    """Return the watch-list in a form: csv, xlsx or json."""
    return {"csv": _csv, "xlsx": _xlsx, "json": _json}[form](rows, abilities)


def _csv(rows: Sequence[Ability], abilities: Abilities) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    mark = [wording.RETROSPECTIVE.zh] if abilities.published.manifest.retrospective else []
    writer.writerow([f"{column.zh} {column.en}" for column in COLUMNS] + ["标记 mark"] * len(mark))
    writer.writerows([plain(column.cell(row)) for column in COLUMNS] + mark for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _json(rows: Sequence[Ability], abilities: Abilities) -> bytes:
    published = abilities.published
    content = {
        "as_of": published.as_of,
        "list_id": published.list_id,
        "retrospective": published.manifest.retrospective,
        "model": published.manifest.model("employer"),
        "predicts": {"zh": PREDICTS.zh, "en": PREDICTS.en},
        "counts": abilities.counts(),
        "watched": [{**asdict(row), "level_zh": row.words.zh, "level_en": row.words.en} for row in rows],
        "notice": {"zh": wording.NOTICE.zh, "en": wording.NOTICE.en},
    }
    return (json.dumps(content, ensure_ascii=False, default=str) + "\n").encode()


def _xlsx(rows: Sequence[Ability], abilities: Abilities) -> bytes:
    sink = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(sink, options)
    text = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
    text_format, percent = book.add_format(text), book.add_format({**text, "num_format": "0.0%"})
    head = book.add_format({**text, "bold": True, "bottom": 1, "text_wrap": True})
    sheet = book.add_worksheet("重点监控")
    about = f"{abilities.published.as_of} 工资支付能力困难的用人单位 {len(rows)} 家。{PREDICTS.zh}。{wording.NOTICE.zh}"
    if abilities.published.manifest.retrospective:
        about = f"{wording.RETROSPECTIVE.zh} {about}"
    sheet.write_string(0, 0, about, text_format)
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(1, place, f"{column.zh}\n{column.en}", head)
    for at, row in enumerate(rows, start=2):
        for place, column in enumerate(COLUMNS):
            cell = column.cell(row)
            if isinstance(cell, str):
                sheet.write_string(at, place, cell, text_format)
            elif cell is not None:
                sheet.write_number(at, place, cell, percent if isinstance(cell, float) else text_format)
    sheet.freeze_panes(2, 3)
    book.close()
    return sink.getvalue()
