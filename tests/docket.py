"""A made-up docket set: employers, complaints and cases, and nothing else. Some complain often and end as cases."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.identifiers import make_uscc
from anxin.feeds.contract import contract

START, END = date(2023, 7, 1), date(2026, 3, 1)
DAY = date(2025, 9, 1)
"""The day that is trained through and scored; the lake goes on for half a year, so what came true is known."""

Row = dict[str, Any]


def employer_id(number: int) -> str:
    return make_uscc(f"91500112MA6U{number:04d}0")


def docket(employers: int = 600, seed: int = 1) -> dict[str, list[Row]]:
    """Return rows by feed, each sent a day or more after it happened; cases are sent again when verified."""
    rng = random.Random(seed)
    rows: dict[str, list[Row]] = {"employers": [], "complaints": [], "cases": []}
    for number in range(employers):
        rows["employers"].append(_firm(rng, number))
        often = rng.random() ** 6 * 0.05
        day = START
        while day < END:
            day += timedelta(days=1 + int(rng.expovariate(0.0006 + often)))
            rows["complaints"].append(_complaint(rng, number, day, len(rows["complaints"])))
            if rng.random() < 0.25:
                opened = day + timedelta(rng.randint(3, 60))
                rows["cases"] += _case(rng, number, opened, len(rows["cases"]))
    end = datetime.combine(END, time())
    return {feed: [row for row in each if row["received_at"] < end] for feed, each in rows.items()}


def _sent(rng: random.Random, day: date, least: int = 1) -> datetime:
    return datetime.combine(
        day + timedelta(rng.choice([least, least, least + 2])), time(2, rng.randrange(60))
    )


def _firm(rng: random.Random, number: int) -> Row:
    registered = START - timedelta(rng.randint(30, 3000))
    return {
        "employer_id": employer_id(number),
        "name": f"渝中第{number}建筑劳务有限公司",
        "district": rng.choice(["500103", "500112", "500119"]),
        "industry": rng.choice(["E47", "E47", "C13", "H62"]),
        "ownership": "private",
        "registered_capital": Decimal(rng.choice(["500000.00", "2000000.00", "50000000.00"])),
        "established_on": registered,
        "status": "active",
        "changed_on": registered,
        "received_at": datetime.combine(START, time(1)),
    }


def _complaint(rng: random.Random, number: int, day: date, serial: int) -> Row:
    return {
        "complaint_id": f"X{serial:06d}",
        "employer_id": employer_id(number),
        "channel": rng.choice(["hotline", "visit", "wage_code"]),
        "occurred_on": day,
        "workers": rng.choice([1, 1, 2, 3, 12, None]),
        "amount": Decimal(rng.randint(1, 60)) * 1000,
        "received_at": _sent(rng, day),
    }


def _case(rng: random.Random, number: int, opened: date, serial: int) -> list[Row]:
    first = {
        "case_id": f"A{serial:06d}",
        "employer_id": employer_id(number),
        "source": "complaint",
        "arrears_from": (opened - timedelta(40)).replace(day=1),
        "opened_on": opened,
        "outcome": "pending",
        "received_at": _sent(rng, opened),
    }
    done = opened + timedelta(rng.randint(10, 40))
    found = "unfounded" if rng.random() < 0.15 else "verified"
    size = {"workers": rng.randint(1, 40), "amount": Decimal(rng.randint(5, 900)) * 1000}
    last = {**first, **size, "outcome": found, "verified_on": done, "closed_on": done + timedelta(5)}
    return [first, {**last, "received_at": _sent(rng, done + timedelta(5))}]


def deliver(folder: Path, rows: dict[str, list[Row]], *, until: date = END) -> Path:
    """Write the rows received before `until`: complaints as CSV in GB18030, the rest as Parquet; four rows are bad."""
    limit = datetime.combine(until, time())
    for feed, each in rows.items():
        (folder / feed).mkdir(parents=True)
        mine = [row for row in each if row["received_at"] < limit]
        if feed == "complaints":
            _csv(folder / feed / "线索.csv", mine)
            continue
        table = pa.Table.from_pylist(mine, schema=contract()[feed].schema)
        if feed == "cases":
            table = _with_bad_rows(table)
        pq.write_table(table, folder / feed / "part-0.parquet")
    return folder


def _csv(path: Path, rows: list[Row]) -> None:
    columns = ("complaint_id", "employer_id", "channel", "occurred_on", "workers", "amount", "received_at")
    lines = [",".join((*columns, "备注"))]
    lines += [
        ",".join(["" if row[name] is None else str(row[name]) for name in columns] + ["转办"]) for row in rows
    ]
    lines.append(f"BAD1,{employer_id(0)},hotline,2024年1月5日,1,100,2024-01-06 02:00:00,日期有误")
    lines.append(f"BAD2,{employer_id(0)},电报,2024-01-05,1,100,2024-01-06 02:00:00,渠道有误")
    path.write_bytes(("\n".join(lines) + "\n").encode("gb18030"))


def _with_bad_rows(table: pa.Table) -> pa.Table:
    bad = table.slice(0, 2)
    place = table.column_names.index("case_id")
    bad = bad.set_column(place, table.schema.field("case_id"), pa.array(["BAD3", None], pa.string()))
    place = table.column_names.index("outcome")
    bad = bad.set_column(place, table.schema.field("outcome"), pa.array(["maybe", "verified"], pa.string()))
    return pa.concat_tables([table, bad])
