"""The rule on how long a contract lasts, in the words of an engine, is the rule of the domain."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import pyarrow as pa

from anxin.domain.wages import AccountRule
from anxin.features.funding import _lasts
from anxin.feeds.asof import connect


def test_calendar_months_are_counted_as_the_account_rule_counts_them() -> None:
    rule = AccountRule(0.0, 3, 30)
    starts = [date(2023, 10, 1) + timedelta(i) for i in range(200)]
    pairs = [(start, start + timedelta(i)) for start in starts for i in range(86, 95)]
    table = pa.table({"start_on": [s for s, _ in pairs], "planned_end_on": [e for _, e in pairs]})
    rows = ibis.memtable(table)
    lasts = connect().to_pyarrow(rows.mutate(lasts=_lasts(rows, ibis.literal(3))))
    got = {(row["start_on"], row["planned_end_on"]): row["lasts"] for row in lasts.to_pylist()}
    assert got == {pair: rule.applies(1.0, *pair) for pair in pairs}
    assert set(got.values()) == {True, False}
