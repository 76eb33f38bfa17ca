"""`anxin evaluate`: any list by the same measures, beside the baselines and, for a simulated city, the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.judging.any_list import known_on, matching, placed, read_list, with_labels
from anxin.judging.baselines import BASELINES
from anxin.judging.judgement import CAPACITIES, Outcomes, judged
from anxin.judging.labels import is_mature
from anxin.judging.outcomes import complaints, verified_cases
from anxin.judging.selection import histories, looks, selection
from anxin.judging.universe import everyone_on, with_dimensions
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published, recent
from anxin.models.probability import SCORE_HORIZON
from anxin.serving.home import Home
from anxin.serving.published import Published as PublishedList
from anxin.serving.terminal.evaluation_text import LIST_WORDS, unmatched

_ALL = 10_000


@dataclass(frozen=True)
class Asked:
    """What a person asked of `anxin evaluate`."""

    lists: Sequence[Path] = ()
    against: Path | None = None
    truth: Path | None = None
    mature_only: bool = False
    capacity: int | None = None
    selection: bool = False


def evaluate(
    home: Home,
    ledger: Ledger,
    asked: Asked,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Judge lists by what the lake knows now, per kind: means over dates, each date, and paired comparisons.

    Without `lists`, the published scores of this home (lists made in hindsight are never judged). The universe of a
    date is everyone scored on it, or, where nothing was published, everyone the lake knew on the day. Baselines are
    judged on the same rows, and so is `against`. Dates whose 90 days are over but whose labels are not mature are judged
    and named, or left out with `mature_only`. Rows of a list that match nobody are counted; AnxinError if none matches.
    """
    hidden = _read_truth(asked.truth) if asked.truth is not None else None
    view = home.view()
    known = known_on(view)
    entries = {entry.day: entry for entry in recent(ledger, _ALL)}
    given = pd.concat([read_list(path) for path in asked.lists], ignore_index=True) if asked.lists else None
    other = read_list(asked.against) if asked.against is not None else None
    found: dict[str, Any] = {"known_on": known.isoformat(), "unmatched": {}, "kinds": {}}
    universe: dict[Kind, pd.DataFrame] = {}
    for kind in KINDS:
        days = sorted(entries) if given is None else sorted(set(given.loc[given["kind"] == kind, "as_of"]))
        scored = _everyone(home, entries, [day for day in days if day <= known], kind, view)
        if scored is not None:
            universe[kind] = scored
    for name, listed in (("list", given), ("against", other)):
        if listed is not None:
            found["unmatched"][name] = _matched(name, listed, universe)
    for kind, everyone in universe.items():
        if on_progress is not None:
            on_progress(kind, 0, len(KINDS))
        found["kinds"][kind] = _of_kind(view, everyone, kind, known, asked, (given, other, hidden))
    if not found["kinds"]:
        raise AnxinError(
            "没有可评判的清单：请先 anxin run，或给出 CSV（kind, subject_id, date, rank）",
            "nothing to judge: anxin run first, or give a CSV (kind, subject_id, date, rank)",
        )
    return found


def _of_kind(
    view: View,
    everyone: pd.DataFrame,
    kind: Kind,
    known: date,
    asked: Asked,
    tables: tuple[pd.DataFrame | None, pd.DataFrame | None, pd.DataFrame | None],
) -> dict[str, Any]:
    days = sorted(set(everyone["as_of"]))
    if asked.mature_only:
        everyone = everyone.loc[[is_mature(day, SCORE_HORIZON, known) for day in everyone["as_of"]]]
    rows = with_labels(view, everyone, kind, known)
    if not len(rows):
        return {"note": "90天尚未届满 the 90 days are not over", "dates": [str(d) for d in days]}
    early = sorted({str(day) for day in rows["as_of"] if not is_mature(day, SCORE_HORIZON, known)})
    rows = with_dimensions(view, rows, kind)
    unpublished = sorted({str(day) for day in rows.loc[~rows["published"], "as_of"]})
    outcomes = Outcomes(verified_cases(view, known, kind), complaints(view, known, kind))
    capacities = sorted({*CAPACITIES[kind], *([asked.capacity] if asked.capacity is not None else [])})
    if asked.selection:
        days = sorted(set(rows["as_of"]))
        for part in (looks(view, days, SCORE_HORIZON, known, kind), histories(view, days, kind)):
            rows = rows.merge(part, on=["subject_id", "as_of"], how="left")
        for name in ("inspected", "random", "random_found"):
            rows[name] = rows[name].eq(True)
    rankings = _rankings(rows.drop(columns="published"), kind, *tables)
    found = judged(rankings, outcomes, capacities, early)
    told = {one["as_of"] for one in found["by_date"].get("truth", [])}
    untold = [day for day in found["dates"] if asked.truth is not None and day not in told]
    return {
        "not_mature": early,
        **({"not_published": unpublished} if unpublished else {}),
        **({"truth_untold": untold} if untold else {}),
        **found,
        **({"selection": selection(rankings, capacities)} if asked.selection else {}),
    }


