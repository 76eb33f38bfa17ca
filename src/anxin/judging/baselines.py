"""What a centre has without a model: complaints of the last 90 days, and the number of red flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anxin.models.rules import flags
from anxin.models.scoring import matrix

READ = ("complaints_90d",)
"""Columns of a snapshot that are read here, beside those of the rules."""

Ranking = Callable[[pa.Table], npt.NDArray[np.float64]]


def complaints_90d(snapshot: pa.Table) -> npt.NDArray[np.float64]:
    """Rank by complaints of the last 90 days; without the feed, everyone is the same."""
    return np.nan_to_num(matrix(snapshot, READ)[:, 0], nan=0.0)


BASELINES: Mapping[str, Ranking] = {"complaints_90d": complaints_90d, "red_flags": flags}
"""Each gives a figure per row of a snapshot, higher is worse; ties are judged as ties."""
