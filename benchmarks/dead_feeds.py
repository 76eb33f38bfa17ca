"""What the list makes of a feed that died: one feed at a time goes silent, everything else comes as it did.

python -m benchmarks dead-feeds HOME...

HOME is the home of an ingested city; its lake is only read. A list that takes silence for safety or for risk shows here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.models.scoring import Model, score
from anxin.training.settings import stored
from anxin.training.train import train
from benchmarks.models_city import view_of
from benchmarks.recording import write
from benchmarks.withheld import BEHIND, Withheld

_THROUGH, _DAY = date(2025, 3, 1), date(2025, 6, 1)
_FIRST = {"employer": 100, "project": 25}


@dataclass(frozen=True)
class Effect:
    """Pooled over cities: how p90 moves, who stays among the first, who is graded yellow or worse."""

    kind: str
    feed: str
    mean: float
    first_kept: float
    doubled: float
    halved: float
    graded: int
    graded_before: int


def main(homes: Sequence[Path]) -> None:
    """Kill every feed that a feature reads, one at a time; write `results/dead-feeds.*`."""
    scored: dict[tuple[Kind, str | None], list[pd.DataFrame]] = {}
    for place, home in enumerate(homes):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for kind in KINDS:
                model = train(view_of(home, work), work / "models", _THROUGH, kind, stored()).model
                for feed in (None, *_feeds(kind)):
                    rows = _scored(home, work, kind, model, feed)
                    scored.setdefault((kind, feed), []).append(rows.assign(city=place))
    effects = [
        _effect(kind, feed, pd.concat(scored[kind, None]), pd.concat(rows))
        for (kind, feed), rows in scored.items()
        if feed is not None
    ]
    command = "python -m benchmarks dead-feeds " + " ".join(home.name for home in homes)
    write("dead-feeds", command, {"effects": [asdict(e) for e in effects]}, _report(effects, len(homes)))


def _feeds(kind: Kind) -> list[str]:
    """Return the feeds that features learned from read, but for the registries, which are no stream."""
    read = {feed for feature in catalogue.learned(kind) for feed in feature.sources}
    return sorted(read - {"employers", "projects"})


def _scored(home: Path, work: Path, kind: Kind, model: Model, feed: str | None) -> pd.DataFrame:
    lake = Lake(home / "var" / "lake")
    if feed is not None:
        lake = Withheld(lake, feed, "behind", _DAY, work)
    view = View(lake, view_of(home, work).backend)
    rows = score(model, snapshots(view, [_DAY], kind))
    return rows[["subject_id", "p90", "grade"]]


def _effect(kind: str, feed: str, before: pd.DataFrame, after: pd.DataFrame) -> Effect:
    """Compare subjects that are scored both times: who is known by the dead feed alone may be gone."""
    both = before.merge(after, on=["city", "subject_id"], suffixes=("_before", ""))
    kept = [
        len(set(rows.nlargest(n, "p90").index) & set(rows.nlargest(n, "p90_before").index)) / n
        for _, rows in both.groupby("city")
        if (n := _FIRST[kind])
    ]
    times = both["p90"] / both["p90_before"]
    return Effect(
        kind,
        feed,
        float(both["p90"].mean() / both["p90_before"].mean()),
        sum(kept) / len(kept),
        float((times > 2).mean()),
        float((times < 0.5).mean()),
        int((both["grade"] >= 2).sum()),
        int((both["grade_before"] >= 2).sum()),
    )


def _report(effects: Sequence[Effect], cities: int) -> str:
    lines = [
        f"{cities} simulated cities, models trained through {_THROUGH}, scored on {_DAY}; of one feed at a time",
        f"nothing was received in the {BEHIND} days before. `mean` is the mean p90 beside that of the whole lake,",
        "`kept` the share of the first 100 employers (25 projects) who are still there, `doubled` and `halved` that",
        "of subjects whose p90 more than doubled or fell below half, `graded` who is yellow or worse, before and after.",
        "What a feed tells is lost with it; that it is silent should raise or lower nobody.",
        "",
        "| kind | dead feed | mean | kept | doubled | halved | graded before | after |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for e in sorted(effects, key=lambda e: (e.kind, -abs(e.mean - 1))):
        lines.append(
            f"| {e.kind} | {e.feed} | {e.mean:.3f} × | {e.first_kept:.2f} | {e.doubled:.1%} | {e.halved:.1%} "
            f"| {e.graded_before} | {e.graded} |"
        )
    return "\n".join(lines) + "\n"
