"""Contributions of many rows at once: exact TreeSHAP for views over everyone, where LightGBM's own would take minutes.

From naive to fast. The part of feature j in what a leaf of value v adds (path-dependent TreeSHAP, Lundberg et al. 2020,
arXiv:1905.04610; what LightGBM's `pred_contrib` gives) is

    v · (o_j − z_j) · ∫₀¹ Π_{k≠j} (t·o_k + (1−t)·z_k) dt

over the distinct features of the leaf's path, with o_k = 1 where the row passes all splits on k and z_k the share of
training rows that does. The integrand is a polynomial of t, so a Gauss–Legendre rule with half as many points as there
are features is exact. All that a row tells a tree are its yes and no at the splits, so rows with the same answers have
the same contributions: per tree, one comparison of a column per split, the few distinct answers worked out once, and one
lookup per row. The hot path is `_answers` and the lookup; nothing there may run per leaf over all rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from anxin.domain.errors import AnxinError
from anxin.models.probability import SCORE_HORIZON, Ordered

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST, _MOST = 8_192, 32_768
"""Rows worked on at once: enough to share what is worked out per answer, few enough for the processor's cache."""

_MOST_SPLITS = 62
"""The answers of a tree are the bits of one whole number."""

_TABLE = 14
"""Up to this many splits the answers index a table; beyond, they are sorted."""

_MOST_IN_TABLE = 10
"""Up to this many features of a leaf's path everything is worked out beforehand."""

_BITS = 1 << np.arange(_MOST_IN_TABLE)

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
_ZERO = 1e-35
"""What LightGBM takes for zero where missing is zero."""


@dataclass(frozen=True)
class Leaf:
    """A leaf as seen from the root: `must` answers, among the splits of `about`, per distinct feature of its path."""

    value: float
    features: Ints
    """Places in the tree's features."""
    about: Ints
    must: Ints
    passed: Floats
    """Share of training rows that pass the splits on each feature."""
    table: Floats | None = None
    """What each feature contributes (rows) where the features passed are the bits of the place (columns)."""


@dataclass(frozen=True)
class Tree:
    """One tree: per split the column, threshold and where missing goes; its distinct columns; its leaves."""

    column: Ints
    threshold: Floats
    default_left: npt.NDArray[np.bool_]
    missing: Ints
    features: Ints
    leaves: tuple[Leaf, ...]
    expected: float


@dataclass(frozen=True)
class _Step:
    """What a path has asked of one feature so far."""

    about: int
    must: int
    passed: float


def trees_of(booster: lgb.Booster, rounds: int) -> tuple[Tree, ...]:
    """Read the first `rounds` trees of a booster. AnxinError for trees this path has no formula for."""
    text = booster.model_to_string(num_iteration=rounds)
    return _with_tables([_read(block) for block in _blocks(text)])


