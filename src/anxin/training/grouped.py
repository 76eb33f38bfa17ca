"""What trees say of subjects that did not teach them: cross-validation grouped by subject, for the top of the margins.

A subject stands in many training dates with nearly the same features and the same outcome. The more dates, the surer
trees are of the few subjects in a leaf at the top, as if each date were another subject. Folds of time see little of it:
they know each subject on fewer dates. Trees as large as the model's, taught all dates of two thirds of the subjects, show
it on the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from anxin.models.probability import HORIZONS, Observed
from anxin.training.fitting import fit
from anxin.training.rows import Stacked

_PARTS = 3


def left_out(
    rows: Stacked,
    subjects: npt.NDArray[np.int64],
    names: tuple[str, ...],
    parameters: Mapping[str, Any],
    rounds: int,
    seed: int,
) -> list[Callable[[], list[Observed]]]:
    """Return tasks, each of which gives the margins of a third of the subjects by the trees of the others, by horizon.

    `subjects` numbers the subject of each stacked row, from 0. Trees that would be taught no case give nothing.
    """
    numbers = int(subjects.max()) + 1 if len(subjects) else 0
    part = (np.random.default_rng(seed).permutation(numbers) % _PARTS)[subjects]

    def of_part(own: int) -> list[Observed]:
        there = part == own
        taught = Stacked(rows.x[~there], rows.y[~there], rows.weight[~there], rows.places[~there])
        if not there.any() or not taught.y.sum():
            return []
        booster = fit(taught, names, parameters, rounds, seed)
        del taught
        x, y, weight = rows.x[there], rows.y[there], rows.weight[there]
        margin = np.asarray(booster.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
        each = [x[:, -1] == horizon for horizon in HORIZONS]
        return [Observed(margin[of], y[of], weight[of]) for of in each if of.any()]

    return [partial(of_part, own) for own in range(_PARTS)]
