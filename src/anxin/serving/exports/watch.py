"""The watch-list of employers in difficulty 重点监控 as CSV, XLSX and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from anxin.serving import wording
from anxin.serving.abilities import Abilities, Ability
from anxin.serving.exports.sheets import Book, Cell, Heading, csv_file

PREDICTS = wording.Words(
    "仅凭资金迹象（信贷、税务、社保、应收款）估计的未来90日查实欠薪概率，不含投诉、用电与企业画像",
    "the probability of a verified case within 90 days from signs of money alone (credit, tax, insurance, receipts), "
    "not complaints, electricity or what the employer is",
)


@dataclass(frozen=True)
class Column(Heading):
    """One column, with the cell of an employer."""

    cell: Callable[[Ability], Cell]


def _reason(place: int) -> Callable[[Ability], str | None]:
    return lambda one: one.reasons[place].zh if place < len(one.reasons) else None


COLUMNS = (
    Column("序号", "rank", "count", 7, lambda one: one.rank),
    Column("名称", "name", "long", 34, lambda one: one.name),
    Column("代码", "subject_id", "text", 24, lambda one: one.subject_id),
    Column("属地", "district_name", "text", 14, lambda one: one.district_name),
    Column("区划代码", "district", "text", 11, lambda one: one.district),
    Column("行业主管部门", "regulator", "text", 18, lambda one: one.regulator),
    Column("工资支付能力", "level", "text", 13, lambda one: one.words.zh),
    Column("资金迹象概率", "probability", "percent", 13, lambda one: one.probability),
    Column("清单等级", "grade", "grade", 9, lambda one: wording.grade(one.grade).zh if one.grade else ""),
    Column("90日概率", "p90", "percent", 10, lambda one: one.p90),
    Column("原因一", "reason_1", "long", 46, _reason(0)),
    Column("原因二", "reason_2", "long", 46, _reason(1)),
    Column("原因三", "reason_3", "long", 46, _reason(2)),
)


def watch_list(form: str, rows: Sequence[Ability], abilities: Abilities) -> bytes:
    """Return the watch-list in a form: csv, xlsx or json."""
    return {"csv": _csv, "xlsx": _xlsx, "json": _json}[form](rows, abilities)


def _lines(rows: Sequence[Ability]) -> Iterator[list[Cell]]:
    return ([column.cell(row) for column in COLUMNS] for row in rows)


def _csv(rows: Sequence[Ability], abilities: Abilities) -> bytes:
    hindsight = abilities.published.manifest.retrospective
    return csv_file(COLUMNS, _lines(rows), wording.RETROSPECTIVE.zh if hindsight else None)


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
    book = Book(f"重点监控 {abilities.published.as_of}")
    about = f"{abilities.published.as_of} 工资支付能力困难的用人单位 {len(rows)} 家。{PREDICTS.zh}。{wording.NOTICE.zh}"
    if abilities.published.manifest.retrospective:
        about = f"{wording.RETROSPECTIVE.zh} {about}"
    book.table("重点监控", COLUMNS, _lines(rows), frozen=3, about=about)
    return book.close()
