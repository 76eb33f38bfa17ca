"""What moves the scores of everyone on a day: mean absolute contributions by feature, family, district and sector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.domain import divisions, industries
from anxin.domain.errors import AnxinError
from anxin.features.catalogue import catalogue
from anxin.models.bulk import explain_all
from anxin.models.saved import load
from anxin.models.scoring import Model
from anxin.serving.home import Home
from anxin.serving.published import Published

Floats = npt.NDArray[np.float64]

BY = ("district", "sector")
_FEWEST = 20
"""Subjects to a part; smaller parts are told together."""


@dataclass(frozen=True)
class Influences:
    """Over some subjects: mean |contribution| per feature and per family, in points of score.

    `lift` is the mean contribution, with its sign: where it is positive, the feature makes these subjects riskier than
    the base. A family's figure is of the sums within it, so what its features say against each other does not count.
    """

    subjects: int
    features: Mapping[str, float]
    lift: Mapping[str, float]
    families: Mapping[str, float]

    def to_json(self, most: int) -> dict[str, Any]:
        """Return the strongest features and all families as plain data."""
        return {
            "subjects": self.subjects,
            "families": dict(self.families),
            "features": {
                name: {"mean_abs": size, "mean": self.lift[name]}
                for name, size in list(self.features.items())[:most]
            },
        }


def influences(model: Model, snapshot: pa.Table, by: str | None, day: date) -> dict[str, Influences]:
    """Return the influences over all subjects of a snapshot (`""`), and of its parts by `district` or `sector`."""
    names = model.ordered.features
    contributions, _ = explain_all(model.ordered, model.matrix(snapshot))
    found = {"": _over(contributions, names)}
    if by is None:
        return found
    parts = np.array(_parts(model.kind, snapshot, by, day), dtype=object)
    sizes = {part: int((parts == part).sum()) for part in sorted(set(parts))}
    small = [part for part, size in sizes.items() if size < _FEWEST]
    for part in sorted(set(sizes) - set(small), key=lambda part: -sizes[part]):
        found[str(part)] = _over(contributions[parts == part], names)
    if small:
        found["其他 other"] = _over(contributions[np.isin(parts, small)], names)
    return found


def influences_of(
    home: Home, published: Published, kinds: Sequence[str], by: str | None
) -> dict[str, dict[str, Influences]]:
    """Return the influences on a published day per kind, from its own snapshots and the models that made it."""
    found = {}
    for kind in kinds:
        model_id = published.manifest.model(kind)
        if model_id is not None:
            snapshot = published.table(f"snapshot-{kind}.parquet")
            found[kind] = influences(load(home.models, model_id), snapshot, by, published.as_of)
    if not found:
        raise AnxinError(
            f"{published.as_of} 的清单没有 {'、'.join(kinds)} 的评分",
            f"the list of {published.as_of} scored no {', '.join(kinds)}",
        )
    return found


def _over(contributions: Floats, names: tuple[str, ...]) -> Influences:
    size, lift = np.abs(contributions).mean(axis=0), contributions.mean(axis=0)
    order = np.argsort(-size, kind="stable").tolist()
    families: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        families.setdefault(catalogue()[name].family, []).append(place)
    sums = {name: float(np.abs(contributions[:, of].sum(axis=1)).mean()) for name, of in families.items()}
    return Influences(
        len(contributions),
        {names[j]: float(size[j]) for j in order},
        {names[j]: float(lift[j]) for j in order},
        dict(sorted(sums.items(), key=lambda item: -item[1])),
    )


def _parts(kind: str, snapshot: pa.Table, by: str, day: date) -> list[str]:
    if by == "district":
        codes = snapshot["district"].to_pylist()
        known = {code: divisions.name(code, day) for code in set(codes) if code}
        return [known.get(code, "未知 unknown") for code in codes]
    if kind == "project":
        return [kind or "未知 unknown" for kind in snapshot["project_type"].to_pylist()]
    letters = {code: industries.section(code) for code in set(snapshot["industry"].to_pylist()) if code}
    sections = {code: f"{industries.name(letter)} {letter}" for code, letter in letters.items() if letter}
    return [sections.get(code, "未知 unknown") for code in snapshot["industry"].to_pylist()]