def _everyone(
    home: Home, entries: Mapping[date, Published], days: Sequence[date], kind: Kind, view: View
) -> pd.DataFrame | None:
    """Return everyone scored on the days, with the score and the figures of the baselines.

    On a day without a published list, everyone the lake knew then, without a score; None if that is nobody.
    """
    parts, without = [], []
    for day in days:
        entry = entries.get(day)
        if entry is None:
            without.append(day)
            continue
        opened, name = PublishedList.of_entry(home.root, entry), f"snapshot-{kind}.parquet"
        if not opened.has(name):
            continue
        columns = ["kind", "subject_id", "as_of", "p90", "grade", "rank", "in_hand"]
        scores = opened.table("scores.parquet", columns).to_pandas()
        scores = scores.loc[scores["kind"] == kind].drop(columns="kind")
        snapshot = opened.table(name)
        figures = pd.DataFrame({name: ranking(snapshot) for name, ranking in BASELINES.items()})
        figures["subject_id"] = snapshot["subject_id"].to_pandas()
        parts.append(scores.merge(figures, on="subject_id").assign(published=True))
    if without:
        known = everyone_on(view, without, kind)
        if len(known):
            parts.append(known.assign(published=False))
    return pd.concat(parts, ignore_index=True) if parts else None


def _matched(name: str, listed: pd.DataFrame, universe: Mapping[Kind, pd.DataFrame]) -> dict[str, int]:
    """Count what of a list matches; AnxinError if nothing does."""
    counts = matching(listed, universe)
    if not counts["matched"]:
        said = unmatched(counts)
        raise AnxinError(
            f"{LIST_WORDS[name].zh}没有一行可评判（{said.zh}）；需为数据湖在该日已知的对象",
            f"no row of {LIST_WORDS[name].en} can be judged ({said.en}); give subjects the lake knew on the date",
        )
    return counts


def _rankings(
    rows: pd.DataFrame,
    kind: Kind,
    given: pd.DataFrame | None,
    other: pd.DataFrame | None,
    truth: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    """Return what is judged side by side: the list, the baselines, and where given `against` and `truth`.

    A ranking is judged on the dates it says something of, and is not there where that is none.
    """
    plain = rows.drop(columns=["p90", "grade", "rank", *BASELINES], errors="ignore")
    if given is None:
        rankings = {"list": rows.drop(columns=list(BASELINES)).assign(figure=-rows["rank"].astype(float))}
    else:
        rankings = {"list": placed(plain, given.loc[given["kind"] == kind])}
    for name in BASELINES:
        if name in rows:
            there = rows[name].notna()
            rankings[name] = plain.loc[there].assign(figure=rows.loc[there, name])
    if other is not None and (other["kind"] == kind).any():
        days = set(other.loc[other["kind"] == kind, "as_of"])
        part = plain.loc[plain["as_of"].isin(days)]
        if len(part):
            rankings["against"] = placed(part, other.loc[other["kind"] == kind])
    if truth is not None and len(told := _true(plain, kind, truth)):
        rankings["truth"] = told
    return rankings


def _read_truth(path: Path) -> pd.DataFrame:
    """Read the truth of a simulated city; AnxinError if the file is not one."""
    try:
        table: pd.DataFrame = pq.read_table(path, columns=["kind", "subject_id", "as_of", "p90"]).to_pandas()
        table["as_of"] = pd.to_datetime(table["as_of"])
        table["p90"] = table["p90"].astype(float)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise AnxinError(
            f"{path} 不是模拟城市的真相文件（Parquet，列 kind, subject_id, as_of, p90）：{said}",
            f"{path} is no truth of a simulated city (Parquet with kind, subject_id, as_of, p90): {said}",
        ) from error
    return table


def _true(rows: pd.DataFrame, kind: Kind, truth: pd.DataFrame) -> pd.DataFrame:
    """Place the truth of a simulated city, the probability given the hidden state, on the dates it was told for.

    It ages within days: of a date between two others it would be no bound on what a model could do, so there it is not.
    """
    told = truth.loc[truth["kind"] == kind].drop(columns="kind")
    told["as_of"] = told["as_of"].dt.date
    there = rows.loc[rows["as_of"].isin(set(told["as_of"]))]
    if there.empty:
        return there
    joined = there.merge(told, on=["subject_id", "as_of"], how="left")
    # Whoever the simulation does not know has no danger of its own.
    joined["p90"] = joined["p90"].fillna(0.0)
    return joined.assign(figure=joined["p90"])
