"""What each family of features is worth, within the folds: fitted again without it, the same rows and rounds otherwise.

`anxin train --ablation` asks for it: it fits once per family and fold, several times what the training itself takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from anxin.features import catalogue
from anxin.judging.evaluator import GROUPS
from anxin.models.probability import SCORE_HORIZON
from anxin.training.exams import Exam
from anxin.training.fitting import fit
from anxin.training.rows import Stacked
from anxin.training.settings import Settings

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Worth:
    """How much average precision falls without a family, for one group: the mean over folds, the least and the most."""

    family: str
    group: str
    features: int
    folds: int
    mean: float
    low: float
    high: float


def ablation(
    exams: Sequence[Exam], settings: Settings, rounds: int, on_progress: Progress | None = None
) -> list[Worth]:
    """Sit every exam with all features and without each family; a family without features is left out."""
    if not exams:
        return []
    names = exams[0].material.names
    family_of = {name: catalogue.catalogue()[name].family for name in names}
    families = [family for family in catalogue.FAMILIES if family in set(family_of.values())]
    fallen: dict[tuple[str, str], list[float]] = {}
    for step, exam in enumerate(exams):
        if on_progress is not None:
            on_progress(f"{exam.material.kind} ablation {exam.fold.through}", step, len(exams))
        rows = exam.taught(settings)

        def sat(family: str | None, exam: Exam = exam, rows: Stacked = rows) -> Mapping[str, float]:
            places = [place for place, name in enumerate(names) if family_of[name] != family]
            return _sat(exam, rows, places, settings, rounds)

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            full, *without = pool.map(sat, [None, *families])
        for family, found in zip(families, without, strict=True):
            for group in GROUPS:
                if group in full and group in found:
                    fallen.setdefault((family, group), []).append(full[group] - found[group])
    counts = {family: sum(one == family for one in family_of.values()) for family in families}
    return [
        Worth(
            family,
            group,
            counts[family],
            len(falls),
            float(np.mean(falls)),
            float(min(falls)),
            float(max(falls)),
        )
        for (family, group), falls in fallen.items()
    ]


def _sat(
    exam: Exam, rows: Stacked, places: list[int], settings: Settings, rounds: int
) -> Mapping[str, float]:
    """Return the average precision per group with the features at some places only."""
    names = tuple(exam.material.names[place] for place in places)
    # The horizon is the last column, and stays.
    columns = [*places, rows.x.shape[1] - 1]
    booster = fit(
        replace(rows, x=rows.x[:, columns]),
        names,
        settings.lightgbm[exam.material.kind],
        rounds,
        settings.seed,
    )
    asked = np.column_stack(
        [exam.material.features[exam.places][:, places], np.full(len(exam.places), float(SCORE_HORIZON))]
    )
    margin = np.asarray(booster.predict(asked, raw_score=True, num_threads=1), dtype=np.float64)
    return exam.marks(margin).average_precision
