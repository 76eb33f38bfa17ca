"""How many workers and how much money, if it happens: a log-linear model of size with an empirical 80 % interval.

Simple on purpose (the deepening has its own issue): the few columns that say how large a subject is, in logs, missing
ones at their mean; the interval is the middle 80 % of what training left unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SIZES: Mapping[str, tuple[str, ...]] = {
    "employer": ("insured_heads", "attendance_heads", "wages_due_month", "firm_capital"),
    "project": ("attendance_heads", "wages_due_month", "project_amount"),
}
_FEWEST = 20
"""Cases needed to speak of sizes at all."""
_RIDGE = 5.0


@dataclass(frozen=True)
class Size:
    """One fitted quantity. Coefficients are on standardised logs; `low`, `high` are residual quantiles in logs."""

    columns: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    smear: float
    low: float
    high: float
    largest: float
    cases: int

    def predict(self, sizes: Mapping[str, Floats], rows: int) -> tuple[Floats, Floats, Floats]:
        """Return expected value and the 80 % interval for `rows` subjects; all in the unit of the training cases.

        A few very large cases can pull the expectation past the interval; it is then told as the interval's end.
        """
        z = np.full(rows, self.intercept)
        for name, mean, scale, weight in zip(
            self.columns, self.means, self.scales, self.coefficients, strict=True
        ):
            z = z + weight * np.nan_to_num((np.log1p(np.maximum(sizes[name], 0)) - mean) / scale, nan=0.0)
        z = np.minimum(z, np.log(self.largest))
        low, high = np.exp(z + self.low), np.exp(z + self.high)
        return np.clip(np.exp(z) * self.smear, low, high), low, high


@dataclass(frozen=True)
class Severity:
    """Workers and yuan of a case of this kind; None where training saw too few cases that say."""

    workers: Size | None
    amount: Size | None

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain data."""
        return {
            "workers": self.workers and asdict(self.workers),
            "amount": self.amount and asdict(self.amount),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Severity:
        """Read what `to_json` wrote."""
        return cls(*(_size(state[name]) for name in ("workers", "amount")))


def _size(state: Mapping[str, Any] | None) -> Size | None:
    if state is None:
        return None
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in state.items()
    }
    return Size(**plain)


def fit_size(sizes: Mapping[str, Floats], observed: Floats) -> Size | None:
    """Fit one quantity to the cases that state it (positive values); None below 20 cases."""
    held = np.isfinite(observed) & (observed > 0)
    if held.sum() < _FEWEST:
        return None
    y = np.log(observed[held])
    columns, means, scales, stack = [], [], [], []
    for name, values in sizes.items():
        logs = np.log1p(np.maximum(values[held], 0))
        if np.isfinite(logs).sum() < _FEWEST or np.nanstd(logs) == 0:
            continue
        columns.append(name)
        means.append(float(np.nanmean(logs)))
        scales.append(float(np.nanstd(logs)))
        stack.append(np.nan_to_num((logs - means[-1]) / scales[-1], nan=0.0))
    x = np.column_stack(stack) if stack else np.zeros((len(y), 0))
    intercept = float(y.mean())
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ (y - intercept))
    rest = y - intercept - x @ weights
    return Size(
        tuple(columns),
        tuple(round(v, 9) for v in means),
        tuple(round(v, 9) for v in scales),
        tuple(round(float(v), 9) for v in weights),
        round(intercept, 9),
        round(float(np.exp(rest).mean()), 9),
        round(float(np.quantile(rest, 0.1)), 9),
        round(float(np.quantile(rest, 0.9)), 9),
        float(observed[held].max()),
        int(held.sum()),
    )
