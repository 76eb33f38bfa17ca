"""Twelve features of energy and pay written by hand in DuckDB SQL over the lake's files: the peer of our own path.

The same meaning as of one date, the two times included: a row counts if it was received before the date, its event lies
before it, and no later version had been received by then. Whether the feed of pay died is not asked: on these lakes it
lives.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from anxin.features.known import Kind
from anxin.features.weeks import on_holiday
from anxin.feeds.contract import contract
from anxin.feeds.lake import Lake

_KNOWN = """
SELECT {columns} FROM read_parquet({files})
{overlay}
WHERE received_at < TIMESTAMP '{day}' AND {event} < DATE '{day}' AND {more}
"""
_OVERLAY = """
LEFT JOIN (SELECT _row, min(superseded_at) AS superseded_at FROM read_parquet({files}) GROUP BY _row) USING (_row)
"""
_CURRENT = "(superseded_at IS NULL OR superseded_at >= TIMESTAMP '{day}')"

_ENERGY = """
WITH reading AS (
    SELECT {subject} AS subject_id, coalesce(meter_id, '') AS meter_id, date, (kwh * 1000)::BIGINT AS wh FROM ({readings})
    WHERE abs(kwh) <= 1000000000
), every AS MATERIALIZED (
    SELECT subject_id, meter_id,
        floor((sum(wh) FILTER (date BETWEEN $past_from AND $past_to))::DOUBLE * 1000
            / nullif(count(*) FILTER (date BETWEEN $past_from AND $past_to), 0)::DOUBLE + 0.5)::BIGINT AS past,
        floor((sum(wh) FILTER (date >= $late))::DOUBLE * 1000
            / nullif(count(*) FILTER (date >= $late), 0)::DOUBLE + 0.5)::BIGINT AS own,
        $monday - date_trunc('week', min(date) FILTER (wh > 0))::DATE AS began,
        $monday - date_trunc('week', max(date) FILTER (wh > 0))::DATE AS ended,
        floor((sum(wh) FILTER (wh > 0))::DOUBLE * 1000
            / nullif(count(*) FILTER (wh > 0), 0)::DOUBLE + 0.5)::BIGINT AS mean
    FROM reading GROUP BY subject_id, meter_id
), newest AS MATERIALIZED (
    SELECT *, min(ended) OVER (PARTITION BY subject_id) AS newest FROM every
), pair AS MATERIALIZED (
    SELECT old.subject_id, old.meter_id, old.mean, new.meter_id AS heir, new.mean AS large
    FROM newest AS old JOIN newest AS new USING (subject_id)
    WHERE old.ended >= 14 AND old.newest <= 13 AND new.ended < old.ended AND new.began < old.began
        AND new.began < 210 AND abs(new.began - old.ended) <= 28
), replaced AS (
    SELECT subject_id, meter_id, true AS replaced
    FROM (SELECT subject_id, meter_id, sum(large) AS after FROM pair GROUP BY ALL)
    JOIN (
        SELECT subject_id, meter_id, sum(mean) AS before FROM (
            SELECT DISTINCT own.subject_id, own.meter_id, other.meter_id AS other, other.mean
            FROM pair AS own JOIN pair AS other USING (subject_id, heir)
        ) GROUP BY ALL
    ) USING (subject_id, meter_id) WHERE after * 2 >= before
), meter AS (
    SELECT subject_id, meter_id, own, CASE WHEN replaced IS NULL THEN past END AS usual
    FROM every LEFT JOIN replaced USING (subject_id, meter_id)
), daily AS (
    SELECT subject_id, date, isodow(date) >= 6 AS rest, sum(wh) AS wh, sum(own) AS own,
        sum(wh) FILTER (usual IS NOT NULL) AS known, sum(usual) AS usual
    FROM reading JOIN meter USING (subject_id, meter_id) WHERE date >= $late GROUP BY ALL
), late AS (
    SELECT subject_id, sum(known) AS late, sum(usual) AS late_usual,
        sum(known) FILTER (date >= $week) AS week, sum(usual) FILTER (date >= $week) AS week_usual,
        sum(wh) FILTER (rest) AS rest, sum(own) FILTER (rest) AS rest_own,
        sum(wh) FILTER (NOT rest) AS work, sum(own) FILTER (NOT rest) AS work_own,
        count(*) FILTER (NOT list_contains($holidays::DATE[], date) AND wh * 10000 <= usual) AS idle
    FROM daily GROUP BY subject_id
)
SELECT subject_id,
    late::DOUBLE * 1000 / nullif(late_usual, 0)::DOUBLE AS energy_level_28d,
    week::DOUBLE * 1000 / nullif(week_usual, 0)::DOUBLE AS energy_level_7d,
    (rest::DOUBLE / nullif(rest_own, 0)::DOUBLE)
        / nullif(work::DOUBLE / nullif(work_own, 0)::DOUBLE, 0) AS energy_weekend_ratio,
    CASE WHEN late_usual IS NOT NULL THEN idle::DOUBLE END AS energy_idle_days_28d
