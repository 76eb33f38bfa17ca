"""Two dozen hand-made counts per kind, straight from the raw feeds with SQL: what a plain model on a city learns from.

It shares no line with the features: complaints, cases, suits, overdue loans, insurance, tax, electricity, bills and pay
over windows of days. Honest in both times: a row counts for a day if it was received before it, its event lies before
it, and no later version of it had been received by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

HORIZON, GAP = 90, 45


@dataclass(frozen=True)
class Raw:
    """A raw feed: the columns of its key, its event, and what else is read."""

    key: str
    event: str
    columns: str


FEEDS: Mapping[str, Raw] = {
    "employers": Raw("employer_id", "changed_on", "status, registered_capital"),
    "projects": Raw("project_id", "changed_on", "contract_amount, start_on, planned_end_on, ended_on"),
    "complaints": Raw("complaint_id", "occurred_on", "employer_id, project_id"),
    "cases": Raw("case_id", "opened_on", "employer_id, project_id, outcome, arrears_from"),
    "hazards": Raw("hazard_id", "found_on", "employer_id, project_id"),
    "inspections": Raw("inspection_id", "inspected_on", "employer_id, project_id"),
    "notices": Raw("notice_id", "occurred_on", "employer_id, project_id"),
    "litigation": Raw("case_no, employer_id", "status_on", "role, cause, filed_on, status"),
    "credit": Raw("employer_id, month", "as_of", "overdue_days"),
    "social_insurance": Raw("employer_id, month", "declared_on", "insured, due, paid"),
    "tax": Raw("employer_id, month", "declared_on", "revenue, tax_due, tax_paid"),
    "energy_usage": Raw("meter_id, date", "date", "employer_id, project_id, kwh"),
    "energy_bills": Raw("bill_id", "issued_on", "employer_id, project_id, due_on, paid_on"),
    "payroll": Raw("employer_id, project_id, worker_id, month, payment_no", "paid_on", "due, paid"),
    "attendance_daily": Raw("employer_id, project_id, date", "date", "present"),
    "wage_accounts": Raw("txn_id", "transacted_on", "project_id, kind, amount, balance"),
    "progress_payments": Raw("project_id, period_no", "due_on", "payable, paid"),
    "deposits": Raw("deposit_id", "from_on", "project_id, required, stored"),
}

_VERSIONS = """
CREATE TABLE {feed} AS SELECT * EXCLUDE (received_at), received_at AS received,
    lead(received_at) OVER (PARTITION BY {key} ORDER BY received_at, {event}) AS replaced
FROM (SELECT {columns}, received_at FROM read_parquet('{files}'))
"""
_KNOWN = """
CREATE MACRO {feed}_on(day) AS TABLE SELECT * FROM {feed}
WHERE received < day AND (replaced IS NULL OR replaced >= day) AND {event} < day
"""

_SUBJECTS = {
    "employer": """
SELECT employer_id AS subject, registered_capital::DOUBLE AS capital FROM employers_on($day)
WHERE status <> 'deregistered'
""",
    "project": """
SELECT project_id AS subject, contract_amount::DOUBLE AS contract_amount, $day - start_on AS days_since_start,
    planned_end_on - $day AS days_to_end
FROM projects_on($day) WHERE start_on <= $day AND (ended_on IS NULL OR ended_on >= $day)
""",
}

_OF_BOTH = (
    """
SELECT {subject} AS subject, count(*) FILTER (occurred_on >= $day - 30) AS complaints_30,
    count(*) FILTER (occurred_on >= $day - 90) AS complaints_90, count(*) AS complaints_365
FROM complaints_on($day) WHERE {own} AND occurred_on >= $day - 365 GROUP BY 1
""",
    """
SELECT {subject} AS subject, count(*) FILTER (opened_on >= $day - 365) AS cases_365,
    count(*) FILTER (outcome = 'verified') AS cases_verified
FROM cases_on($day) WHERE {own} GROUP BY 1
""",
    """
SELECT {subject} AS subject, count(*) AS hazards_365 FROM hazards_on($day)
WHERE {own} AND found_on >= $day - 365 GROUP BY 1
""",
    """
