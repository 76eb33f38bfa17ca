"""What each red flag hits on simulated cities, and how often a verified case follows within 90 days.

python -m benchmarks rules HOME...

HOME is the home of an ingested city; its lake is only read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow.compute as pc

from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.judging.labels import is_mature, labels
from anxin.models.rules import hits
from benchmarks.recording import write

_DAYS = tuple(date(2025 + (2 + i) // 12, (2 + i) % 12 + 1, 1) for i in range(0, 12, 2))
_HORIZON = 90


@dataclass
class Tally:
    """Subject-days that were hit, and those of them a verified case followed; for all and for 新发现."""

    hit: int = 0
    came: int = 0
    new_hit: int = 0
    new_came: int = 0

    def count(self, *, came: bool, new: bool) -> None:
        """Add one subject on one day."""
        self.hit += 1
        self.came += came
        self.new_hit += new
        self.new_came += new and came


@dataclass(frozen=True)
class Line:
    """A rule's worth for a kind of subject; shares are of subject-days, `lift` is against everyone."""

    kind: str
    rule: str
    raises_to: int
    hit: int
    share: float
    precision: float
    lift: float
    recall: float
    new_hit: int
    new_precision: float


def main(homes: Sequence[Path]) -> None:
    """Count over every city, kind and date; write `results/rules.*`."""
    lines = [line for kind in KINDS for line in _lines(homes, kind)]
    report = "\n".join(
        [
            f"{len(homes)} simulated cities, {len(_DAYS)} dates from {_DAYS[0]} to {_DAYS[-1]}, all subjects. A rule is",
            "judged by the verified cases that open within 90 days; many duties of law (deposit, permit, uploads) are",
            "broken by most and say little of wages, which is why so few raise a grade. `raised to n` is the subjects",
            "whose highest rule raises to n. 新发现: nobody had reported them.",
            "",
            "| kind | rule | raises to | hit | share | precision | × everyone | recall | 新发现 hit | precision |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| {line.kind} | {line.rule} | {line.raises_to or ''} | {line.hit} | {line.share:.2%} "
                f"| {line.precision:.3f} | {line.lift:.1f} | {line.recall:.3f} "
                f"| {line.new_hit} | {line.new_precision:.3f} |"
                for line in lines
            ),
            "",
        ]
    )
    names = " ".join(home.name for home in homes)
    write("rules", f"python -m benchmarks rules {names}", {"rules": [asdict(line) for line in lines]}, report)


def _lines(homes: Sequence[Path], kind: Kind) -> list[Line]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    raises: dict[str, int] = {}
    for home in homes:
        view = View(Lake(home / "var" / "lake"))
        last = max(mark.date() for mark in _received(view))
        days = [day for day in _DAYS if is_mature(day, _HORIZON, last)]
        came = labels(view, days, _HORIZON, last, kind)
        came = came.loc[came["outcome"] == "positive"]
        positive = set(zip(came["subject_id"], (day.isoformat()[:10] for day in came["as_of"]), strict=True))
        table = snapshots(view, days, kind)
        for day in days:
            rows = table.filter(pc.equal(table["as_of"], day))
            subjects, held = rows["subject_id"].to_pylist(), rows["in_hand"].to_pylist()
            for subject, known, found in zip(subjects, held, hits(rows, kind, day), strict=True):
                grade = max((hit.rule.raises_to for hit in found), default=0)
                for name in ("everyone", f"raised to {grade}", *(hit.rule.name for hit in found)):
                    tallies[name].count(came=(subject, day.isoformat()) in positive, new=not known)
                raises |= {hit.rule.name: hit.rule.raises_to for hit in found}
    every = tallies["everyone"]
    base = every.came / every.hit
    lines = [
        Line(
            kind,
            name,
            raises.get(name, 0),
            one.hit,
            one.hit / every.hit,
            one.came / one.hit,
            one.came / one.hit / base,
            one.came / every.came,
            one.new_hit,
            one.new_came / one.new_hit if one.new_hit else 0.0,
        )
        for name, one in tallies.items()
    ]
    return sorted(lines, key=lambda line: (line.rule in raises, -line.precision))


def _received(view: View) -> list[datetime]:
    ends = [view.history(feed).received_at.max() for feed in view.lake.feeds()]
    return [found for end in ends if (found := view.backend.execute(end)) is not None]
