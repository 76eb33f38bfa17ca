"""Lists made in hindsight are shown where they are asked for, marked, and never in place of another."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.ledger.published import hindsight, of, record
from anxin.serving.exports.files import as_file
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.terminal.files import listed_on, published_on, report_of
from anxin.serving.terminal.tables import show
from anxin.serving.wording import RETROSPECTIVE

from . import made_up
from .conftest import AT

DAY, ONLY = made_up.DAY, made_up.DAY + timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Home, Ledger]]:
    """A home with both lists of a day, and of the next the one made in hindsight only."""
    made = Home(tmp_path)
    with Ledger.open(made.ledger_url) as ledger:
        for day, list_id, later in ((DAY, "L-now", False), (DAY, "L-later", True), (ONLY, "L-only", True)):
            folder = made_up.publish(made.lists, day, list_id, None)
            manifest = folder / "manifest.json"
            content = json.loads(manifest.read_text(encoding="utf-8")) | {"retrospective": later}
            manifest.write_text(json.dumps(content), encoding="utf-8")
            record(
                ledger,
                day,
                list_id,
                folder=folder.relative_to(tmp_path).as_posix(),
                manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
                previous_list_id=None,
                facts={},
                actor="daily",
                at=AT,
                retrospective=later,
            )
        yield made, ledger


def test_each_list_is_found_by_its_own_question_only(home: tuple[Home, Ledger]) -> None:
    made, ledger = home
    assert published_on(made, ledger, DAY).list_id == "L-now"
    assert published_on(made, ledger, DAY, retrospective=True).list_id == "L-later"
    with pytest.raises(AnxinError, match=f"anxin run {ONLY}"):
        published_on(made, ledger, ONLY)
    with pytest.raises(AnxinError, match="--retrospective"):
        published_on(made, ledger, DAY - timedelta(days=1), retrospective=True)
    assert of(ledger, ONLY) is None
    assert hindsight(ledger, DAY) is not None


def test_every_form_of_it_says_what_it_is(
    home: tuple[Home, Ledger], capsys: pytest.CaptureFixture[str]
) -> None:
    later = published_on(*home, ONLY, retrospective=True)
    show(later.rows, later, 1)
    assert RETROSPECTIVE.zh[:4] in capsys.readouterr().out
    assert _marks(later) == (True, True, True)
    row = listed_on(later, later.rows[0].subject_id)
    assert RETROSPECTIVE.zh.encode() in report_of(*home, later, row, "html", retrospective=True)
    now = published_on(*home, DAY)
    show(now.rows, now, 1)
    assert RETROSPECTIVE.zh[:4] not in capsys.readouterr().out
    assert _marks(now) == (False, False, False)


def _marks(published: Published) -> tuple[bool, bool, bool]:
    csv = as_file("csv", published.rows, published).decode("utf-8-sig").splitlines()
    parquet = pq.read_schema(io.BytesIO(as_file("parquet", published.rows, published)))
    return (
        "retrospective" in csv[0] and all(RETROSPECTIVE.zh in line for line in csv[1:]),
        bool(json.loads(as_file("json", published.rows, published))["list"]["retrospective"]),
        b"retrospective" in (parquet.metadata or {}),
    )
