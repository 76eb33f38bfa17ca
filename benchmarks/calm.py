"""How calm the first places of published lists are from day to day, read from what is handed out alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from anxin.features.snapshots import KINDS

HEAD = 200
RISE = 1.25
LARGE = 2.0
YELLOW = 2


def calm(home: Path, days: Sequence[date]) -> list[dict[str, str | int | float]]:
    """Judge consecutive days: `list-D.parquet` and `scores-D.parquet` of each are in the folder.

    Per kind: places of the first 200 (or of as many as are listed) taken anew a day; how many of those a rule took, which
    asks for a new fact and not for p90; how many of the others with a rise of p90 below 1.25 times since the day before,
    of all places and days; how many whose p90 gives them a grade and is among the first are not there though it rose more
    than 2 times since they were first missing; how many that p90 makes yellow or worse are not listed at all.
    """
    return [_of(home, days, kind) for kind in KINDS]


def _of(home: Path, days: Sequence[date], kind: str) -> dict[str, str | int | float]:
    lists = [_read(home / f"list-{day}.parquet", kind) for day in days]
    scored = [_read(home / f"scores-{day}.parquet", kind).set_index("subject_id") for day in days]
    scores = [one["p90"] for one in scored]
    places = entered = by_rule = crept = waiting = missing = 0
    lowest: dict[str, float] = {}
    for place in range(1, len(days)):
        size = min(HEAD, len(lists[place]))
        before = set(lists[place - 1].nsmallest(HEAD, "rank")["subject_id"])
        now = set(lists[place].nsmallest(size, "rank")["subject_id"])
        rise = (scores[place] / scores[place - 1].reindex(scores[place].index)).fillna(float("inf"))
        put_by = lists[place].set_index("subject_id")["put_by"]
        new = sorted(now - before)
        by_model = [subject for subject in new if put_by[subject] == "model"]
        graded = scored[place].loc[scored[place]["grade"] > 0, "p90"]
        first = graded.sort_values(ascending=False).head(size).index
        places += size
        entered += len(new)
        by_rule += sum(put_by[subject] == "rule" for subject in new)
        crept += int((rise[by_model] < RISE).sum())
        lowest = {s: low for s, low in lowest.items() if s in graded.index and s not in now}
        for subject in set(first) - now:
            start = scores[place - 1].get(subject, 0.0)
            lowest[subject] = min(lowest.get(subject, start), graded[subject])
            waiting += int(graded[subject] > LARGE * lowest[subject])
        severe = scored[place].index[scored[place]["grade"] >= YELLOW]
        missing += len(set(severe) - set(lists[place]["subject_id"]))
    return {
        "kind": kind,
        "days": len(days) - 1,
        "places": places,
        "entered": entered,
        "by_rule": by_rule,
        "crept": crept,
        "crept_share": crept / places if places else 0.0,
        "waiting": waiting,
        "missing": missing,
    }


def _read(path: Path, kind: str) -> pd.DataFrame:
    return pd.read_parquet(path, filters=[("kind", "==", kind)])


def calm_lines(found: Sequence[dict[str, str | int | float]]) -> list[str]:
    """Return the table of what `calm` found."""
    head = "| kind | days | entered the first 200 | by a rule | others with a rise below 1.25 × | of all places, a day | "
    lines = [head + "rose above 2 × and wait | yellow or worse, not listed |", "| --- |" + " --- |" * 7]
    for one in found:
        numbers = (one[name] for name in ("kind", "days", "entered", "by_rule", "crept"))
        cells = (*numbers, f"{one['crept_share']:.2%}")
        lines.append("| " + " | ".join(map(str, cells)) + f" | {one['waiting']} | {one['missing']} |")
    return lines
