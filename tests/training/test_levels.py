"""The level of probabilities: as many as come true out of time, though trees know their own rows and cases grow."""

from __future__ import annotations

import numpy as np
import pytest

from anxin.models.probability import HORIZONS
from anxin.training.levels import Floats, Margins, Passed, calibrated, spread, year_share

ROWS, PRIOR = 40_000, 20.0


def _rows(seed: int, odds: float = 1.0, known: float = 0.0) -> tuple[Floats, Floats]:
    """Return margins and outcomes of rows whose odds are `odds` times what the trees say.

    `known` is how far trees that were taught these rows lean to what came of each.
    """
    rng = np.random.default_rng(seed)
    margin = rng.normal(-4.0, 1.0, ROWS)
    y = (rng.random(ROWS) < 1 / (1 + np.exp(-margin - np.log(odds)))).astype(float)
    return margin + known * (y - y.mean()), y


def _margins(margin: Floats, y: Floats) -> dict[int, Margins]:
    found = Margins(margin[:, None], y, np.ones(len(y)))
    return dict.fromkeys(HORIZONS, found)


def _observed_over_expected(folds: int, odds: float, known: float) -> float:
    """Judge a calibration on rows after the last year, which lie as far from it as each fold's from its own."""
    passed = [
        Passed(_margins(*_rows(2 * i, known=known)), _margins(*_rows(2 * i + 1, odds))) for i in range(folds)
    ]
    calibration = calibrated(1.0, _margins(*_rows(101, known=known)), 0, passed, 0, 90, PRIOR)
    margin, y = _rows(102, odds)
    return float(y.sum() / calibration.probability(margin, 90).sum())


def test_trees_that_know_their_own_rows_do_not_expect_too_little_of_others() -> None:
    assert _observed_over_expected(0, odds=1.0, known=1.5) > 1.15
    assert _observed_over_expected(4, odds=1.0, known=1.5) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("odds", [0.6, 1.0, 1.7])
def test_a_city_whose_cases_move_every_year_is_expected_to_move_on(odds: float) -> None:
    assert _observed_over_expected(4, odds, known=0.0) == pytest.approx(1.0, abs=0.05)


def _moved(passed: list[Passed]) -> float:
    recent = _margins(*_rows(101))
    still = calibrated(1.0, recent, 0, [], 0, 90, PRIOR)
    return calibrated(1.0, recent, 0, passed, 0, 90, PRIOR).intercepts[1] - still.intercepts[1]


def _year(*odds: float) -> list[Passed]:
    """Return folds whose later cases came as often as their own year says, times `odds`."""
    return [Passed(_margins(*_rows(2 * i)), _margins(*_rows(2 * i + 1, at))) for i, at in enumerate(odds)]


def test_folds_that_disagree_move_the_level_less_than_folds_that_agree() -> None:
    agreed = _moved(_year(1.5, 1.5, 1.5, 1.5))
    assert agreed == pytest.approx(np.log(1.5), abs=0.1)
    assert 0 < _moved(_year(2.5, 1.0, 2.5, 1.0)) < agreed
    assert abs(_moved(_year(2.0, 0.5, 2.0, 0.5))) < 0.05


def test_few_cases_move_the_level_little() -> None:
    margin, y = _rows(1)
    nothing = Passed(_margins(margin, y), _margins(margin[:400], np.zeros(400)))
    expected = 400 * y.mean()
    assert np.exp(_moved([nothing] * 4)) == pytest.approx(PRIOR / (PRIOR + expected), rel=0.05)


def test_half_a_year_of_folds_is_not_taken_for_a_trend() -> None:
    assert year_share(2, 90) == 0.0
    assert 0.5 < year_share(3, 90) < year_share(4, 90) == year_share(5, 90) == 1.0
    assert _moved(_year(2.0, 2.0)) == 0.0


def test_a_horizon_whose_labels_no_fold_knows_moves_as_the_shorter_one() -> None:
    unknown = Margins(np.zeros((ROWS, 1)), np.full(ROWS, np.nan), np.ones(ROWS))
    passed = [Passed(fold.taught, {**fold.judged, 180: unknown}) for fold in _year(2.0, 2.0, 2.0, 2.0)]
    recent = _margins(*_rows(101))
    moved = calibrated(1.0, recent, 0, passed, 0, 90, PRIOR)
    assert moved.intercepts[1] > 0.5
    assert moved.intercepts[2] == moved.intercepts[1]


def test_the_spread_of_folds_that_were_taught_little_counts_little() -> None:
    margin, y = _rows(1)
    sure = _margins(2.0 * margin, y)
    fair = Passed({}, _margins(*_rows(2)), cases=0.8)
    assert spread([Passed({}, sure, cases=0.8)], 0, PRIOR) < 0.6
    assert spread([Passed({}, sure, cases=0.02), fair], 0, PRIOR) == pytest.approx(1.0, abs=0.1)
