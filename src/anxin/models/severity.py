"""How many workers and how much money, if it happens: a ridge on logs of size, with intervals that were tried.

What a case will hold is told by how large the subject is and by what is already known to be owed, both in logs. How far
each of the two may be trusted is chosen on blocks of time left out; where they tell no sizes apart there, the model says
the same of everyone. The interval is cross-conformal by group of expected size (Vovk 2015; Mondrian taxonomies, Vovk et
al. 2005): the residuals of cases that the fit had not seen, of those expected to be about as large, give both ends, so
that coverage holds for the small and for the large. Workers and yuan of one case belong together: the residuals are kept
in pairs, and of them comes the probability that a case would be one of those that call for a task force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAJOR_WORKERS, MAJOR_YUAN = 30, 1_000_000.0
"""重大: verified arrears of 30 people or 1 million yuan (warnings.md)."""

LIKELY_MAJOR = 0.25
"""From one in four on a case is told to be a likely major one (assumed: no document says)."""

_OWED = (
    "complaint_workers_largest_365d",
    "complaint_open_workers",
    "complaint_amount_365d",
    "case_workers_largest",
    "case_amount_730d",
    "case_open_workers",
    "case_open_amount",
    "hazard_open_workers",
    "hazard_open_amount",
    "wages_unpaid_amount",
    "wages_unpaid_months",
    "attended_unpaid_heads",
    "attended_unpaid_amount",
    "pay_short_amount",
    "leavers_unsettled_heads",
    "contract_missing_heads",
)
"""What is known to be owed, or to whom."""

_LARGE: Mapping[str, tuple[str, ...]] = {
    "employer": (
        "insured_heads",
        "attendance_heads",
        "wages_due_month",
        "firm_capital",
        "credit_balance",
        "sites_live",
        "notice_layoff_workers_365d",
        "suits_wages_amount_365d",
    ),
    "project": (
        "attendance_heads",
        "wages_due_month",
        "project_amount",
        "labour_unpaid_amount",
        "progress_unpaid_amount",
        "account_balance",
    ),
}
"""How large the subject is."""

SIZES: Mapping[str, tuple[str, ...]] = {kind: (*large, *_OWED) for kind, large in _LARGE.items()}
"""The columns of a snapshot that sizes are read from."""

_HEADS = "insured_heads"
"""Few cases have more people than an employer insures, or not many times more; a site that is left says nothing so."""

_FEWEST = 20
"""Cases needed to speak of sizes at all, and of one column."""
_BLOCKS = 5
_PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 1e6)
_LEVEL = 0.8
_BEYOND = 0.98
"""Share of cases that stay within the reach of the heads known."""
_GROUP, _MOST_GROUPS = 75, 4
"""Cases to a group of expected size, and the most groups."""
_APART = 0.1
"""Standard deviation of log expected size below which everyone is expected to be the same."""
_PAIRS = 300
"""Residuals kept per group."""
_AT_ONCE = 20_000
"""Rows predicted at once: each meets every pair of residuals."""


@dataclass(frozen=True)
class Basis:
    """Columns as the fit reads them: logs of what is positive, standardised; what is not or missing counts as usual.

    Each column gives three: the log, what of it is above the mean (sizes stop growing alike), and whether it is there.
    """

    columns: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    shares: tuple[float, ...]

    def matrix(self, sizes: Mapping[str, Floats], rows: int) -> Floats:
        """Return the fit's columns (rows × 3 per column)."""
        parts = []
        for name, mean, scale, share in zip(self.columns, self.means, self.scales, self.shares, strict=True):
            logs = _logs(sizes[name])
            z = np.nan_to_num((logs - mean) / scale)
            there = (np.isfinite(logs) - share) / max(np.sqrt(share * (1 - share)), 0.05)
            parts += [z, np.maximum(z, 0.0), there]
        return np.column_stack(parts) if parts else np.empty((rows, 0))


@dataclass(frozen=True)
class Size:
    """One fitted quantity: `log y = intercept + x · coefficients + residual`.

    `low` and `high` are the residuals of the 80 % interval per group of expected size; `step` is 1 where only whole
    numbers occur. A case stays below `reach · (heads + 3)` where heads are known.
    """

    basis: Basis
    coefficients: tuple[float, ...]
    intercept: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    step: float
    largest: float
    reach: float | None
    cases: int

    def expected(self, sizes: Mapping[str, Floats], rows: int) -> Floats:
        """Return the middle of log y for `rows` subjects."""
        x = self.basis.matrix(sizes, rows)
        found = self.intercept + x @ np.array(self.coefficients)
        return np.asarray(np.minimum(found, np.log(self.largest)), dtype=np.float64)

    def bound(self, sizes: Mapping[str, Floats], rows: int) -> Floats:
        """Return what a case of each subject stays below; infinite where no heads are known."""
        if self.reach is None:
            return np.full(rows, np.inf)
        return np.where(_heads(sizes, rows) > 0, self.reach * (_heads(sizes, rows) + 3), np.inf)

    def interval(self, z: Floats, most: Floats, group: Ints) -> tuple[Floats, Floats]:
        """Return both ends of the 80 % interval; whole numbers of workers, at least one."""
        low = np.minimum(np.exp(z + np.array(self.low)[group]), most)
        high = np.minimum(np.exp(z + np.array(self.high)[group]), most)
        if self.step:
            low, high = np.maximum(np.rint(low), 1.0), np.maximum(np.rint(high), 1.0)
        return low, high