FROM (SELECT DISTINCT subject_id FROM meter) LEFT JOIN late USING (subject_id)
"""

_BILLS = """
WITH bill AS MATERIALIZED (
    SELECT {subject} AS subject_id, coalesce(utility, '') AS utility, amount, issued_on, due_on, paid_on,
        coalesce(paid_on < DATE '{day}', false) AS paid FROM ({bills})
), told AS (
    SELECT utility, max(paid_on) FILTER (paid) AS told_on FROM bill GROUP BY ALL
)
SELECT subject_id,
    coalesce(sum(amount) FILTER (NOT paid AND due_on < told_on), 0)::DOUBLE AS bills_unpaid_amount,
    coalesce(sum(greatest(paid_on - due_on, 0)) FILTER (paid AND issued_on >= $half), 0)::DOUBLE
        / nullif(count(*) FILTER (paid AND issued_on >= $half), 0)::DOUBLE AS bills_late_days_180d
FROM bill JOIN told USING (utility) GROUP BY ALL
"""

_PAY = """
WITH pay AS MATERIALIZED ({payroll}),
crew AS MATERIALIZED ({sheets}),
attended AS (
    SELECT employer_id, project_id, worker_id, month, sum(days) AS days FROM ({attendance})
    WHERE month >= $matched GROUP BY ALL
), worker AS (
    SELECT employer_id, project_id, worker_id, month, max(due) AS due, sum(paid) AS paid
    FROM pay WHERE month >= $matched GROUP BY ALL
), sheet AS (
    SELECT {subject} AS subject_id, month, max(pay_due_on) AS pay_due_on FROM crew GROUP BY ALL
), short AS (
    SELECT subject_id, count(paid) FILTER (payable) AS workers,
        count(*) FILTER (payable AND paid * 100 < due * 95) AS short,
        sum(due) FILTER (payable) AS due, sum(paid) FILTER (payable) AS paid
    FROM (
        SELECT worker.{subject} AS subject_id, worker.due, worker.paid,
            CASE WHEN pay_due_on IS NULL THEN worker.month < $must ELSE pay_due_on < $grace END AS payable
        FROM worker LEFT JOIN sheet ON worker.{subject} = sheet.subject_id AND worker.month = sheet.month
        WHERE worker.month >= $recent
    ) GROUP BY ALL
), unpaid AS (
    SELECT attended.{subject} AS subject_id, count(*) FILTER (coalesce(paid, 0) <= 0) AS unpaid
    FROM attended JOIN (SELECT DISTINCT employer_id, project_id FROM pay) AS payer
        ON attended.employer_id = payer.employer_id AND attended.project_id IS NOT DISTINCT FROM payer.project_id
    LEFT JOIN worker ON attended.employer_id = worker.employer_id
        AND attended.project_id IS NOT DISTINCT FROM worker.project_id
        AND attended.worker_id = worker.worker_id AND attended.month = worker.month
    WHERE days > 0 AND attended.month < $must GROUP BY ALL
), paid AS (
    SELECT {subject} AS subject_id, month, sum(paid) AS paid, sum(paid * (paid_on - month)) AS waited
    FROM pay GROUP BY ALL
), delay AS (
    SELECT subject_id,
        (sum(waited) FILTER (month >= $recent))::DOUBLE
            / nullif((sum(paid) FILTER (month >= $recent))::DOUBLE, 0)
        - (sum(waited) FILTER (month < $recent))::DOUBLE
            / nullif((sum(paid) FILTER (month < $recent))::DOUBLE, 0) AS pay_delay_rise
    FROM paid GROUP BY subject_id
), crew_paid AS (
    SELECT employer_id, project_id, month, sum(paid) AS paid FROM pay GROUP BY ALL
), site AS (
    SELECT DISTINCT project_id FROM pay WHERE project_id IS NOT NULL
), most AS (
    SELECT count(site.project_id) * 2 >= count(*) AND count(*) > 0 AS most
    FROM (SELECT DISTINCT project_id FROM crew WHERE project_id IS NOT NULL AND pay_due_on < $grace)
    LEFT JOIN site USING (project_id)
), told AS (
    SELECT crew.{subject} AS subject_id, crew.month,
        sum(crew.due) FILTER (pay_due_on < $grace) AS due,
        sum(greatest(crew.due - coalesce(paid, 0), 0)) FILTER (pay_due_on < $grace) AS gap
    FROM crew LEFT JOIN crew_paid ON crew.employer_id = crew_paid.employer_id
        AND crew.project_id IS NOT DISTINCT FROM crew_paid.project_id AND crew.month = crew_paid.month
    LEFT JOIN site ON crew.project_id = site.project_id
    LEFT JOIN (SELECT DISTINCT employer_id, true AS own FROM ({tells})) AS teller ON crew.employer_id = teller.employer_id
    CROSS JOIN most
    WHERE CASE WHEN crew.project_id IS NULL THEN own ELSE site.project_id IS NOT NULL OR most END
    GROUP BY ALL
), owed AS (
    SELECT subject_id, (count(*) FILTER (gap * 100 > due * 5))::DOUBLE AS wages_unpaid_months,
        coalesce(sum(gap) FILTER (gap * 100 > due * 5), 0)::DOUBLE AS wages_unpaid_amount
    FROM told GROUP BY subject_id
)
SELECT subject_id,
    short.short::DOUBLE / nullif(workers, 0)::DOUBLE AS pay_short_share,
    short.paid::DOUBLE / nullif(short.due::DOUBLE, 0) AS pay_paid_share,
    pay_delay_rise,
    wages_unpaid_months,
    wages_unpaid_amount,
    unpaid::DOUBLE AS attended_unpaid_heads
