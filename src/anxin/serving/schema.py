"""The columns of a published list's files, shared by the daily run and all that read them."""

from __future__ import annotations

import pyarrow as pa

REASON = pa.struct(
    [
        ("feature", pa.string()),
        ("family", pa.string()),
        ("contribution", pa.float64()),
        ("value", pa.float64()),
        ("usual", pa.float64()),
        ("date", pa.date32()),
        ("source", pa.string()),
        ("basis", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)

FAMILY = pa.struct([("family", pa.string()), ("contribution", pa.float64())])

RULE = pa.struct(
    [
        ("name", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("articles", pa.list_(pa.string())),
        ("law", pa.string()),
        ("law_en", pa.string()),
        ("ask", pa.string()),
        ("ask_en", pa.string()),
        ("feature", pa.string()),
        ("value", pa.float64()),
        ("date", pa.date32()),
        ("raises_to", pa.int64()),
    ]
)

CHANGE = pa.struct(
    [
        ("feature", pa.string()),
        ("family", pa.string()),
        ("value", pa.float64()),
        ("to", pa.float64()),
        ("others", pa.int64()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)

LEAVE = pa.struct([("reached", pa.bool_()), ("p90", pa.float64()), ("changes", pa.list_(CHANGE))])

LIST = pa.schema(
    [
        ("rank", pa.int64()),
        ("warning_id", pa.string()),
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("name", pa.string()),
        ("district", pa.string()),
        ("district_name", pa.string()),
        ("regulator", pa.string()),
        ("regulators_also", pa.list_(pa.string())),
        ("grade", pa.int64()),
        ("in_hand", pa.bool_()),
        ("p30", pa.float64()),
        ("p90", pa.float64()),
        ("p180", pa.float64()),
        ("score", pa.float64()),
        ("workers", pa.float64()),
        ("workers_lo", pa.float64()),
        ("workers_hi", pa.float64()),
        ("amount", pa.float64()),
        ("amount_lo", pa.float64()),
        ("amount_hi", pa.float64()),
        ("p_major", pa.float64()),
        ("change", pa.string()),
        ("change_zh", pa.string()),
        ("change_en", pa.string()),
        ("since", pa.date32()),
        ("put_by", pa.string()),
        ("reasons", pa.list_(REASON)),
        ("lowering", pa.list_(REASON)),
        ("families", pa.list_(FAMILY)),
        ("rules", pa.list_(RULE)),
        ("leave", LEAVE),
        ("grade_model", pa.int64()),
        ("grade_why_zh", pa.string()),
        ("grade_why_en", pa.string()),
        ("propensity", pa.float64()),
        ("visit", pa.string()),
        ("visit_by", pa.string()),
        ("visit_order", pa.int64()),
        ("visit_why", pa.string()),
        ("visit_why_en", pa.string()),
        ("visited_on", pa.date32()),
        ("model_version", pa.string()),
    ]
)

SCORES = pa.schema(
    [
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("as_of", pa.date32()),
        ("p30", pa.float64()),
        ("p90", pa.float64()),
        ("p180", pa.float64()),
        ("score", pa.float64()),
        ("grade", pa.int64()),
        ("rank", pa.int64()),
        ("in_hand", pa.bool_()),
        ("workers", pa.float64()),
        ("workers_lo", pa.float64()),
        ("workers_hi", pa.float64()),
        ("amount", pa.float64()),
        ("amount_lo", pa.float64()),
        ("amount_hi", pa.float64()),
        ("model_version", pa.string()),
    ]
)

# Every feature of every published row; one row per subject with feature '' has the base as contribution.
EXPLANATIONS = pa.schema(
    [
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("feature", pa.string()),
        ("family", pa.string()),
        ("value", pa.float64()),
        ("contribution", pa.float64()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("usual", pa.float64()),
        ("date", pa.date32()),
        ("source", pa.string()),
        ("basis", pa.string()),
    ]
)

# Every employer's ability to pay; `level` 2 in difficulty, 1 fair, 0 good, -1 no data. Those in difficulty or on the
# list have reasons.
ABILITY = pa.schema(
    [
        ("rank", pa.int64()),
        ("subject_id", pa.string()),
        ("name", pa.string()),
        ("district", pa.string()),
        ("district_name", pa.string()),
        ("regulator", pa.string()),
        ("level", pa.int64()),
        ("probability", pa.float64()),
        ("score", pa.float64()),
        ("base", pa.float64()),
        ("grade", pa.int64()),
        ("p90", pa.float64()),
        ("reasons", pa.list_(REASON)),
    ]
)

# Who waits for a place among the first, listed behind them or not at all, and its lowest p90 since it first did.
WAITING = pa.schema([("kind", pa.string()), ("subject_id", pa.string()), ("lowest_p90", pa.float64())])

# Warnings of the previous list that this one no longer carries.
CLEARED = pa.schema(
    [
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("name", pa.string()),
        ("warning_id", pa.string()),
        ("grade", pa.int64()),
        ("why_zh", pa.string()),
        ("why_en", pa.string()),
    ]
)
