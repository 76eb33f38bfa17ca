"""What would have to change to leave a grade: small, over what can be changed, and confirmed by the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from anxin.features.catalogue import catalogue
from anxin.models.leaving import Way, ways
from anxin.models.reasons import Explained, explain, usual_values
from anxin.models.scoring import score

from . import made

ROWS = 150


def _found(share: float, rows: int = ROWS) -> tuple[pa.Table, list[Explained], np.ndarray, list[Way]]:
    """Ask for `share` of each subject's p90."""
    model = made.model()
    table = made.snapshot(made.matrix(rows, seed=3, missing=0.1))
    # The made model leans on complaints, which nobody can undo: here everything can be acted on.
    every = (catalogue()[name] for name in made.FEATURES)
    free = tuple(
        replace(one, actionable=True, worse=1 if one.family == "complaints" else one.worse) for one in every
    )
    explained = [replace(one, features=free) for one in explain(model, table, usual_values(model, table))]
    scores = score(model, table).sort_values("subject_id")
    below = share * scores["p90"].to_numpy()
    return table, explained, below, ways(model, table, explained, below)


def test_a_way_leads_under_the_line_by_the_one_scoring_function() -> None:
    table, explained, below, found = _found(0.8)
    reached = [i for i, way in enumerate(found) if way.reached]
    assert len(reached) > 10
    model = made.model()
    for i in reached:
        row = table.slice(i, 1)
        for change in found[i].changes:
            assert change.feature.actionable
            group = {
                feature.name
                for feature in explained[i].features
                if (feature.sources, feature.dated) == (change.feature.sources, change.feature.dated)
            }
            for name in group & set(made.FEATURES):
                place = made.FEATURES.index(name)
                value, usual = explained[i].values[place], explained[i].usual[place]
                feature = explained[i].features[place]
                if feature.actionable and feature.worse * (value - usual) > 0:
                    at = row.column_names.index(name)
                    row = row.set_column(at, name, pa.array([usual]))
        assert score(model, row)["p90"].iloc[0] == found[i].p90 < below[i]


def test_nobody_is_advised_to_change_what_is_worse_on_neither_side() -> None:
    """A model may find danger in a well-filled wage account; to empty it is no advice."""
    balance = catalogue()["account_balance"]
    assert balance.actionable and balance.worse == 0
    rows = 60
    model, table = made.model(), made.snapshot(made.matrix(rows, seed=3, missing=0.1))
    features = tuple(replace(balance, name=name) for name in made.FEATURES)
    explained = [replace(one, features=features) for one in explain(model, table, usual_values(model, table))]
    p90 = score(model, table).sort_values("subject_id")["p90"].to_numpy()
    for way, own in zip(ways(model, table, explained, 0.95 * p90), p90, strict=True):
        assert (way.reached, way.changes, way.p90) == (False, (), own)


def test_what_cannot_be_reached_says_how_far_everything_would_lead() -> None:
    _, _, _, found = _found(0.01)
    out_of_reach = [i for i, way in enumerate(found) if not way.reached]
    assert out_of_reach
    assert all(found[i].changes == () and found[i].p90 > 0 for i in out_of_reach)


def test_nothing_to_act_on_is_nothing_within_reach() -> None:
    _, explained, _, _ = _found(0.8, rows=40)
    model = made.model()
    table = made.snapshot(made.matrix(40, seed=3, missing=0.1))
    still = tuple(replace(feature, actionable=False) for feature in explained[0].features)
    fixed = [replace(one, features=still) for one in explained]
    p90 = score(model, table).sort_values("subject_id")["p90"].to_numpy()
    for way, own in zip(ways(model, table, fixed, 0.99 * p90), p90, strict=True):
        assert not way.reached
        assert way.p90 == own


def test_a_way_is_short_and_some_need_more_than_one_step() -> None:
    _, _, _, found = _found(0.4)
    lengths = {len(way.changes) for way in found if way.reached}
    assert max(lengths) <= 4
    assert lengths - {0, 1}


def test_a_probability_under_the_line_needs_no_change() -> None:
    _, _, _, found = _found(1.5, rows=20)
    assert all(way.reached and way.changes == () for way in found)


def test_a_step_is_said_in_both_languages() -> None:
    _, _, _, found = _found(0.8)
    change = next(way for way in found if way.changes).changes[0]
    assert change.feature.zh in change.zh and "恢复到" in change.zh
    assert change.feature.en in change.en