SELECT {subject} AS subject, count(*) AS inspections_365 FROM inspections_on($day)
WHERE {own} AND inspected_on >= $day - 365 GROUP BY 1
""",
    """
SELECT {subject} AS subject, count(*) AS notices_365 FROM notices_on($day)
WHERE {own} AND occurred_on >= $day - 365 GROUP BY 1
""",
    """
SELECT {subject} AS subject, sum(kwh) FILTER (date >= $day - 30) AS kwh_30,
    sum(kwh) FILTER (date < $day - 30) AS kwh_60
FROM energy_usage_on($day) WHERE {own} AND date >= $day - 60 GROUP BY 1
""",
    """
SELECT {subject} AS subject, count(*) AS bills_overdue FROM energy_bills_on($day)
WHERE {own} AND issued_on >= $day - 365 AND due_on < $day AND (paid_on IS NULL OR paid_on >= $day) GROUP BY 1
""",
    """
SELECT {subject} AS subject, sum(paid) FILTER (paid_on >= $day - 90) AS paid_90,
    count(*) FILTER (paid < due) AS short_paid_180, $day - max(paid_on) AS days_since_paid
FROM payroll_on($day) WHERE {subject} IS NOT NULL AND paid_on >= $day - 180 GROUP BY 1
""",
)

_OF_ONE: Mapping[str, Sequence[str]] = {
    "employer": (
        """
SELECT employer_id AS subject, count(*) FILTER (filed_on >= $day - 365) AS suits_365,
    count(*) FILTER (cause = 'labour_remuneration' AND filed_on >= $day - 730) AS wage_suits_730,
    count(*) FILTER (status IN ('enforcing', 'dishonest', 'restricted')) AS enforced
FROM litigation_on($day) WHERE role = 'defendant' GROUP BY 1
""",
        """
SELECT employer_id AS subject, arg_max(overdue_days, month) AS overdue_days,
    count(*) FILTER (overdue_days > 0) AS overdue_months_365
FROM credit_on($day) WHERE as_of >= $day - 365 GROUP BY 1
""",
        """
SELECT employer_id AS subject, arg_max(insured, month) AS insured,
    count(*) FILTER (paid < due AND declared_on >= $day - 180) AS insurance_unpaid_180,
    $day - max(declared_on) AS days_since_insured
FROM social_insurance_on($day) WHERE declared_on >= $day - 365 GROUP BY 1
""",
        """
SELECT employer_id AS subject, count(*) FILTER (tax_paid < tax_due) AS tax_unpaid_180
FROM tax_on($day) WHERE declared_on >= $day - 180 GROUP BY 1
""",
    ),
    "project": (
        """
SELECT project_id AS subject, sum(present) FILTER (date >= $day - 30) AS present_30,
    sum(present) FILTER (date < $day - 30) AS present_60
FROM attendance_daily_on($day) WHERE project_id IS NOT NULL AND date >= $day - 60 GROUP BY 1
""",
        """
SELECT project_id AS subject, sum(amount) FILTER (kind = 'appropriation') AS appropriated_90,
    sum(amount) FILTER (kind = 'wage') AS account_wages_90,
    arg_max(balance, (transacted_on, txn_id)) AS balance
FROM wage_accounts_on($day) WHERE project_id IS NOT NULL AND transacted_on >= $day - 90 GROUP BY 1
""",
        """
SELECT project_id AS subject, count(*) FILTER (coalesce(paid, 0) < payable) AS periods_unpaid
FROM progress_payments_on($day) GROUP BY 1
""",
        """
