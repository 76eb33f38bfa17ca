"""What would have to change for a subject to leave its grade, over what somebody can act on.

A step sets what the records of one kind say (the overdue bills, the unpaid months) back to what is usual, all features
of them together: one cannot pay a bill and keep its days. Only what the catalogue knows to be worse on one side is set
back: that a model finds a well-filled account dangerous is no advice to empty it. The smallest set of steps is sought
greedily, every candidate scored by the model itself; the result is scored once more by the one scoring function.
«Nothing within reach» is a normal answer: much of a danger is history or surroundings, which nobody can undo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.features.catalogue import Feature
from anxin.models.probability import SCORE_HORIZON
from anxin.models.reasons import Explained, amount
from anxin.models.scoring import Model, score

Floats = npt.NDArray[np.float64]

_STEPS = 8
"""Steps considered for a subject, those whose records raise its score most."""

_MOST = 4
"""More than these at once is nothing anyone would call within reach."""

_FELT = 0.02
"""Records that raise the score by less are left alone."""


@dataclass(frozen=True)
class Change:
    """One step: the feature that says it best, from its value to what is usual, and how many features go with it."""

    feature: Feature
    value: float
    to: float
    others: int

    @property
    def zh(self) -> str:
        """Say the step in Chinese."""
        return f"{self.feature.zh}由{amount(self.feature, self.value)[0]}恢复到{amount(self.feature, self.to)[0]}"

    @property
    def en(self) -> str:
        """Say the step in English."""
        return f"{self.feature.en} from {amount(self.feature, self.value)[1]} to {amount(self.feature, self.to)[1]}"


@dataclass(frozen=True)
class Way:
    """The smallest set of steps found, the p90 they lead to, and whether that leaves the grade.

    Where it does not, `changes` is empty and `p90` is what all that someone can act on would lead to. Without changes it
    is reached where the probability is under the line already and something else, a rule, holds the grade.
    """

    reached: bool
    p90: float
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class _Step:
    """The features (places) of one kind of record, and what is usual of each."""

    places: npt.NDArray[np.int64]
    to: Floats
    strongest: int


_Chosen = tuple[int, tuple[int, ...]]
"""A row, and the steps taken there (their places)."""


def ways(model: Model, rows: pa.Table, explained: Sequence[Explained], below: Floats) -> list[Way]:
    """Return for each row of a snapshot (n, one day) how its p90 comes under `below` (n), from its explanation."""
    values = model.matrix(rows)
    steps = [_steps(one) for one in explained]
    everything = [(i, tuple(range(len(each)))) for i, each in enumerate(steps)]
    reach = _p90(model, values, steps, everything)
    own = _p90(model, values, steps, [(i, ()) for i in range(len(steps))])
    within = [i for i in range(len(steps)) if steps[i] and reach[i] < below[i] <= own[i]]
    taken = _pruned(model, values, steps, _taken(model, values, steps, within, below), below)
    table, ids = _changed_table(model, rows, values, steps, taken), rows["subject_id"].to_pylist()
    scored = score(model, table)
    confirmed = dict(zip(scored["subject_id"], scored["p90"], strict=True))
    found = []
    for i, one in enumerate(explained):
        p90 = float(confirmed[ids[i]])
        if p90 < below[i]:
            changes = tuple(_change(one, steps[i][k]) for k in taken.get(i, ()))
            found.append(Way(True, p90, changes))
        else:
            found.append(Way(False, float(reach[i]), ()))
    return found


def _steps(one: Explained) -> list[_Step]:
    """Return what can be set back to usual, by kind of record, what raises the score most first."""
    side = np.array([feature.worse for feature in one.features])
    actionable = np.array([feature.actionable for feature in one.features])
    with np.errstate(invalid="ignore"):
        open_places = actionable & (side * (one.values - one.usual) > 0)
    groups: dict[tuple[object, ...], list[int]] = {}
    for j in np.flatnonzero(open_places).tolist():
        groups.setdefault((one.features[j].sources, one.features[j].dated), []).append(j)
    found: list[tuple[float, _Step]] = []
    for each in groups.values():
        places = np.array(each, dtype=np.int64)
        told = [j for j in each if one.features[j].reason]
        strength = float(one.contributions[places].sum())
        if strength >= _FELT and told:
            strongest = max(told, key=lambda j: float(one.contributions[j]))
            found.append((strength, _Step(places, one.usual[places], strongest)))
    return [step for _, step in sorted(found, key=lambda pair: -pair[0])[:_STEPS]]


def _taken(
    model: Model, values: Floats, steps: Sequence[Sequence[_Step]], within: Sequence[int], below: Floats
) -> dict[int, tuple[int, ...]]:
    """Take step after step, each time the one that lowers p90 most; returns the rows that come under."""
    chosen: dict[int, tuple[int, ...]] = {i: () for i in within}
    done: dict[int, tuple[int, ...]] = {}
    for _ in range(_MOST):
        trials = [
            (i, (*taken, k)) for i, taken in chosen.items() for k in range(len(steps[i])) if k not in taken
        ]
        best: dict[int, tuple[float, tuple[int, ...]]] = {}
        for (i, tried), p90 in zip(trials, _p90(model, values, steps, trials).tolist(), strict=True):
            best[i] = min(best.get(i, (2.0, tried)), (p90, tried))
        chosen = {i: tried for i, (_, tried) in best.items()}
        done |= {i: tried for i, (p90, tried) in best.items() if p90 < below[i]}
        chosen = {i: tried for i, tried in chosen.items() if i not in done}
    return done


def _pruned(
    model: Model,
    values: Floats,
    steps: Sequence[Sequence[_Step]],
    taken: dict[int, tuple[int, ...]],
    below: Floats,
) -> dict[int, tuple[int, ...]]:
    """Leave out a step that turns out not to be needed beside the later ones."""
    trials = [
        (i, tuple(k for k in each if k != left))
        for i, each in taken.items()
        for left in each[:-1]
        if each[1:]
    ]
    shorter = {
        i: tried
        for (i, tried), p90 in zip(trials, _p90(model, values, steps, trials).tolist(), strict=True)
        if p90 < below[i]
    }
    return taken | shorter


def _p90(model: Model, values: Floats, steps: Sequence[Sequence[_Step]], tried: Sequence[_Chosen]) -> Floats:
    margin = model.ordered.margin(_changed(values, steps, tried))
    return model.ordered.calibration.probability(margin, SCORE_HORIZON)


def _changed(values: Floats, steps: Sequence[Sequence[_Step]], tried: Sequence[_Chosen]) -> Floats:
    changed = values[[i for i, _ in tried]]
    for row, (i, taken) in enumerate(tried):
        for k in taken:
            changed[row, steps[i][k].places] = steps[i][k].to
    return changed


def _changed_table(
    model: Model,
    rows: pa.Table,
    values: Floats,
    steps: Sequence[Sequence[_Step]],
    taken: dict[int, tuple[int, ...]],
) -> pa.Table:
    changed = _changed(values, steps, [(i, taken.get(i, ())) for i in range(len(rows))])
    for j in sorted({j for i, each in taken.items() for k in each for j in steps[i][k].places.tolist()}):
        place = rows.column_names.index(model.ordered.features[j])
        rows = rows.set_column(place, rows.field(place), pa.array(changed[:, j], from_pandas=True))
    return rows


def _change(one: Explained, step: _Step) -> Change:
    j = step.strongest
    return Change(one.features[j], float(one.values[j]), float(one.usual[j]), len(step.places) - 1)
