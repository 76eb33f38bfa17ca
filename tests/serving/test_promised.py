"""What the grades promise is said wherever a list is read, and so is what cannot be kept."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from anxin.domain.errors import AnxinError
from anxin.models.grades import Promises
from anxin.serving.exports.workbook import to_xlsx
from anxin.serving.promised import broken, promise_facts, promise_lines
from anxin.serving.published import Manifest, Published
from anxin.serving.terminal.tables import show

from . import made_up
from .conftest import City

KEPT = "用人单位模型列入的红：90天内查实不少于 40%（置信度 90%，回测可列入的 61 条中查实 35 条）"
RULES = "用人单位规则列入的红：不作承诺，回测 9 条中查实 5 条"
LOST = "用人单位黄：无法承诺 10% 查实（回测不足以证明，回测可列入的 300 条中查实 27 条），暂按概率 8% 划定"


def test_page_workbook_json_and_table_say_what_is_promised(
    city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = city.client.get(f"/lists/{made_up.DAY}", headers=city.bearer()).text
    assert KEPT in page
    assert LOST in page
    assert RULES in page
    assert "查实率承诺无法兑现：用人单位黄、蓝；工程项目红、橙、黄、蓝" in page
    asked = city.client.get(f"/v1/lists/{made_up.DAY}?size=1", headers=city.bearer()).json()
    grades = asked["list"]["promises"]["employer"]["grades"]
    assert (grades["4"]["kept"], grades["4"]["threshold"], grades["4"]["zh"]) == (True, 0.37, KEPT[4:])
    assert (grades["2"]["kept"], grades["2"]["why"]) == (False, "not_shown")
    published = Published(made_up.publish(tmp_path))
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(published.rows, published)))
    cover = [str(cell.value) for line in book["封面"].iter_rows() for cell in line if cell.value]
    assert {KEPT, LOST, RULES} <= set(cover)
    show(published.rows, published, 1)
    assert "查实率承诺无法兑现：用人单位黄、蓝" in capsys.readouterr().out


def _manifest(**content: object) -> Manifest:
    return Manifest("L", made_up.DAY, (), content)


def test_a_list_of_before_promises_says_nothing_of_them() -> None:
    assert promise_lines(_manifest()) == []
    assert broken(_manifest()) is None


def test_promises_nobody_can_read_are_an_error_a_person_can() -> None:
    with pytest.raises(AnxinError, match="promises of list"):
        promise_lines(_manifest(promises={"employer": {"each": [{}]}}))


def test_what_is_promised_only_with_worse_grades_is_named_apart_and_not_called_shown() -> None:
    red, orange, yellow, blue = Promises.configured().each
    together = replace(yellow, kept=True, together=True, rows=151, hits=11, all_rows=326, all_hits=55)
    each = (replace(red, kept=True), replace(orange, kept=True), together, replace(blue, kept=True))
    found = _manifest(promises={"employer": Promises(0.9, 0.1, ("2025-01-01",), each).to_json()})
    said = broken(found)
    assert said is not None
    assert said.zh == "仅与更高等级合计承诺：用人单位黄"
    assert said.en == "promised only together with worse grades: employer yellow"
    line = promise_lines(found)[2].zh
    assert "模型列入的黄及以上合计" in line and "黄单独不作承诺，回测可列入的 151 条中查实 11 条" in line
    facts = promise_facts(found)["employer"]["grades"]["2"]
    assert (facts["together"], facts["all_rows"], facts["all_hits"]) == (True, 326, 55)
