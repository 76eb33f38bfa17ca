"""Whom the red flags accuse of what was merely not told: of one feed at a time something is withheld.

python -m benchmarks withheld HOME [--feeds FEED...]

HOME is the home of an ingested city; its lake is only read. What a flag says of a subject should not appear because less
is known. Some of what appears is true all the same: an older state is the last known, a share is one of fewer months.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb

from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from anxin.feeds.lake import Lake
from anxin.models.grading import raised
from anxin.models.rules import hits, reads
from benchmarks.models_city import view_of
from benchmarks.recording import write

_DAY = date(2025, 11, 1)
YOUNG, BEHIND = 150, 45
_HOW = {
    "blank": "no optional column was ever sent",
    "young": f"nothing was received before the last {YOUNG} days",
    "behind": f"nothing was received in the last {BEHIND} days",
}

Flags = dict[str, dict[str, int]]
"""By subject, the grade each red flag that hits it raises to (0: none)."""


class Withheld(Lake):
    """A lake of which one feed holds less on a day; what it still holds is written anew beside it."""

    def __init__(self, lake: Lake, feed: str, how: str, day: date, folder: Path) -> None:
        super().__init__(lake.path, lake.commit)
        self._feed, self._how, self._folder = feed, how, folder
        self._young, self._behind = (
            datetime.combine(day - timedelta(days), time()) for days in (YOUNG, BEHIND)
        )

    def at(self, commit: int) -> Lake:
        """Return this lake: it has one commit."""
        return self

    def files(self, feed: str, since: datetime | None = None) -> list[Path]:
        """Return the files of a feed; of the one withheld from, without what is."""
        if feed != self._feed:
            return super().files(feed, since)
        optional = [column.name for column in contract()[feed].columns if column.optional]
        blanks = [f"CASE WHEN false THEN {name} END AS {name}" for name in optional]
        columns = f"* REPLACE ({', '.join(blanks)})" if self._how == "blank" and blanks else "*"
        received = {
            "blank": "true",
            "young": f"received_at >= TIMESTAMP '{self._young}'",
            "behind": f"received_at < TIMESTAMP '{self._behind}'",
        }[self._how]
        return self._written(super().files(feed), "data", columns, received)

    def overlay(self, feed: str) -> list[Path]:
        """Return what superseded rows of the feed, as far as that had come."""
        paths = super().overlay(feed)
        if feed != self._feed or self._how != "behind":
            return paths
        return self._written(paths, "overlay", "*", f"superseded_at < TIMESTAMP '{self._behind}'")

    def _written(self, paths: list[Path], name: str, columns: str, where: str) -> list[Path]:
        kept = self._folder / f"{name}-{self._feed}-{self._how}.parquet"
        if paths and not kept.exists():
            rows = f"FROM read_parquet({[str(path) for path in paths]}) WHERE {where}"
            duckdb.sql(f"COPY (SELECT {columns} {rows}) TO '{kept}'")
        return [kept] if paths else []


@dataclass(frozen=True)
class Accused:
    """Subjects known both times whom red flags hit only when something was withheld, and of them those raised by it."""

    kind: str
    feed: str
    how: str
    subjects: int
    accused: int
    raised: int
    flags: dict[str, int]


def main(home: Path, feeds: Sequence[str]) -> None:
    """Withhold of every feed, or of those named, in each way; write `results/withheld.*`."""
    found: list[Accused] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lake = Lake(home / "var" / "lake")
        for kind in KINDS:
            whole = _flags(lake, home, work, kind)
            for feed in feeds or sorted(set(lake.feeds()) - {"employers", "projects"}):
                for how in _HOW:
                    less = _flags(Withheld(lake, feed, how, _DAY, work), home, work, kind)
                    found.append(_accused(kind, feed, how, whole, less))
                    for file in work.glob(f"*-{feed}-{how}.parquet"):
                        file.unlink()
    command = f"python -m benchmarks withheld {home.name}" + (f" --feeds {' '.join(feeds)}" if feeds else "")
    write("withheld", command, {"accused": [asdict(one) for one in found]}, _report(found))


def _flags(lake: Lake, home: Path, work: Path, kind: Kind) -> Flags:
    view = View(lake, view_of(home, work).backend)
    snapshot = snapshots(view, [_DAY], kind, only=frozenset(reads()))
    each = hits(snapshot, kind, _DAY)
    names = snapshot["subject_id"].to_pylist()
    return {name: {hit.rule.name: raised(hit) for hit in of} for name, of in zip(names, each, strict=True)}


def _accused(kind: str, feed: str, how: str, whole: Flags, less: Flags) -> Accused:
    both = [name for name in less if name in whole]
    fresh = {name: {flag: to for flag, to in less[name].items() if flag not in whole[name]} for name in both}
    flags = Counter(flag for of in fresh.values() for flag in of)
    return Accused(
        kind,
        feed,
        how,
        len(both),
        sum(bool(of) for of in fresh.values()),
        sum(max(of.values(), default=0) > max(whole[name].values(), default=0) for name, of in fresh.items()),
        dict(flags.most_common()),
    )


def _report(found: Sequence[Accused]) -> str:
    lines = [
        f"A simulated city on {_DAY}; of one feed at a time something is withheld:",
        "",
        *(f"- `{how}`: {said}" for how, said in _HOW.items()),
        "",
        "`accused` are the subjects known both times whom a flag hits only when something is withheld, `raised` those",
        "of them whom it puts at a worse grade than all flags did before. Where nobody is accused there is no line.",
        "",
        "| kind | feed | withheld | subjects | accused | raised | flags |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in sorted(found, key=lambda one: (one.kind, -one.raised, -one.accused, one.feed, one.how)):
        if one.accused:
            flags = ", ".join(f"{flag} {number}" for flag, number in one.flags.items())
            lines.append(
                f"| {one.kind} | {one.feed} | {one.how} | {one.subjects} | {one.accused} | {one.raised} | {flags} |"
            )
    return "\n".join(lines) + "\n"