@dataclass(frozen=True)
class Severity:
    """Workers and yuan of a case of this kind; None where training saw too few cases that say.

    `edges` part subjects by expected size (log workers, or yuan where there are no workers). `pairs` are, per group, the
    residuals of workers and of yuan of the same cases (0 for a quantity that is None).
    """

    workers: Size | None
    amount: Size | None
    edges: tuple[float, ...]
    pairs: tuple[tuple[tuple[float, float], ...], ...]

    def predict(self, sizes: Mapping[str, Floats], rows: int) -> Predicted:
        """Return what is expected of `rows` subjects if it happens to them."""
        found = Predicted(*(np.full(rows, np.nan) for _ in fields(Predicted)))
        for start in range(0, rows, _AT_ONCE):
            taken = slice(start, min(start + _AT_ONCE, rows))
            part = {name: values[taken] for name, values in sizes.items()}
            self._predict(part, taken.stop - start, found, taken)
        return found

    def _predict(self, sizes: Mapping[str, Floats], rows: int, into: Predicted, taken: slice) -> None:
        first = self.workers or self.amount
        if first is None:
            return
        group = np.searchsorted(np.array(self.edges), first.expected(sizes, rows), side="right").astype(
            np.int64
        )
        residuals = np.array(self.pairs)[group]
        told = (into.workers, into.workers_lo, into.workers_hi), (into.amount, into.amount_lo, into.amount_hi)
        major = np.zeros(residuals.shape[:2], dtype=bool)
        for place, (size, large) in enumerate(
            ((self.workers, MAJOR_WORKERS - 0.5), (self.amount, MAJOR_YUAN))
        ):
            if size is None:
                continue
            z, most = size.expected(sizes, rows), size.bound(sizes, rows)
            low, high = size.interval(z, most, group)
            # Not bounded: the residuals of a group hold already that its small ones have small cases.
            drawn = np.exp(z[:, None] + residuals[:, :, place])
            major |= drawn >= large
            # A few very large cases can pull the expectation past the interval; it is then told as the interval's end.
            for column, figure in zip(
                told[place], (np.clip(drawn.mean(axis=1), low, high), low, high), strict=True
            ):
                column[taken] = figure
        into.p_major[taken] = major.mean(axis=1)

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain data."""
        return {
            "workers": self.workers and asdict(self.workers),
            "amount": self.amount and asdict(self.amount),
            "edges": list(self.edges),
            "pairs": [[list(pair) for pair in group] for group in self.pairs],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Severity:
        """Read what `to_json` wrote; a model of before this form says nothing of sizes."""
        if "pairs" not in state:
            return cls(None, None, (), ())
        pairs = tuple(tuple((float(a), float(b)) for a, b in group) for group in state["pairs"])
        return cls(_size(state["workers"]), _size(state["amount"]), tuple(state["edges"]), pairs)


@dataclass(frozen=True)
class Predicted:
    """Per subject, if it happens: workers and yuan with their 80 % intervals, and the probability of a major case."""

    workers: Floats
    workers_lo: Floats
    workers_hi: Floats
    amount: Floats
    amount_lo: Floats
    amount_hi: Floats
    p_major: Floats


def fit_severity(sizes: Mapping[str, Floats], workers: Floats, amount: Floats, case: Ints) -> Severity:
    """Fit to the rows of cases: `sizes` as known before each, what the case turned out to hold (NaN: not said).

    `case` numbers the case of each row, in order of time: the rows of one case count as one, and blocks of neighbouring
    cases are left out together. A quantity that fewer than 20 cases state is None.
    """
    fits = [_fit(sizes, observed, case) for observed in (workers, amount)]
    first = next((fit for fit in fits if fit is not None), None)
    if first is None:
        return Severity(None, None, (), ())
    edges = _edges(first, case)
    groups = np.searchsorted(np.array(edges), first.expected, side="right").astype(np.int64)
    steps = (1.0, 0.0)
    found = [
        None if fit is None else _sized(fit, sizes, observed, case, groups, len(edges) + 1, step)
        for fit, observed, step in zip(fits, (workers, amount), steps, strict=True)
    ]
    residuals = [np.full(len(case), np.nan) if fit is None else fit.residual for fit in fits]
    pairs = tuple(
        _pairs(residuals[0][groups == group], residuals[1][groups == group], case[groups == group])
        for group in range(len(edges) + 1)
    )
    return Severity(found[0], found[1], edges, pairs)


@dataclass(frozen=True)
class _Fit:
    """A ridge; per row of all cases what it expects, and by how much a fit without the case missed (NaN: not said)."""

    basis: Basis
    intercept: float
    coefficients: Floats
    expected: Floats
    residual: Floats
    cases: int


def _fit(sizes: Mapping[str, Floats], observed: Floats, case: Ints) -> _Fit | None:
    held = np.isfinite(observed) & (observed > 0)
    _, number = np.unique(case[held], return_inverse=True)
    cases = int(number.max()) + 1 if held.any() else 0
    if cases < _FEWEST:
        return None
    y, weight = np.log(observed[held]), _weights(number)
    basis = _basis({name: values[held] for name, values in sizes.items()})
    every = basis.matrix(sizes, len(observed))
    x, block = every[held], number * _BLOCKS // cases
    owed = np.repeat(np.array([name in _OWED for name in basis.columns], dtype=bool), 3)
    of_block = [_sums(x[block == b], y[block == b], weight[block == b]) for b in range(_BLOCKS)]
    penalty = _penalty(of_block, owed)
    residual = np.full(len(observed), np.nan)
    for left in range(_BLOCKS):
        intercept, coefficients = _ridge([s for b, s in enumerate(of_block) if b != left], penalty)
        unseen = np.flatnonzero(held)[block == left]
        residual[unseen] = np.log(observed[unseen]) - intercept - every[unseen] @ coefficients
    intercept, coefficients = _ridge(of_block, penalty)
    coefficients = np.round(coefficients, 9)
    return _Fit(basis, round(intercept, 9), coefficients, intercept + every @ coefficients, residual, cases)


def _edges(fit: _Fit, case: Ints) -> tuple[float, ...]:
    """Return where expected size is parted: groups of as many cases, one group where all are expected alike."""
    groups = min(_MOST_GROUPS, fit.cases // _GROUP)
    if groups < 2 or fit.expected.std() < _APART:
        return ()
    weight = _weights(case)
    cuts = [_quantile(fit.expected, weight, (i + 1) / groups) for i in range(groups - 1)]
    return tuple(sorted({round(cut, 9) for cut in cuts}))


def _sized(
    fit: _Fit,
    sizes: Mapping[str, Floats],
    observed: Floats,
    case: Ints,
    groups: Ints,
    count: int,
    step: float,
) -> Size:
    held = np.isfinite(fit.residual)
    ends = []
    for group in range(count):
        mine = held & (groups == group)
        # Of a group that says too little of this quantity, everyone's residuals.
        mine = mine if len(np.unique(case[mine])) >= _FEWEST else held
        ends.append(_ends(observed[mine], fit.residual[mine], case[mine], step))
    heads = _heads(sizes, len(observed))
    counted = held & (heads > 0)
    reach = None
    if len(np.unique(case[counted])) >= _FEWEST:
        ratio = observed[counted] / (heads[counted] + 3)
        reach = round(_quantile(ratio, _weights(case[counted]), _BEYOND), 9)
    return Size(
        fit.basis,
        tuple(float(v) for v in fit.coefficients),
        fit.intercept,
        tuple(low for low, _ in ends),
        tuple(high for _, high in ends),
        step,
        float(observed[held].max()),
        reach,
        fit.cases,
    )


def _ends(observed: Floats, residual: Floats, case: Ints, step: float) -> tuple[float, float]:
    """Return the residuals of both ends of the interval.

    A whole number lies in the interval if it does so once both ends are rounded: half a step towards the outside.
    """
    weight, cases = _weights(case), len(np.unique(case))
    tail = max(0.0, 1 - (1 + _LEVEL) / 2 * (cases + 1) / cases)
    below = residual + np.log1p(step / 2 / observed)
    above = residual + np.log(np.maximum(1 - step / 2 / observed, 1e-9))
    middle = _quantile(residual, weight, 0.5)
    low = min(_quantile(below, weight, tail), middle)
    high = max(_quantile(above, weight, 1 - tail), middle)
    return round(low, 9), round(high, 9)


def _pairs(workers: Floats, amount: Floats, case: Ints) -> tuple[tuple[float, float], ...]:
    """Return an even sample of the residuals of both quantities, each case as likely as any other."""
    both = np.isfinite(workers) & np.isfinite(amount)
    if len(np.unique(case[both])) >= _FEWEST:
        order = np.lexsort((amount[both], workers[both]))
        places = np.flatnonzero(both)[order][_even(case[both][order])]
        drawn = workers[places], amount[places]
    else:
        # Too few say both: each for itself, the one drawn whatever the other is.
        mixed = np.random.default_rng(0).permutation(_PAIRS)
        drawn = _alone(workers, case), _alone(amount, case)[mixed]
    return tuple((round(float(a), 6), round(float(b), 6)) for a, b in zip(*drawn, strict=True))


def _alone(residual: Floats, case: Ints) -> Floats:
    said = np.isfinite(residual)
    if not said.any():
        return np.zeros(_PAIRS)
    order = np.argsort(residual[said], kind="stable")
    return residual[said][order][_even(case[said][order])]


def _even(case: Ints) -> Ints:
    reached = np.cumsum(_weights(case))
    wanted = (np.arange(_PAIRS) + 0.5) / _PAIRS * reached[-1]
    return np.asarray(np.searchsorted(reached, wanted), dtype=np.int64)


def _basis(known: Mapping[str, Floats]) -> Basis:
    columns, means, scales, shares = [], [], [], []
    for name, values in known.items():
        logs = _logs(values)
        there = np.isfinite(logs)
        if there.sum() < _FEWEST or np.std(logs[there]) < 1e-6:
            continue
        columns.append(name)
        means.append(round(float(logs[there].mean()), 9))
        scales.append(round(float(logs[there].std()), 9))
        shares.append(round(float(there.mean()), 9))
    return Basis(tuple(columns), tuple(means), tuple(scales), tuple(shares))


@dataclass(frozen=True)
class _Sums:
    """Weighted sums of one block of rows, all that a ridge needs of it."""

    weight: float
    x: Floats
    y: float
    xx: Floats
    xy: Floats
    yy: float

    def loss(self, intercept: float, coefficients: Floats) -> float:
        """Return the weighted squares a fit misses on these rows."""
        c = coefficients
        return float(
            self.yy
            - 2 * (intercept * self.y + c @ self.xy)
            + intercept**2 * self.weight
            + 2 * intercept * (c @ self.x)
            + c @ self.xx @ c
        )


def _sums(x: Floats, y: Floats, weight: Floats) -> _Sums:
    weighed = x * weight[:, None]
    return _Sums(
        float(weight.sum()),
        weighed.sum(axis=0),
        float(weight @ y),
        weighed.T @ x,
        weighed.T @ y,
        float(weight @ y**2),
    )


def _ridge(blocks: Sequence[_Sums], penalty: Floats) -> tuple[float, Floats]:
    total = sum(block.weight for block in blocks)
    x, y = np.sum([block.x for block in blocks], axis=0) / total, sum(block.y for block in blocks) / total
    xx = np.sum([block.xx for block in blocks], axis=0) - total * np.outer(x, x)
    xy = np.sum([block.xy for block in blocks], axis=0) - total * x * y
    coefficients = np.linalg.solve(xx + np.diag(penalty), xy) if len(x) else np.empty(0)
    return float(y - x @ coefficients), coefficients


def _penalty(blocks: Sequence[_Sums], owed: npt.NDArray[np.bool_]) -> Floats:
    """Return the penalty per column: one for size, one for what is owed, the pair that told left-out blocks best.

    Unless it beats saying the same of everyone by more than chance between blocks: then that.
    """

    def losses(penalty: Floats) -> Floats:
        found = []
        for left, block in enumerate(blocks):
            fit = _ridge([other for i, other in enumerate(blocks) if i != left], penalty)
            found.append(block.loss(*fit) / block.weight)
        return np.array(found)

    none = np.full(len(owed), _PENALTIES[-1])
    tried = [np.where(owed, known, large) for large in _PENALTIES for known in _PENALTIES]
    best = min(tried, key=lambda penalty: float(losses(penalty).mean()))
    gained = losses(none) - losses(best)
    return best if gained.mean() > gained.std(ddof=1) / np.sqrt(len(blocks)) else none


def _quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    place = min(int(np.searchsorted(reached, share - 1e-12)), len(values) - 1)
    return float(values[order][place])


def _weights(case: Ints) -> Floats:
    _, number, count = np.unique(case, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[number], dtype=np.float64)


def _heads(sizes: Mapping[str, Floats], rows: int) -> Floats:
    return np.nan_to_num(sizes[_HEADS]) if _HEADS in sizes else np.zeros(rows)


def _logs(values: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(values > 0, np.log1p(np.maximum(values, 0)), np.nan)


def _size(state: Mapping[str, Any] | None) -> Size | None:
    if state is None:
        return None
    basis = Basis(**{name: tuple(value) for name, value in state["basis"].items()})
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in state.items()
        if name != "basis"
    }
    return Size(basis, **plain)
