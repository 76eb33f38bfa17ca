"""A lookback on published lists and a small lake: what was said before each event, in every form it is handed out in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.feeds.contract import contract
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake
from anxin.ledger import Ledger, published
from anxin.serving.exports.lookback import as_lookback_file, facts
from anxin.serving.home import Home
from anxin.serving.label_pages import coded, month_of, write_page
from anxin.serving.lookback import Lookback, look_back
from anxin.serving.published import Published
from anxin.serving.terminal.lookback import lines

from . import made_up
from .conftest import AT, published_home

Row = dict[str, Any]
AFTER = made_up.DAY + timedelta(3)
NAME = '=HYPERLINK("x")<b>公司'


def _deliver(home: Home, rows: dict[str, list[Row]], folder: Path) -> None:
    for feed, each in rows.items():
        (folder / feed).mkdir(parents=True)
        pq.write_table(
            pa.Table.from_pylist(each, schema=contract()[feed].schema), folder / feed / "part.parquet"
        )
    done = ingest(Lake(home.lake), folder, datetime(2026, 6, 1)).as_dict()
    assert not any(feed.get("refused") for feed in done["feeds"].values()), done


def _case(number: int, employer: str | None, day: date, **more: Any) -> Row:
    row = {
        "case_id": f"C{number}",
        "employer_id": employer,
        "source": "complaint",
        "opened_on": day,
        "workers": number,
    }
    row |= {"arrears_from": day.replace(day=1), "outcome": "verified"}
    return row | {"received_at": datetime.combine(day + timedelta(1), time(3))} | more


def _firm(code: str, name: str, district: str) -> Row:
    row = {"employer_id": code, "name": name, "district": district, "industry": "C33", "ownership": "private"}
    row |= {"registered_capital": Decimal(1), "established_on": date(2020, 1, 1), "status": "active"}
    return row | {"changed_on": date(2020, 1, 1), "received_at": datetime(2020, 1, 2)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Ledger]]:
    folder = tmp_path_factory.mktemp("lookback")
    home, ledger, _ = published_home(folder / "home")
    entry = published.of(ledger, made_up.DAY)
    assert entry is not None
    listed = [row for row in Published.of_entry(home.root, entry).rows if row.kind == "employer"]
    warned = [row.subject_id for row in listed[:6]]
    complaint = {"complaint_id": "T1", "channel": "police", "occurred_on": AFTER, "employer_id": None}
    told = {
        **complaint,
        "complaint_id": "T2",
        "channel": "petition",
        "employer_id": "NOBODY",
        "result": "not_wage",
    }
    sent = {"received_at": datetime.combine(AFTER + timedelta(1), time(3))}
    _deliver(
        home,
        {
            "employers": [
                *(_firm(code, "南麓服饰", "500106") for code in warned),
                _firm("91500000UNLISTED0X", NAME, "500119"),
            ],
            "cases": [
                *(_case(number, code, AFTER) for number, code in enumerate(warned)),
                _case(90, "91500000UNLISTED0X", AFTER),
                _case(91, "NEVERSCORED", AFTER),
                _case(92, warned[0], made_up.DAY - timedelta(30)),
                _case(93, warned[1], AFTER, outcome="unfounded"),
                _case(94, warned[1], date(2025, 1, 1)),
                _case(95, warned[2], made_up.DAY - timedelta(1)),
            ],
            "complaints": [{**complaint, **sent}, {**told, **sent}],
        },
        folder / "delivery",
    )
    with ledger:
        yield home, ledger


@pytest.fixture(scope="module")
def found(made: tuple[Home, Ledger]) -> Lookback:
    return look_back(*made, date(2025, 12, 1), date(2026, 2, 28))


def test_every_event_of_the_period_has_its_answer(found: Lookback) -> None:
    rows = found.rows.set_index("event_id")
    assert set(rows.index) == {*(f"C{n}" for n in range(6)), "C90", "C91", "C92", "C93", "C95", "T1", "T2"}
    assert (rows.loc[[f"C{n}" for n in range(6)], "status"] == "warned").all()
    assert rows.loc["C92", "status"] == "no_list"
    assert rows["days_late"].isna().all()
    assert rows.loc[["C90", "C91", "T1"], "status"].tolist() == ["missed", "missed", "unnamed"]
    assert rows.loc["C0", ["district_name", "regulator"]].tolist() == ["沙坪坝区", "经济信息委"]
    assert (found.lists, found.published_late) == (3, 2)  # they were published in the morning of the last
    assert not rows.loc["C93", "counts"]
    assert not rows.loc["T2", "counts"]


def test_lists_published_after_an_event_warned_nobody_and_what_they_would_have_said_stands_apart(
    found: Lookback,
) -> None:
    row = found.rows.set_index("event_id").loc["C95"]
    assert row["status"] == "no_list"  # the lists of two days were published on the third
    assert (row["if_on_time"], row["if_on_time_days_before"]) == (
        "warned",
        1,
    )  # the first list the ledger has
    assert str(row["known"]).startswith("清单事后才发布")
    assert row["scored_on"].date() == made_up.DAY - timedelta(1)
    assert row["p90"] > 0
    said = facts(found)
    assert (said["overall"]["warned"], said["overall"]["no_list"]) == (6, 2)
    assert (said["if_on_time"]["overall"]["warned"], said["if_on_time"]["overall"]["no_list"]) == (7, 1)
    text = "\n".join(lines(found))
    assert "其中2期在其日期之后才发布" in text
    assert "事后推算" in text
    page = as_lookback_file("html", found).decode()
    assert "事后推算" in page
    assert "若按日发布" in page


def test_where_every_list_was_on_time_nothing_else_is_worked_out(found: Lookback) -> None:
    on_time = replace(found, published_late=0)
    assert facts(on_time)["if_on_time"] is None
    assert "事后推算" not in "\n".join(lines(on_time))
    assert "若按日发布" not in as_lookback_file("html", on_time).decode()


def test_a_miss_says_what_was_known(found: Lookback) -> None:
    rows = found.rows.set_index("event_id")
    assert rows.loc["C90", ["p90", "scored_grade"]].tolist() == [0.01, 0]
    assert "未评分" in rows.loc["C91", "known"]
    assert "没有清单" in rows.loc["C92", "known"]
    assert [row for row in found.misses["event_id"]] == ["C95", "C92", "C91", "C90"]


def test_a_list_made_in_hindsight_never_warned(made: tuple[Home, Ledger], found: Lookback) -> None:
    home, ledger = made
    day = made_up.DAY - timedelta(45)
    folder = made_up.publish(home.lists, day, "L-hindsight", None)
    published.record(
        ledger, day, "L-hindsight", folder=folder.relative_to(home.root).as_posix(), manifest_sha256="0" * 64,
        previous_list_id=None, facts={}, actor="someone", at=AT, retrospective=True,
    )  # fmt: skip
    again = look_back(home, ledger, date(2025, 12, 1), date(2026, 2, 28))
    assert again.lists == found.lists
    assert again.rows["status"].tolist() == found.rows["status"].tolist()


def test_a_district_sees_its_own_events_only(made: tuple[Home, Ledger]) -> None:
    own = look_back(*made, date(2025, 12, 1), date(2026, 2, 28), district="500119")
    assert own.rows["event_id"].tolist() == ["C90"]
    for form in ("csv", "json", "html"):
        assert "沙坪坝区" not in as_lookback_file(form, own).decode("utf-8-sig")
    assert len(look_back(*made, date(2025, 12, 1), date(2026, 2, 28), regulator="水利局").rows) == 0


def test_every_form_holds_every_event_and_runs_nothing(found: Lookback) -> None:
    table = list(csv.DictReader(io.StringIO(as_lookback_file("csv", found).decode("utf-8-sig"))))
    assert len(table) == len(found.rows)
    assert {row["名称 name"] for row in table} >= {f"'{NAME}", "南麓服饰"}
    said = json.loads(as_lookback_file("json", found))
    assert said["events"] == len(said["rows"]) == len(found.rows)
    assert said["overall"]["warned"] == 6
    book = openpyxl.load_workbook(io.BytesIO(as_lookback_file("xlsx", found)))
    assert book.sheetnames == ["汇总", "未及时预警", "全部事件"]
    assert book["全部事件"].max_row == len(found.rows) + 1
    assert not any(cell.data_type == "f" for row in book["未及时预警"].iter_rows() for cell in row)
    page = as_lookback_file("html", found).decode()
    assert "&lt;b&gt;公司" in page
    assert "<b>公司" not in page
    assert "http" not in page.replace("https://www.w3.org", "")


def test_small_places_are_hidden_in_every_form(found: Lookback) -> None:
    cells = {each["value"]: each["hidden"] for each in facts(found)["by_district"]}
    assert cells == {"沙坪坝区": False, "未知 unknown": True, "南川区": True}
    assert not any("南川区: " in line for line in lines(found))


def test_a_period_the_wrong_way_round_is_told(made: tuple[Home, Ledger]) -> None:
    with pytest.raises(AnxinError, match="2026-02-01"):
        look_back(*made, date(2026, 2, 1), date(2026, 1, 1))


def test_the_page_of_labels_names_row_and_day(made: tuple[Home, Ledger], tmp_path: Path) -> None:
    home, _ = made
    page = write_page(home, *month_of("2026-01"), tmp_path, "2026-01")
    said = json.loads(page.json.read_text(encoding="utf-8"))
    assert said == page.facts
    assert {change["after"] for change in said["changes"]} == {"verified"}
    mine = [change for change in said["changes"] if change["subject_id"] == "NEVERSCORED"]
    (one,) = {row["key"] for change in mine for row in change["because"]}
    assert one == "C91"
    text = page.html.read_text(encoding="utf-8")
    assert "查实" in text
    assert "C91" in text
    with pytest.raises(AnxinError, match="2027-01-01"):
        write_page(home, *month_of("2027-01"), tmp_path)


def test_codes_are_said_in_chinese() -> None:
    assert coded("warning hazard") == "预警核查、发现隐患"
    assert coded("verified (2025-03-10 → 2025-04-29)") == "查实（2025-03-10 → 2025-04-29）"
    assert coded("verified (2025-03-10 → 2025-03-12, D → P1)") == "查实（2025-03-10 → 2025-03-12, D → P1）"
    assert coded("something") == "something"