SELECT project_id AS subject, sum(greatest(required - stored, 0)) AS deposit_gap
FROM deposits_on($day) GROUP BY 1
""",
    ),
}

_ABSENT_IS_ZERO = (
    "complaints",
    "cases",
    "hazards",
    "inspections",
    "notices",
    "suits",
    "wage_suits",
    "enforced",
)

_LABELS = """
SELECT {subject} AS subject, max((outcome = 'verified')::INT) AS verified FROM cases_on($known)
WHERE {own} AND opened_on >= $day AND opened_on < $day + 90 AND outcome <> 'unfounded' GROUP BY 1
"""
_CASES = """
WITH told AS (SELECT {subject} AS subject_id, occurred_on FROM complaints_on($known) WHERE {own}),
opened AS (
    SELECT case_id, {subject} AS subject_id, opened_on, (left(arrears_from::VARCHAR, 7) || '-01')::DATE AS owed_from
    FROM cases_on($known) WHERE {own} AND outcome = 'verified' AND opened_on >= $since AND opened_on < $until
)
SELECT opened.subject_id, opened_on, min(occurred_on) AS complained_on FROM opened LEFT JOIN told
    ON told.subject_id = opened.subject_id AND occurred_on >= owed_from AND occurred_on <= opened_on
GROUP BY case_id, opened.subject_id, opened_on ORDER BY ALL
"""


class Counts:
    """The raw feeds of a delivery, each row with the time its next version was received."""

    def __init__(self, feeds: Path, spill: Path) -> None:
        self._database = duckdb.connect()
        self._database.execute("SET enable_progress_bar = false; SET memory_limit = '2GB'")
        self._database.execute("SET temp_directory = $spill", {"spill": str(spill)})
        for feed, raw in FEEDS.items():
            names = dict.fromkeys(
                part.strip() for part in f"{raw.key}, {raw.event}, {raw.columns}".split(",")
            )
            filled = {
                "feed": feed,
                "key": raw.key,
                "event": raw.event,
                "columns": ", ".join(names),
                "files": feeds / feed / "*.parquet",
            }
            self._database.execute(_VERSIONS.format(**filled))
            self._database.execute(_KNOWN.format(**filled))

    def on(self, day: date, kind: str) -> pd.DataFrame:
        """Return the two dozen counts of every registered subject of a kind as known on a day, by subject."""
        found = self._asked(_SUBJECTS[kind], day=day).set_index("subject")
        for query in (*(text.format(**_whose(kind)) for text in _OF_BOTH), *_OF_ONE[kind]):
            found = found.join(self._asked(query, day=day).set_index("subject"))
        zero = [name for name in found if name.startswith(_ABSENT_IS_ZERO)]
        return found.fillna(dict.fromkeys(zero, 0.0)).astype(float).sort_index()

    def labels(self, day: date, kind: str, known: date) -> pd.Series:
        """Return by subject whether a case opened in the 90 days from `day` is verified (1) or pending (0) at `known`.

        Whoever is not returned had none.
        """
        query = _LABELS.format(**_whose(kind))
        return self._asked(query, day=day, known=known).set_index("subject")["verified"]

    def cases(self, kind: str, since: date, until: date, known: date) -> pd.DataFrame:
        """Return the verified cases opened in [since, until): `subject_id, opened_on, complained_on`.

        `complained_on` is the first complaint about the subject in the months the case is about, missing if none.
        """
        query = _CASES.format(**_whose(kind))
        return self._asked(query, since=since, until=until, known=known)

    def _asked(self, query: str, **days: date) -> pd.DataFrame:
        return self._database.execute(query, days).df()


def _whose(kind: str) -> dict[str, str]:
    """Return who a row is about: with a project, the project; without one, the employer."""
    own = "project_id IS NULL AND employer_id IS NOT NULL" if kind == "employer" else "project_id IS NOT NULL"
    return {"subject": f"{kind}_id", "own": own}


def taught(
    counts: Counts, dates: Sequence[date], kind: str, through: date
) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """Return counts and labels (0, 1) of all subjects on the dates whose 90 days were over for 45 days at `through`."""
    rows, labels = [], []
    for day in dates:
        if day + timedelta(days=HORIZON + GAP) > through:
            continue
        table = counts.on(day, kind)
        came = counts.labels(day, kind, through).reindex(table.index)
        known = ~(came == 0)
        rows.append(table.loc[known])
        labels.append(came[known].fillna(0.0).to_numpy(float))
    return pd.concat(rows), np.concatenate(labels)