FROM delay FULL JOIN owed USING (subject_id) LEFT JOIN short USING (subject_id) LEFT JOIN unpaid USING (subject_id)
"""


def features(lake: Lake, day: date, kind: Kind) -> pa.Table:
    """Return the twelve features of every subject of a kind that has any."""
    subject = f"{kind}_id"
    # A site's meters and bills are the site's; its workers are also their employer's.
    own = "project_id IS NOT NULL" if kind == "project" else "employer_id IS NOT NULL AND project_id IS NULL"
    whose = f"{subject} IS NOT NULL"

    def known(feed: str, columns: str, more: str) -> str:
        files, overlay = ([str(path) for path in found] for found in (lake.files(feed), lake.overlay(feed)))
        current = [_CURRENT.format(day=day)] if overlay else []
        return _KNOWN.format(
            columns=columns,
            files=files,
            overlay=_OVERLAY.format(files=overlay) if overlay else "",
            day=day,
            event=contract()[feed].event,
            more=" AND ".join([more, *current]),
        )

    monday = day - timedelta(day.weekday())
    ago = {days: day - timedelta(days) for days in (7, 28, 61, 125, 155, 180, 250, 365, 434)}
    past_from, past_to = monday - timedelta(weeks=30), monday - timedelta(weeks=4, days=1)
    filled = {
        "subject": subject,
        "day": day,
        "readings": known(
            "energy_usage", f"{subject}, meter_id, date, kwh", f"{own} AND date >= DATE '{past_from}'"
        ),
        "bills": known(
            "energy_bills",
            "*",
            f"{own} AND (issued_on >= DATE '{ago[365]}' OR paid_on IS NULL OR paid_on >= DATE '{day}')",
        ),
        "payroll": known(
            "payroll",
            "employer_id, project_id, worker_id, month, due, paid, paid_on",
            f"{whose} AND month >= DATE '{ago[250]}' AND month < DATE '{day}'",
        ),
        "attendance": known(
            "attendance",
            "employer_id, project_id, worker_id, month, days",
            f"{whose} AND month >= DATE '{ago[155]}' AND month < DATE '{day}'",
        ),
        "tells": known(
            "payroll",
            "employer_id",
            f"employer_id IS NOT NULL AND project_id IS NULL AND month >= DATE '{ago[434]}' AND month < DATE '{day}'",
        ),
        "sheets": known(
            "wage_sheets", "*", f"{whose} AND month >= DATE '{ago[250]}' AND month < DATE '{day}'"
        ),
    }
    asked: dict[str, dict[str, Any]] = {
        _ENERGY: {
            "monday": monday,
            "past_from": past_from,
            "past_to": past_to,
            "late": ago[28],
            "week": ago[7],
            "holidays": [day - timedelta(back) for back in range(1, 29) if on_holiday(day - timedelta(back))],
        },
        _BILLS: {"half": ago[180]},
        _PAY: {"matched": ago[155], "recent": ago[125], "must": ago[61], "grace": ago[7]},
    }
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = false")
        for place, (query, values) in enumerate(asked.items()):
            connection.execute(f"CREATE TEMP TABLE part_{place} AS {query.format(**filled)}", values)
        return connection.sql(
            "SELECT * FROM part_0 FULL JOIN part_1 USING (subject_id) FULL JOIN part_2 USING (subject_id)"
        ).to_arrow_table()
