"""Small random worlds: rows of every feed of the contract, late, corrected, repeated and full of holes.

Few subjects and many rows, so that everything meets: the same worker on two projects, several meters,
companies that share a representative or control each other, bookings of one day, corrections that move the
event past the date.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.identifiers import make_uscc
from anxin.feeds.asof import View, connect
from anxin.feeds.contract import Column, Feed, contract
from anxin.feeds.engine import Engine
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake

Row = dict[str, Any]
World = dict[str, list[Row]]

START, END = date(2023, 1, 1), date(2024, 12, 31)
SPAN = (END - START).days
SEEDS = (1, 2, 3)
DATES = [date(2024, 1, 1), date(2024, 1, 9), date(2024, 2, 3), date(2024, 7, 8), date(2024, 12, 15)]
"""Around a Spring Festival (10 February 2024) and away from it; months begin exactly 61, 125, 130, 155, 220,
250, 365, 434 and 495 days before one of them, where windows over months end."""

_EDGES = (1, 7, 14, 15, 28, 29, 30, 56, 62, 90, 91, 120, 180, 208, 270, 300, 365, 366, 400, 430, 560, 730)
"""Ages at which a window of some feature ends."""

EMPLOYERS = [make_uscc(f"91500112MA5U{i:04d}0") for i in range(8)]
PROJECTS = [f"2301-500112-04-01-{i:05d}1" for i in range(6)]
STRANGERS = {"employers": EMPLOYERS[6:], "projects": PROJECTS[5:]}
"""Subjects the registry hears of late or never."""

SILENT = PROJECTS[4]
_NOT_SENT = ("attendance_daily", "payroll")
"""A project goes on without what it must send."""

UNPAID = EMPLOYERS[5]
"""An employer that never pays anyone, on the silent project too."""

_WORKERS = [f"{i:064x}" for i in range(6)]
_PEOPLE = [f"{i:064x}" for i in range(100, 103)]
_OFFICERS = [f"{i:064x}" for i in range(200, 204)]
BARRED = {*_WORKERS, *_OFFICERS}
"""Keys of persons who may never be seen outside the features."""

_ONE_OF = {
    "employer_id": EMPLOYERS,
    "contracted_by": EMPLOYERS,
    "owner_id": EMPLOYERS[:4],
    "contractor_id": EMPLOYERS[2:6],
    "controller_id": EMPLOYERS[:4],
    "project_id": PROJECTS,
    "worker_id": _WORKERS,
    "person_no": _OFFICERS,
    "legal_representative": _PEOPLE,
    "industry": ["E47", "E48", "C13", "I"],
    "district": ["500112", "500119001", "500101"],
    "value": ["A", "B", "C", "D"],
    "address": ["甲路1号", "乙路2号", "丙路3号"],
}
_ROWS = {
    "employers": 14,
    "projects": 12,
    "attendance_daily": 260,
    "payroll": 300,
    "complaints": 260,
    "cases": 45,
}
Meter = tuple[str, str, str | None, int, int, int]
"""Its name, whose it is, about as many kWh a day, the first day it could begin and the day it ends."""
_METERS: list[Meter] = [
    ("m0", EMPLOYERS[0], None, 100, 0, SPAN),
    ("m1", EMPLOYERS[0], None, 100, 0, SPAN),
    ("m2", EMPLOYERS[1], None, 100, 0, SPAN),
    ("m3", EMPLOYERS[7], None, 100, 0, SPAN),
    ("m4", EMPLOYERS[2], PROJECTS[0], 100, 0, SPAN),
    ("m5", EMPLOYERS[3], PROJECTS[1], 100, 0, SPAN),
]
_OTHER_METERS: list[Meter] = [
    ("m6", EMPLOYERS[0], None, 5, 350, SPAN),
    ("m7", EMPLOYERS[2], PROJECTS[0], 900, 0, 530),
    ("m8", EMPLOYERS[2], PROJECTS[0], 20, 350, SPAN),
    ("m9", EMPLOYERS[1], None, 400, 0, 450),
    ("m9", EMPLOYERS[7], None, 400, 450, SPAN),
    ("m10", EMPLOYERS[0], None, 300, 0, 700),
]
"""Second meters beside those: added or ended on the way, small and big, and one that is handed over."""
_NEVER_NEGATIVE = (0, 1, 2, 4, 7, 12, 30, 31, 400)


def world(seed: int, leave_out: Iterable[str] = ()) -> World:
    """Return rows by feed, values as in the contract; the same seed gives the same rows."""
    rng = random.Random(seed)
    rows = {name: _feed(rng, feed) for name, feed in contract().items()}
    rows["energy_usage"] += _beside(random.Random(f"meters {seed}"), contract()["energy_usage"])
    for name in leave_out:
        rows[name] = []
    return rows


def _beside(rng: random.Random, feed: Feed) -> list[Row]:
    """Return the rows of other meters, of their own chance: the rest of the world stays as it is."""
    return _sent_again(rng, feed, _readings(rng, feed, _OTHER_METERS))


def _feed(rng: random.Random, feed: Feed) -> list[Row]:
    if feed.name == "energy_usage":
        rows = _readings(rng, feed, _METERS)
    else:
        number = _ROWS.get(feed.name, rng.randint(100, 150))
        rows = [_row(rng, feed, _happened(rng), i) for i in range(number)]
    if feed.name == "wage_sheets":
        rows += _unpaid_sheets()
    if feed.name in STRANGERS:
        key = feed.key[0]
        rows = [
            row for row in rows if row[key] not in STRANGERS[feed.name] or row["received_at"].year == 2024
        ]
    rows = _sent_again(rng, feed, rows)
    if feed.name == "payroll":
        rows = [row for row in rows if row["employer_id"] != UNPAID]
    return [row for row in rows if row.get("project_id") != SILENT or feed.name not in _NOT_SENT]


def _sent_again(rng: random.Random, feed: Feed, rows: list[Row]) -> list[Row]:
    """Return rows with some corrected and some repeated, in any order."""
    corrected = [_correction(rng, feed, row) for row in rows if rng.random() < 0.25]
    rows = rows + corrected
    rows += [dict(row) for row in rows if rng.random() < 0.03]
    rng.shuffle(rows)
    return rows


def _happened(rng: random.Random) -> date:
    """Any day of the span, or one on which a window of one of the dates ends."""
    if rng.random() < 0.5:
        return START + timedelta(rng.randrange(SPAN))
    return rng.choice(DATES) - timedelta(rng.choice(_EDGES))


def _row(rng: random.Random, feed: Feed, happened: date, number: int) -> Row:
    row = {column.name: _value(rng, column, happened, number) for column in feed.columns}
    row[feed.event] = happened
    row["received_at"] = _received(rng, happened)
    return _sensible(rng, feed.name, row)


def _sensible(rng: random.Random, feed: str, row: Row) -> Row:
    """Keep what would otherwise almost never be true of random rows, or could not be stored."""
    if feed == "employers":
        row["status"] = rng.choice(["active", "active", "active", "abnormal", "revoked", "deregistered"])
        row["established_on"] = row["changed_on"] - timedelta(rng.randrange(4000))
    if feed == "projects":
        row["start_on"] = row["changed_on"] + timedelta(rng.randint(-150, 60))
        row["planned_end_on"] = row["start_on"] + timedelta(rng.choice([0, 30, 200, 500]))
        # Around the sizes from which an account and a deposit are asked for.
        sizes = ["50000.00", "3000000.00", "4000000.00", "4000000.00", "60000000.00"]
        row["contract_amount"] = Decimal(rng.choice(sizes))
        row["project_type"] = "building" if row["real_estate"] else row["project_type"]
        row["ended_on"] = None if rng.random() < 0.7 else row["start_on"] + timedelta(rng.randint(100, 700))
    if feed == "deposits" and rng.random() < 0.95:
        # So many are made of so few projects that else one would always be in force.
        row["expires_on"] = row["from_on"] + timedelta(rng.randint(5, 60))
    if feed == "credit":
        row["month"] = row["as_of"].replace(day=1)
    if feed in ("payroll", "attendance", "wage_sheets", "social_insurance", "tax"):
        event = row[contract()[feed].event]
        row["month"] = (event - timedelta(rng.choice([10, 35, 40, 70, 150]))).replace(day=1)
    if feed == "payroll":
        row["due"] = Decimal(rng.choice(["0.00", "100.00", "3000.00", "5123.45"]))
        row["paid"] = (row["due"] * Decimal(rng.choice(["0", "0.5", "0.95", "1"]))).quantize(Decimal("0.01"))
    if feed in ("payroll", "attendance", "labour_contracts", "wage_sheets"):
        _crews(feed, row)
    if feed in ("employers", "projects") and random.Random(str(row)).random() < 0.25:
        row["district"] = "500229"
    if feed == "cases":
        row["arrears_from"] = (row["opened_on"] - timedelta(rng.randrange(300))).replace(day=1)
    return row


def _crews(feed: str, row: Row) -> None:
    """Let attendance, contracts, sheets and pay of a worker and month meet; of its own chance, not the feed's."""
    rng = random.Random(str(row))
    if rng.random() < 0.3:
        return
    row["employer_id"], row["project_id"] = rng.choice(
        [(EMPLOYERS[0], PROJECTS[0]), (EMPLOYERS[0], None), (EMPLOYERS[2], PROJECTS[0])]
    )
    if "worker_id" in row:
        row["worker_id"] = rng.choice(_WORKERS[:3])
    if feed == "payroll":
        row["due"] = Decimal(rng.choice(["0.00", "2050.00", "3000.00", "5123.45", "60000.00"]))
        row["paid"] = (row["due"] * Decimal(rng.choice(["0.5", "0.95", "1", "1"]))).quantize(Decimal("0.01"))
        row["payment_no"] = rng.choice([1, 1, 2])
    if feed == "attendance":
        row["days"] = rng.choice([0, 15, 20, 21, 26])
    if feed == "labour_contracts":
        row["wage_rate"] = rng.choice([None, Decimal("200.00"), Decimal("6000.00")])


