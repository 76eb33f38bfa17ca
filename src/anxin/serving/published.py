"""Reading one published list: a folder that never changes once the ledger names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.ledger.published import Published as Record
from anxin.models.severity import LIKELY_MAJOR
from anxin.serving import schema


@dataclass(frozen=True)
class Reason:
    """One feature's part in a score, with the sentence that says it.

    `contribution` is in points of score (raw margin for 90 days), `value` and `usual` in the feature's unit.
    """

    feature: str
    family: str
    contribution: float
    value: float | None
    usual: float | None
    date: date | None
    source: str | None
    basis: str | None
    zh: str
    en: str


@dataclass(frozen=True)
class Family:
    """What one family of features adds to a score, in points."""

    family: str
    contribution: float


@dataclass(frozen=True)
class RuleHit:
    """A red flag that holds for a subject: what it says, on what law, what to ask for, the value and its day."""

    name: str
    zh: str
    en: str
    articles: tuple[str, ...]
    law: str
    law_en: str
    ask: str
    ask_en: str
    feature: str
    value: float | None
    date: date | None
    raises_to: int


@dataclass(frozen=True)
class Change:
    """One step out of a grade: a feature back to what is usual, and how many go with it."""

    feature: str
    family: str
    value: float
    to: float
    others: int
    zh: str
    en: str


@dataclass(frozen=True)
class Leave:
    """The smallest set of steps that leaves the grade and the p90 it leads to; not reached: what all would lead to."""

    reached: bool
    p90: float
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Row:
    """One warning of a published list; the columns of ``list.parquet``, money in yuan."""

    rank: int
    warning_id: str
    kind: str
    subject_id: str
    name: str
    district: str
    district_name: str
    regulator: str
    regulators_also: tuple[str, ...]
    grade: int
    in_hand: bool
    p30: float
    p90: float
    p180: float
    score: float
    workers: float | None
    workers_lo: float | None
    workers_hi: float | None
    amount: float | None
    amount_lo: float | None
    amount_hi: float | None
    p_major: float | None
    change: str
    change_zh: str
    change_en: str
    since: date
    put_by: str
    reasons: tuple[Reason, ...]
    lowering: tuple[Reason, ...]
    families: tuple[Family, ...]
    rules: tuple[RuleHit, ...]
    leave: Leave | None
    grade_model: int | None
    grade_why_zh: str | None
    grade_why_en: str | None
    propensity: float | None
    visit: str | None
    visit_by: str | None
    visit_order: int | None
    visit_why: str | None
    visit_why_en: str | None
    visited_on: date | None
    model_version: str

    @property
    def regulators(self) -> tuple[str, ...]:
        """The line regulators this row concerns, the primary one first."""
        return (self.regulator, *(also for also in self.regulators_also if also != self.regulator))

    @property
    def major(self) -> bool:
        """Whether a case would likely be of 30 people or 1 million yuan."""
        return self.p_major is not None and self.p_major >= LIKELY_MAJOR

    @property
    def going(self) -> str | None:
        """The district whose people go there today, which leads a joint visit; None where nobody goes."""
        parts = (self.visit or "").split("-")
        if len(parts) != 3:
            return None
        return "" if parts[1] == "0" else parts[1]

    def days_listed(self, on: date) -> int:
        """Return how many days, today included, the warning has been on the list."""
        return (on - self.since).days + 1


@dataclass(frozen=True)
class Watermark:
    """How far a feed reaches on the list's day; dates as the manifest wrote them."""

    feed: str
    last_event: str | None
    last_received: str | None
    rows: int
    silent_days: int | None
    expected_days: int

    @property
    def missing(self) -> bool:
        """Nothing of this feed was ever received."""
        return self.rows == 0

    @property
    def late(self) -> bool:
        """The feed has been silent for longer than it usually is, or was never there."""
        return self.missing or (self.silent_days is not None and self.silent_days > self.expected_days)


# A monthly feed is silent for 31 days between two good deliveries; the manifest may say better per feed.
_EXPECTED_DAYS = 35


