"""What the lake was asked, as a frame."""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd

from anxin.feeds.asof import View


def frame(view: View, rows: ir.Table) -> pd.DataFrame:
    """Compute an expression; its text columns can be merged even where there is not a single row.

    (pandas 3 cannot merge two Arrow text columns that are both empty.)
    """
    table: pd.DataFrame = view.backend.to_pyarrow(rows).to_pandas()
    if len(table):
        return table
    return table.astype(
        {name: object for name, kind in table.dtypes.items() if kind.name in {"str", "string"}}
    )