def _unpaid_sheets() -> list[Row]:
    """Sheets of who never pays, four a year."""
    months = [date(year, month, 1) for year in (2023, 2024) for month in (3, 6, 9, 11)]
    return [
        {
            **{"employer_id": UNPAID, "project_id": SILENT, "month": month, "workers": 3},
            **{
                "due": Decimal("15000.00"),
                "uploaded_on": month + timedelta(35),
                "pay_due_on": month + timedelta(45),
            },
            "received_at": datetime.combine(month + timedelta(36), time(3)),
        }
        for month in months
    ]


def _readings(rng: random.Random, feed: Feed, meters: Iterable[Meter]) -> list[Row]:
    """Daily readings of a few meters, with gaps, zeros and stops."""
    rows = []
    for meter, employer, project, size, begun, ended in meters:
        first, stop = begun + rng.randrange(250), rng.randint(400, SPAN)
        for offset in range(first, ended):
            if rng.random() < 0.2:
                continue
            row = _row(rng, feed, START + timedelta(offset), 0)
            level = rng.choice([0, 0.2, 1, 1.5, 2]) * size if offset < stop else rng.choice([0, 0, 3])
            row |= {
                "meter_id": meter,
                "employer_id": employer,
                "project_id": project,
                "kwh": Decimal(f"{level * rng.random():.3f}"),
            }
            rows.append(row)
    return rows