@dataclass(frozen=True)
class Manifest:
    """What a list was made from. `content` is the whole manifest as written, for those who replay it."""

    list_id: str
    as_of: date
    watermarks: tuple[Watermark, ...]
    content: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read ``manifest.json``; raise `AnxinError` where it is missing or not what it must be."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            marks = tuple(
                Watermark(
                    feed=feed,
                    last_event=mark.get("last_event"),
                    last_received=mark.get("last_received"),
                    rows=int(mark.get("rows") or 0),
                    silent_days=mark.get("silent_days"),
                    expected_days=int(mark.get("expected_days") or _EXPECTED_DAYS),
                )
                for feed, mark in sorted((content.get("watermarks") or {}).items())
            )
            return cls(
                list_id=str(content["list_id"]),
                as_of=date.fromisoformat(content["as_of"]),
                watermarks=marks,
                content=content,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(path) from error

    @property
    def retrospective(self) -> bool:
        """Whether the model was trained through a later day."""
        return bool(self.content.get("retrospective"))

    @property
    def late_feeds(self) -> tuple[Watermark, ...]:
        """The feeds a reader must be told about."""
        return tuple(mark for mark in self.watermarks if mark.late)

    def model(self, kind: str) -> str | None:
        """Return the id of the model that scored `kind`."""
        model = (self.content.get("models") or self.content.get("model_ids") or {}).get(kind)
        return str(model["model_id"]) if isinstance(model, Mapping) else model

    def text(self, key: str) -> str:
        """Return a value of the manifest as text, empty where it has none."""
        value = self.content.get(key)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class Explanation:
    """All contributions to one published row's score: ``base + sum(contribution) = score``."""

    base: float | None
    parts: tuple[Reason, ...]


@dataclass(frozen=True)
class Cleared:
    """A warning of the list before that this list no longer carries, and why."""

    kind: str
    subject_id: str
    name: str
    warning_id: str
    grade: int
    why_zh: str
    why_en: str


_REASON_FIELDS = tuple(item.name for item in fields(Reason))

_NESTED: Mapping[str, Callable[..., Any]] = {
    "reasons": Reason,
    "lowering": Reason,
    "families": Family,
    "rules": RuleHit,
}
"""The columns of a list that hold several things, and what each is."""

_LATER = frozenset(
    {
        "p_major",
        "lowering",
        "families",
        "rules",
        "leave",
        "grade_model",
        "grade_why_zh",
        "grade_why_en",
        "propensity",
    }
    | {"visit", "visit_by", "visit_order", "visit_why", "visit_why_en", "visited_on"}
)
"""Columns that the first lists did not have: nothing, where they are read."""


def _reason(values: Mapping[str, Any]) -> Reason:
    return Reason(**{name: _number(values[name]) for name in _REASON_FIELDS})


def _number(value: Any) -> Any:
    """Turn NaN, which parquet written from pandas uses for 'none', into None."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else _number(v) for name, v in values.items()}


def _leave(values: Mapping[str, Any] | None) -> Leave | None:
    if values is None:
        return None
    changes = tuple(Change(**_numbers(change)) for change in values["changes"])
    return Leave(values["reached"], values["p90"], changes)


def _rows(table: pa.Table) -> Iterator[Row]:
    for values in table.to_pylist():
        plain = _numbers(values)
        for name, made in _NESTED.items():
            plain[name] = tuple(made(**_numbers(item)) for item in plain[name] or ())
        plain["leave"] = _leave(plain["leave"])
        plain["regulators_also"] = tuple(plain["regulators_also"] or ())
        yield Row(**plain)


class Published:
    """One published list: its rows read once, explanations and scores per subject, each when asked for.

    The one door to a published folder: what is read through it is what the ledger names.
    """

    def __init__(self, folder: Path) -> None:
        """Open the list in `folder`; raises `AnxinError`, here or later, where a file is broken."""
        self.folder = folder
        self.manifest = Manifest.read(folder / "manifest.json")
        self._whole: set[str] = set()

    @classmethod
    def of_entry(cls, root: Path, entry: Record) -> Published:
        """Open the list a ledger entry names, under the home's folder; raises `AnxinError` if it is another."""
        folder = root / entry.folder
        try:
            digest = _digest(folder / "manifest.json")
        except OSError as error:
            raise _not_that_list(entry) from error
        if digest != entry.manifest_sha256:
            raise _not_that_list(entry)
        return cls(folder)

    @property
    def as_of(self) -> date:
        """The list's day D."""
        return self.manifest.as_of

    @property
    def list_id(self) -> str:
        """The list's own name."""
        return self.manifest.list_id

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every warning of the list, as the daily run ordered them."""
        return tuple(_rows(self._read("list.parquet", schema.LIST)))

    @cached_property
    def _by_subject(self) -> Mapping[tuple[str, str], Row]:
        return {(row.kind, row.subject_id): row for row in self.rows}

    def find(self, kind: str, subject_id: str) -> Row | None:
        """Return the subject's row, if it is on the list."""
        return self._by_subject.get((kind, subject_id))

    def explanation(self, kind: str, subject_id: str) -> Explanation:
        """Return every contribution to the subject's score, strongest first."""
        base: float | None = None
        parts: list[Reason] = []
        for values in self._of_subject("explanations.parquet", schema.EXPLANATIONS, kind, subject_id):
            if values["feature"] == "":
                base = _number(values["contribution"])
            else:
                parts.append(_reason({**values, "zh": values["zh"] or "", "en": values["en"] or ""}))
        parts.sort(key=lambda part: (-abs(part.contribution), part.feature))
        return Explanation(base, tuple(parts))

    def score(self, kind: str, subject_id: str) -> dict[str, Any] | None:
        """Return the subject's row of ``scores.parquet``, listed or not."""
        found = self._of_subject("scores.parquet", schema.SCORES, kind, subject_id)
        return {key: _number(value) for key, value in found[0].items()} if found else None

    @cached_property
    def cleared(self) -> tuple[Cleared, ...]:
        """The warnings of the list before that ended."""
        return tuple(Cleared(**v) for v in self._read("cleared.parquet", schema.CLEARED).to_pylist())

    def _of_subject(self, name: str, expected: pa.Schema, kind: str, subject_id: str) -> list[dict[str, Any]]:
        wanted = [("kind", "=", kind), ("subject_id", "=", subject_id)]
        found: list[dict[str, Any]] = self._read(name, expected, wanted).to_pylist()
        return found

    def has(self, name: str) -> bool:
        """Say whether the list was published with a file of that name."""
        hashes = self._hashes()
        return (self.folder / name).exists() if hashes is None else name in hashes

    def table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        wanted: list[tuple[str, str, str]] | None = None,
    ) -> pa.Table:
        """Return a file of the list; raises `AnxinError` if it cannot be read or is not what was published.

        A column that lists of its time did not have yet is left out.
        """
        path = self.folder / name
        try:
            self._check(path)
            there = None if columns is None else set(pq.read_schema(path).names)
            read = None if there is None else [name for name in columns or () if name in there]
            return pq.read_table(path, columns=read, filters=wanted)
        except (OSError, pa.ArrowException) as error:
            raise _broken(path) from error

    def _read(
        self, name: str, expected: pa.Schema, wanted: list[tuple[str, str, str]] | None = None
    ) -> pa.Table:
        try:
            table = self.table(name, expected.names, wanted)
            for column in set(expected.names) & _LATER - set(table.column_names):
                table = table.append_column(column, pa.nulls(len(table), expected.field(column).type))
            return table.select(expected.names).cast(expected)
        except pa.ArrowException as error:
            raise _broken(self.folder / name) from error

    def _hashes(self) -> Mapping[str, str] | None:
        """Return the sha256 of each file; None for a list whose manifest names none."""
        found = self.manifest.content.get("files")
        return found if isinstance(found, Mapping) else None

    def _check(self, path: Path) -> None:
        """Compare a file with its hash in the manifest, the first time it is read."""
        hashes = self._hashes()
        if hashes is None or path.name in self._whole:
            return
        if hashes.get(path.name) != _digest(path):
            raise AnxinError(
                f"名单文件 {path} 与发布时不一致，请从备份恢复",
                f"{path} is not the file that was published; restore it from a backup",
            )
        self._whole.add(path.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(path: Path) -> AnxinError:
    return AnxinError(
        f"名单目录损坏：{path} 无法读取，请从备份恢复",
        f"broken list folder: cannot read {path}; restore it from a backup",
    )


def _not_that_list(entry: Record) -> AnxinError:
    return AnxinError(
        f"名单 {entry.folder} 与留痕不一致或缺失，请从备份恢复",
        f"the list in {entry.folder} is missing or not the one the ledger names; restore it from a backup",
    )


def as_table(rows: Iterable[Row]) -> pa.Table:
    """Return rows as an Arrow table with exactly the columns of ``list.parquet``."""
    plain = [
        {
            **{name: getattr(row, name) for name in schema.LIST.names},
            "regulators_also": list(row.regulators_also),
            "leave": None if row.leave is None else asdict(row.leave),
            **{name: [asdict(item) for item in getattr(row, name)] for name in _NESTED},
        }
        for row in rows
    ]
    return pa.Table.from_pylist(plain, schema=schema.LIST)
