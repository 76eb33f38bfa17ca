"""Files the command line writes: scores and reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.feeds.lake import Lake
from anxin.ledger.chain import Ledger
from anxin.ledger.published import of
from anxin.serving.daily import score_day
from anxin.serving.home import Home
from anxin.serving.published import Published
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
    entry = of(ledger, day, retrospective)
    if entry is not None:
        table = Published.of_entry(home.root, entry).table("scores.parquet")
    else:
        view = View(Lake(home.lake))
        scored = score_day(home, ledger, view, day, retrospective=retrospective, on_progress=on_progress)
        frames = pd.concat([part.scores for part in scored.values()], ignore_index=True)
        table = pa.Table.from_pandas(frames[SCORES.names], SCORES, preserve_index=False)
    pq.write_table(table, out, compression="zstd")
    return len(table)


def published_on(home: Home, ledger: Ledger, day: date) -> Published:
    """Return the list of a day; AnxinError if none was published."""
    found = Shelf(home, ledger).on(day)
    if found is None:
        raise AnxinError(
            f"{day} 没有已发布的清单，请先 anxin run {day}", f"no list of {day}; run anxin run {day} first"
        )
    return found


def report_of(home: Home, ledger: Ledger, day: date, subject: str, form: str) -> bytes:
    """Return the report of a listed subject; a project and an employer never share an id."""
    published = published_on(home, ledger, day)
    rows = [row for row in published.rows if row.subject_id == subject]
    if not rows:
        raise AnxinError(
            f"{subject} 不在 {day} 的清单上；评分见 anxin scores {day}",
            f"{subject} is not on the list of {day}; its score is in anxin scores {day}",
        )
    trend = Shelf(home, ledger).trend(published, rows[0].kind, subject)
    facts = facts_of(published, rows[0], trend, ledger.head)
    return to_pdf(facts) if form == "pdf" else to_html(facts).encode()
