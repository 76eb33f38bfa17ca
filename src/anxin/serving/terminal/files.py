"""Files the command line writes: scores and reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Ledger
from anxin.ledger.published import hindsight, of
from anxin.serving.daily import score_day
from anxin.serving.evidence import Evidence
from anxin.serving.home import Home
from anxin.serving.published import Published, Row
from anxin.serving.reports.facts import facts_of
from anxin.serving.reports.html import to_html
from anxin.serving.reports.pdf import to_pdf
from anxin.serving.schema import SCORES
from anxin.serving.shelf import Shelf


def write_scores(
    home: Home,
    ledger: Ledger,
    day: date,
    out: Path,
    *,
    retrospective: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> int:
    """Write every scored subject of a day to Parquet; returns the rows.

    What was published is what is written; a day without a list is computed with the models live on it.
    """
    entry = (hindsight(ledger, day) if retrospective else None) or of(ledger, day)
    if entry is not None:
        table = Published.of_entry(home.root, entry).table("scores.parquet")
    else:
        view = home.view()
        scored = score_day(home, ledger, view, day, retrospective=retrospective, on_progress=on_progress)
        frames = pd.concat([part.scores for part in scored.values()], ignore_index=True)
        table = pa.Table.from_pandas(frames[SCORES.names], SCORES, preserve_index=False)
    pq.write_table(table, out, compression="zstd")
    return len(table)


def published_on(home: Home, ledger: Ledger, day: date, *, retrospective: bool = False) -> Published:
    """Return the list of a day, or the one made in hindsight if that is asked for; AnxinError if there is none."""
    if retrospective:
        entry = hindsight(ledger, day)
        if entry is None:
            raise AnxinError(
                f"{day} 没有回溯名单，请先 anxin run {day} --retrospective",
                f"no list of {day} was made in hindsight; run anxin run {day} --retrospective first",
            )
        return Published.of_entry(home.root, entry)
    found = Shelf(home, ledger).on(day)
    if found is None:
        raise AnxinError(
            f"{day} 没有已发布的清单，请先 anxin run {day}", f"no list of {day}; run anxin run {day} first"
        )
    return found


def listed_on(published: Published, subject: str) -> Row:
    """Return the row of a subject on a list; a project and an employer never share an id. AnxinError if it has none."""
    for row in published.rows:
        if row.subject_id == subject:
            return row
    day = published.as_of
    raise AnxinError(
        f"{subject} 不在 {day} 的清单上；评分见 anxin scores {day}",
        f"{subject} is not on the list of {day}; its score is in anxin scores {day}",
    )


def report_of(
    home: Home, ledger: Ledger, published: Published, row: Row, form: str, *, retrospective: bool = False
) -> bytes:
    """Return the report of a row of a list."""
    # What people were told on the days before is no part of a list made in hindsight.
    trend = [] if retrospective else Shelf(home, ledger).trend(published, row.kind, row.subject_id)
    facts = Evidence(home).annex(published, facts_of(published, row, trend, ledger.head))
    return to_pdf(facts) if form == "pdf" else to_html(facts).encode()
