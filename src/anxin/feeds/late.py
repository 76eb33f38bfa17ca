"""Rows that entered the lake after a list was made, though their `received_at` lies before its day.

They never change the list (it names the commit it was made from); they are counted, so that a reader knows.
"""

from __future__ import annotations

from datetime import date, datetime, time

import duckdb

from anxin.feeds.engine import file_names
from anxin.feeds.lake import Lake


def late_rows(lake: Lake, commit: int, day: date) -> dict[str, int]:
    """Return per feed how many rows entered after `commit` with `received_at` before `day` 00:00."""
    then = lake.at(commit)
    found = {}
    for feed in lake.feeds():
        files = sorted(set(lake.files(feed)) - set(then.files(feed)))
        if not files:
            continue
        with duckdb.connect() as connection:
            rows = connection.read_parquet(file_names(files), hive_partitioning=False)
            rows = rows.filter(
                duckdb.ColumnExpression("received_at")
                < duckdb.ConstantExpression(datetime.combine(day, time()))
            )
            count = rows.aggregate("count(*)").fetchall()[0][0]
        if count:
            found[feed] = int(count)
    return found
