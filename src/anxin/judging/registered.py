"""What the registry said of subjects on days of their own: for events, which all happen on different days."""

from __future__ import annotations

from typing import Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging.frames import frame

FACTS = {
    "employer": ("name", "district", "industry", "ownership", "park"),
    "project": ("name", "district", "project_type", "investment", "government_funded", "soe_owner"),
}


def registered(view: View, kind: Kind, asked: pd.DataFrame) -> pd.DataFrame:
    """Return the registry's facts (`FACTS`) of each row of `subject_id, day` (datetime64), in the order asked.

    The row known on the day counts; of a subject that was registered only later, its first. One that is not in the
    registry at all has nothing. Only the versions of the subjects asked are read.
    """
    ids = sorted(set(asked["subject_id"].dropna()))
    names = FACTS[kind]
    versions = view.history(f"{kind}s")
    wanted = ibis.memtable(pa.table({"subject_id": pa.array(ids, pa.string())}))
    versions = versions.select(
        "received_at", "changed_on", *names, subject_id=versions[f"{kind}_id"]
    ).semi_join(wanted, "subject_id")
    table = frame(view, versions).astype({"subject_id": object})
    order = (
        asked[["subject_id", "day"]]
        .astype({"subject_id": object})
        .reset_index(drop=True)
        .reset_index(names="_place")
    )
    if not len(table):
        return order.drop(columns=["_place", "day"]).assign(**dict.fromkeys(names))
    dated = pd.concat(
        [pd.to_datetime(table["received_at"]).dt.normalize(), pd.to_datetime(table["changed_on"])], axis=1
    ).max(axis=1)
    table["known_from"] = (dated + pd.Timedelta(days=1)).astype("datetime64[s]")
    # Of what became known on one day, what was received last is what counted.
    table = table.sort_values(["known_from", "received_at"], kind="stable")
    table = table.drop_duplicates(["subject_id", "known_from"], keep="last")
    table = table[["subject_id", "known_from", *names]]
    left = order.loc[order["subject_id"].notna()].sort_values("day", kind="stable")
    found = _nearest(left, table, "backward")
    later = found.loc[found["known_from"].isna(), ["_place", "subject_id", "day"]]
    first = _nearest(later, table, "forward")
    found = pd.concat([found.loc[found["known_from"].notna()], first.loc[first["known_from"].notna()]])
    result: pd.DataFrame = order.merge(found[["_place", *names]], on="_place", how="left")
    return result.drop(columns=["_place", "day"]).replace({np.nan: None})


def _nearest(
    left: pd.DataFrame, right: pd.DataFrame, direction: Literal["backward", "forward"]
) -> pd.DataFrame:
    return pd.merge_asof(
        left, right, left_on="day", right_on="known_from", by="subject_id", direction=direction
    )
