from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from anxin.serving import schema
from anxin.serving.exports.columns import COLUMNS
from anxin.serving.exports.plain import to_csv, to_json, to_parquet
from anxin.serving.exports.workbook import to_xlsx
from anxin.serving.published import Published
from anxin.serving.selection import Filters, page, select

from . import made_up


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(made_up.publish(tmp_path_factory.mktemp("lists")))


def everything(_: object) -> bool:
    return True


def test_csv_opens_in_excel_with_chinese_headers_and_runs_no_formula(published: Published) -> None:
    written = to_csv(published.rows, published.as_of)
    assert written.startswith(b"\xef\xbb\xbf")
    lines = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"))))
    assert len(lines) == len(published.rows)
    assert lines[0]["预警编号 warning_id"] == published.rows[0].warning_id
    names = [line["名称 name"] for line in lines]
    assert f"'{made_up.FORMULA_NAME}" in names
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)
    assert any(float(line["分值 score"]) < 0 for line in lines), "numbers keep their sign"


def test_a_formula_hidden_behind_spaces_is_guarded_too(published: Published) -> None:
    from dataclasses import replace

    for name in ("  =1+1", "@SUM(A1)", "+1", "\t=1", "\uff1d1"):
        line = to_csv([replace(published.rows[0], name=name)], published.as_of).decode("utf-8-sig")
        assert f"'{name}" in line


def test_workbook_keeps_new_finds_and_in_hand_apart_behind_a_cover(published: Published) -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(published.rows, published)))
    assert book.sheetnames == ["封面", "新发现", "在办"]
    new, in_hand = book["新发现"], book["在办"]
    assert new.max_row - 1 == sum(not row.in_hand for row in published.rows)
    assert in_hand.max_row - 1 == sum(row.in_hand for row in published.rows)
    assert new.freeze_panes == "G2"
    assert new.auto_filter.ref is not None
    assert new.column_dimensions["F"].width > 30
    cover = "\n".join(str(cell.value) for line in book["封面"] for cell in line if cell.value is not None)
    for said in ("2026-01-12", "employer-2025-12-01-a1b2c3", "风险提示", "金融信贷", "迟报", "缺失"):
        assert said in cover


def test_workbook_writes_dangerous_names_as_text(published: Published) -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(published.rows, published)))
    cells = [cell for sheet in book for line in sheet for cell in line]
    assert all(cell.data_type != "f" for cell in cells)
    assert made_up.FORMULA_NAME in [cell.value for cell in cells]


def test_workbook_says_the_grade_in_words_and_in_colour(published: Published) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(published.rows, published)))["新发现"]
    at = [column.en for column in COLUMNS].index("grade")
    cells = [line[at] for line in sheet.iter_rows(min_row=2)]
    colours = {cell.value: cell.fill.fgColor.rgb for cell in cells}
    assert set(colours) <= set("红橙黄蓝")
    assert len(set(colours.values())) == len(colours)


def test_json_and_parquet_hold_the_same_rows(published: Published) -> None:
    document = json.loads(to_json(published.rows, published))
    assert document["list"]["as_of"] == "2026-01-12"
    assert document["list"]["watermarks"]["credit"]["late"] is True
    table = pq.read_table(io.BytesIO(to_parquet(published.rows)))
    assert table.schema.equals(schema.LIST)
    assert table.column("subject_id").to_pylist() == [row["subject_id"] for row in document["rows"]]
    again = pq.read_table(published.folder / "list.parquet")
    assert table.equals(again), "what is exported is what was published"


@pytest.mark.parametrize(
    ("filters", "keeps"),
    [
        (Filters(district="500119"), lambda row: row.district == "500119"),
        (Filters(district="500112"), lambda row: row.district == "500112103"),
        (Filters(regulator="国资委"), lambda row: "国资委" in row.regulators_also),
        (Filters(grades=frozenset({3, 4})), lambda row: row.grade in (3, 4)),
        (Filters(kind="project"), lambda row: row.kind == "project"),
        (Filters(in_hand=True), lambda row: row.in_hand),
        (
            Filters(change="eased", kind="employer"),
            lambda row: row.change == "eased" and row.kind == "employer",
        ),
    ],
)
def test_each_filter_keeps_exactly_its_rows(published: Published, filters: Filters, keeps) -> None:  # type: ignore[no-untyped-def]
    kept = select(published.rows, filters, everything, published.as_of)
    assert {row.subject_id for row in kept} == {row.subject_id for row in published.rows if keeps(row)}
    assert kept


def test_a_district_filter_follows_a_code_to_its_successor(published: Published) -> None:
    from dataclasses import replace

    old = [replace(published.rows[0], district="500381")]
    assert select(old, Filters(district="500116"), everything, date(2026, 1, 12)) == old


def test_pages_cover_all_rows_once(published: Published) -> None:
    rows = select(published.rows, Filters(), everything, published.as_of)
    pages = [page(rows, number, 15) for number in (1, 2, 3, 4)]
    assert [len(one.rows) for one in pages] == [15, 15, 10, 0]
    assert [row for one in pages for row in one.rows] == rows
    assert pages[0].last == 3


def test_a_broken_folder_says_where_and_what_to_do(tmp_path: Path) -> None:
    from anxin.domain.errors import AnxinError

    folder = made_up.publish(tmp_path)
    (folder / "list.parquet").write_bytes(b"half a file")
    with pytest.raises(AnxinError, match=r"list\.parquet"):
        _ = Published(folder).rows