def contributions(trees: tuple[Tree, ...], rows: Floats, workers: int | None = None) -> tuple[Floats, float]:
    """Return SHAP contributions (n × columns) to the raw margin of rows (n × columns), and the base they start from.

    The same as LightGBM's `pred_contrib`, but for the order of sums (below 1e-9).
    """
    found = np.zeros(rows.shape)
    threads = workers or os.cpu_count() or 1
    chunk = min(_MOST, max(_LEAST, -(-len(rows) // threads)))

    def part(start: int) -> None:
        # Columns in one piece: every split reads one of them.
        columns = np.asfortranarray(rows[start : start + chunk])
        total = np.zeros(columns.shape, order="F")
        for tree in trees:
            answers, of_row = _distinct(tree, columns)
            worked_out = _of_answers(tree, answers)
            for place, column in enumerate(tree.features):
                total[:, column] += worked_out[place].take(of_row)
        found[start : start + chunk] = total

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(0, len(rows), chunk)))
    return found, float(sum(tree.expected for tree in trees))


def explain_all(ordered: Ordered, rows: Floats) -> tuple[Floats, Floats]:
    """Return for many rows (n × features) what `Ordered.contributions` does: contributions to the score, and bases."""
    stacked = np.column_stack([rows, np.full(len(rows), float(SCORE_HORIZON))])
    parts, base = contributions(trees_of(ordered.booster, ordered.rounds), stacked)
    return parts[:, :-1], parts[:, -1] + base


def _answers(tree: Tree, columns: Floats) -> Ints:
    """Return the answers of each row as bits: 1 where it goes left."""
    answers = np.zeros(len(columns), dtype=np.int64)
    for split, column in enumerate(tree.column):
        values, threshold = columns[:, column], tree.threshold[split]
        left_if_missing = bool(tree.default_left[split])
        if tree.missing[split] != _MISSING_NAN:
            left_if_missing = bool(threshold >= 0)  # LightGBM reads what is missing as 0 there
        # A comparison with NaN is false: the two ways to ask send it to either side.
        left = ~(values > threshold) if left_if_missing else values <= threshold
        if tree.missing[split] == _MISSING_ZERO:
            zero = np.isnan(values) | (np.abs(values) <= _ZERO)
            left = np.where(zero, tree.default_left[split], left)
        answers |= left.astype(np.int64) << split
    return answers


def _distinct(tree: Tree, columns: Floats) -> tuple[Ints, npt.NDArray[np.intp]]:
    answers = _answers(tree, columns)
    splits = len(tree.column)
    if splits > _TABLE:
        distinct, of_row = np.unique(answers, return_inverse=True)
        return distinct.astype(np.int64), of_row
    seen = np.zeros(1 << splits, dtype=bool)
    seen[answers] = True
    distinct = np.flatnonzero(seen)
    place = np.zeros(1 << splits, dtype=np.intp)
    place[distinct] = np.arange(len(distinct))
    return distinct.astype(np.int64), place.take(answers)


def _of_answers(tree: Tree, answers: Ints) -> Floats:
    """Return the contributions (the tree's features × distinct answers) of one tree."""
    total = np.zeros((len(tree.features), len(answers)))
    for leaf in tree.leaves:
        passes = (answers & leaf.about[:, None]) == leaf.must[:, None]
        if leaf.table is None:
            found = _parts(passes.astype(np.float64), leaf.passed[:, None]) * leaf.value
        else:
            found = leaf.table.take(_BITS[: len(passes)] @ passes, axis=1)
        for place, part in zip(leaf.features, found, strict=True):
            total[place] += part
    return total


def _parts(one: Floats, share: Floats) -> Floats:
    """Return what each feature of a path contributes to a leaf of value 1 (… × features × cases).

    `one` says which features the case passes (features × cases), `share` what share of training rows does
    (… × features × 1).
    """
    points, weights = np.polynomial.legendre.leggauss(one.shape[-2] // 2 + 1)
    found = np.zeros(np.broadcast_shapes(one.shape, share.shape))
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        found += weight * _of_the_others(point * one + (1 - point) * share)
    return np.asarray((one - share) * found)


def _of_the_others(factor: Floats) -> Floats:
    """Return per feature the product of all other factors, without dividing (a factor may be tiny)."""
    found = np.ones(factor.shape)
    before, after = np.ones_like(factor[..., 0, :]), np.ones_like(factor[..., 0, :])
    last = factor.shape[-2] - 1
    for i in range(last + 1):
        found[..., i, :] *= before
        found[..., last - i, :] *= after
        before = before * factor[..., i, :]
        after = after * factor[..., last - i, :]
    return found


def _with_tables(trees: Sequence[Tree]) -> tuple[Tree, ...]:
    """Work out, for all leaves with as many features at once, what every way to pass them contributes."""
    alike: dict[int, list[Leaf]] = {}
    for leaf in (leaf for tree in trees for leaf in tree.leaves):
        alike.setdefault(len(leaf.features), []).append(leaf)
    tables: dict[int, Floats] = {}
    for size, leaves in alike.items():
        if size > _MOST_IN_TABLE:
            continue
        cases = (np.arange(1 << size)[None, :] >> np.arange(size)[:, None]) & 1
        worked_out = _parts(cases.astype(np.float64), np.stack([leaf.passed for leaf in leaves])[:, :, None])
        for leaf, table in zip(leaves, worked_out, strict=True):
            tables[id(leaf)] = table * leaf.value
    return tuple(
        replace(tree, leaves=tuple(replace(leaf, table=tables.get(id(leaf))) for leaf in tree.leaves))
        for tree in trees
    )


def _blocks(text: str) -> Iterator[dict[str, str]]:
    body = text.split("end of trees", 1)[0]
    for block in body.split("\nTree=")[1:]:
        yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _read(block: dict[str, str]) -> Tree:
    value = _floats(block["leaf_value"])
    most = _MOST_SPLITS + 1
    if block.get("is_linear", "0") != "0" or block.get("num_cat", "0") != "0" or len(value) > most:
        raise AnxinError(
            f"模型的树有 {len(value)} 个叶，批量解释只支持不含类别分裂、叶数不超过 {most} 的树",
            f"a tree of {len(value)} leaves: bulk contributions are for trees without categories, at most {most} leaves",
        )
    if len(value) == 1:
        none = np.empty(0, dtype=np.int64)
        return Tree(none, np.empty(0), none.astype(bool), none, none, (), float(value[0]))
    column, left, right = (_ints(block[name]) for name in ("split_feature", "left_child", "right_child"))
    kind = _ints(block["decision_type"])
    inner, outer = _floats(block["internal_count"]), _floats(block["leaf_count"])
    features = np.unique(column)
    leaves: list[Leaf] = []

    def count(node: int) -> float:
        return float(inner[node] if node >= 0 else outer[~node])

    def down(node: int, path: dict[int, _Step]) -> None:
        if node < 0:
            steps = path.values()
            leaves.append(
                Leaf(
                    float(value[~node]),
                    np.searchsorted(features, list(path)),
                    np.array([step.about for step in steps], dtype=np.int64),
                    np.array([step.must for step in steps], dtype=np.int64),
                    np.array([step.passed for step in steps]),
                )
            )
            return
        before = path.get(int(column[node]), _Step(0, 0, 1.0))
        for child, bit in ((int(left[node]), 1 << node), (int(right[node]), 0)):
            share = count(child) / count(node)
            step = _Step(before.about | 1 << node, before.must | bit, before.passed * share)
            down(child, {**path, int(column[node]): step})

    down(0, {})
    expected = float((outer * value).sum() / inner[0])
    return Tree(
        column,
        _floats(block["threshold"]),
        (kind & _DEFAULT_LEFT) > 0,
        (kind >> 2) & 3,
        features,
        tuple(leaves),
        expected,
    )


def _floats(text: str) -> Floats:
    return np.array([float(word) for word in text.split()], dtype=np.float64)


def _ints(text: str) -> Ints:
    return np.array([int(word) for word in text.split()], dtype=np.int64)
