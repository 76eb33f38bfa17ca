"""What became known of subjects by the end of the lake: verified cases, and complaints in the order they arrived."""

from __future__ import annotations

from datetime import date

import pandas as pd

from anxin.features.known import Kind, Known
from anxin.feeds.asof import View
from anxin.judging.frames import frame


def verified_cases(view: View, known_on: date, kind: Kind) -> pd.DataFrame:
    """Return the verified cases known at T: `subject_id, case_id, opened_on` (datetime64), `workers`, `yuan`."""
    rows = Known(view, (known_on,), kind).rows("cases")
    rows = rows.filter(rows.outcome == "verified")
    rows = rows.select(
        "subject_id",
        "case_id",
        "opened_on",
        workers=rows.workers.cast("float64"),
        yuan=rows.amount.cast("float64"),
    )
    table = frame(view, rows)
    table["opened_on"] = pd.to_datetime(table["opened_on"]).astype("datetime64[s]")
    return table.sort_values(["opened_on", "case_id"], ignore_index=True)


def complaints(view: View, known_on: date, kind: Kind) -> pd.DataFrame:
    """Return the complaints known at T: `subject_id, complaint_id, occurred_on, received_on` (datetime64).

    `received_on` is the day its first version came in: a complaint that is answered is sent again.
    """
    rows = (
        Known(view, (known_on,), kind).rows("complaints").select("subject_id", "complaint_id", "occurred_on")
    )
    every = view.history("complaints")
    first = every.group_by("complaint_id").aggregate(received_on=every.received_at.min().date())
    table = frame(view, rows.join(first, "complaint_id"))
    for name in ("occurred_on", "received_on"):
        table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    return table.sort_values(["received_on", "complaint_id"], ignore_index=True)