def _correction(rng: random.Random, feed: Feed, row: Row) -> Row:
    """Return the row sent again: the same key, later or at the very same instant, some values changed."""
    happened = row[feed.event]
    if feed.event not in feed.key and rng.random() < 0.3:
        happened = happened + timedelta(rng.randint(-40, 60))
    again = _row(rng, feed, happened, 0)
    kept = {name: value for name, value in row.items() if rng.random() < 0.6}
    again |= kept | {name: row[name] for name in feed.key} | {feed.event: happened}
    again["received_at"] = row["received_at"] + rng.choice(
        [timedelta(0), timedelta(1), timedelta(30), timedelta(200)]
    )
    return again


def _received(rng: random.Random, happened: date) -> datetime:
    """Mostly the next night, sometimes at midnight sharp, months late, or before the day it is dated."""
    delay = rng.choice([1, 1, 1, 1, 2, 2, 5, 40, 200, -20])
    moment = rng.choice([time(), time(3, 30), time(23, 59, 59, 999999)])
    return datetime.combine(happened + timedelta(delay), moment)


def _value(rng: random.Random, column: Column, happened: date, number: int) -> Any:
    if column.optional and rng.random() < 0.35:
        return None
    if column.name in ("employer_id", "project_id"):
        # Some have many rows of everything, some almost none.
        ids = _ONE_OF[column.name]
        return rng.choices(ids, [2.0 ** -(i // 2) for i in range(len(ids))])[0]
    if column.name in _ONE_OF:
        return rng.choice(_ONE_OF[column.name])
    match column.kind:
        case "string":
            return f"{column.name}-{number}"
        case "enum":
            return rng.choice(column.choices)
        case "bool":
            return rng.random() < 0.5
        case "int":
            return rng.choice(_NEVER_NEGATIVE)
        case "decimal" if column.scale == 6:
            return Decimal(rng.randint(0, 1_000_000)).scaleb(-6)
        case "decimal":
            return Decimal(rng.choice([0, 1, 99_999, rng.randint(0, 10**7)])).scaleb(-column.scale)
        case "month":
            return (happened - timedelta(rng.randrange(90))).replace(day=1)
        case "date" if rng.random() < 0.3:
            ahead = [day for day in DATES if day >= happened] or [END]
            return rng.choice(ahead) - timedelta(rng.choice([0, 0, 1, 90, 365]))
        case "date":
            return happened + timedelta(rng.randint(-20, 150))
        case "timestamp":
            return datetime.combine(happened, time())


def write(folder: Path, rows: Mapping[str, list[Row]], files: int = 1) -> Path:
    """Write rows as a delivery, each feed over so many files."""
    for feed, each in rows.items():
        for part in range(files):
            mine = each[part::files]
            if mine:
                (folder / feed).mkdir(parents=True, exist_ok=True)
                table = pa.Table.from_pylist(mine, schema=contract()[feed].schema)
                pq.write_table(table, folder / feed / f"part-{part}.parquet")
    return folder


def renamed(rows: World, mark: str) -> World:
    """Return the rows of a world where nobody is the same: other subjects, keys and people."""
    firms = {old: make_uscc(f"91500112MA5{mark}{i:04d}0") for i, old in enumerate(EMPLOYERS)}
    sites = {old: old.replace("500112", "500113") for old in PROJECTS}
    names = {**firms, **sites}

    def other(name: str, value: Any) -> Any:
        if name in ("worker_id", "person_no", "legal_representative"):
            return None if value is None else "f" + value[1:]
        own = (name == "contracted_by" or name.endswith(("_id", "_no"))) and isinstance(value, str)
        return names.get(value, f"{mark}-{value}") if own else value

    return {
        feed: [{name: other(name, value) for name, value in row.items()} for row in each]
        for feed, each in rows.items()
    }


def to_come(seed: int, received: datetime) -> World:
    """Return rows of new keys, received then, that are dated after the end of every stream."""
    rng = random.Random(seed)
    rows: World = {}
    for feed in contract().values():
        if feed.name in ("employers", "projects"):
            continue
        rows[feed.name] = []
        for number in range(40):
            row = _row(rng, feed, END + timedelta(1 + number), 10_000 + number)
            fresh = {"payment_no": 999, "period_no": 10_000 + number, "meter_id": f"new-{number}"}
            row |= {name: value for name, value in fresh.items() if name in row}
            if feed.name == "participations":
                row["employer_id"] = make_uscc(f"91500112MA5W{number:04d}0")
            if "month" in row:
                row["month"] = date(2030 + number // 12, 1 + number % 12, 1)
            rows[feed.name].append(row | {"received_at": received})
    return rows


def lake_of(folder: Path, *deliveries: Mapping[str, list[Row]], files: int = 1) -> Lake:
    """Return a new lake after these deliveries."""
    lake = Lake(folder / "lake")
    for number, rows in enumerate(deliveries):
        delivery = write(folder / f"delivery-{number}", rows, files)
        summary = ingest(lake, delivery, datetime(2025, 12, 31), engine=Engine(threads=1, memory_gib=1.0))
        assert not any(feed.refused for feed in summary.feeds.values()), "a row of a stream was refused"
    return lake


def view_of(folder: Path, *deliveries: Mapping[str, list[Row]], files: int = 1) -> View:
    """Return a view of a new lake after these deliveries, on one thread."""
    return View(lake_of(folder, *deliveries, files=files), connect(Engine(threads=1, memory_gib=1.0)))
