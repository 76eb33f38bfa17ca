"""Which model is live on a day, and which is refused because it knows the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.ledger.promotions import promote
from anxin.ledger.published import record
from anxin.models.registry import live, of_day
from anxin.models.saved import save

from . import made

AT = datetime(2025, 6, 2, 8, tzinfo=timezone(timedelta(hours=8)))
BEFORE, AFTER = made.THROUGH - timedelta(days=1), made.THROUGH + timedelta(days=30)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def _promoted(ledger: Ledger, folder: Path, effective: date, facts: str = "") -> str:
    model_id = save(
        folder, made.KIND, made.THROUGH, made.ordered(), made.severity(), made.PROMISES, {"facts": facts}
    )
    promote(ledger, made.KIND, model_id, effective, "me", "", AT, {})
    return model_id


def test_a_model_is_live_from_the_day_of_its_promotion(ledger: Ledger, tmp_path: Path) -> None:
    assert live(ledger, tmp_path, made.KIND, AFTER) is None
    model_id = _promoted(ledger, tmp_path, made.THROUGH)
    assert live(ledger, tmp_path, made.KIND, BEFORE) is None
    for day in (made.THROUGH, AFTER):
        found = live(ledger, tmp_path, made.KIND, day)
        assert found is not None
        assert found.model_id == model_id
    assert live(ledger, tmp_path, "project", AFTER) is None


def test_a_model_trained_through_a_later_day_is_refused_unless_in_retrospect(
    ledger: Ledger, tmp_path: Path
) -> None:
    model_id = _promoted(ledger, tmp_path, BEFORE)
    with pytest.raises(AnxinError, match="retrospective"):
        live(ledger, tmp_path, made.KIND, BEFORE)
    found = live(ledger, tmp_path, made.KIND, BEFORE, retrospective=True)
    assert found is not None
    assert found.model_id == model_id


def test_in_retrospect_a_day_before_any_promotion_takes_the_first_model_there_was(
    ledger: Ledger, tmp_path: Path
) -> None:
    first = _promoted(ledger, tmp_path, made.THROUGH, "first")
    _promoted(ledger, tmp_path, AFTER, "second")
    long_ago = made.THROUGH - timedelta(days=400)
    assert live(ledger, tmp_path, made.KIND, long_ago) is None
    found = live(ledger, tmp_path, made.KIND, long_ago, retrospective=True)
    assert found is not None
    assert found.model_id == first


def test_a_live_model_whose_folder_was_changed_is_not_used(ledger: Ledger, tmp_path: Path) -> None:
    model_id = _promoted(ledger, tmp_path, made.THROUGH)
    (tmp_path / model_id / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(AnxinError, match=r"calibration\.json"):
        live(ledger, tmp_path, made.KIND, AFTER)


def test_a_promotion_dated_back_does_not_change_what_the_list_of_a_past_day_was_made_with(
    ledger: Ledger, tmp_path: Path
) -> None:
    first = _promoted(ledger, tmp_path, made.THROUGH, "first")
    inputs = {"models": {made.KIND: {"model_id": first}}}
    record(
        ledger, AFTER, "L1", folder="lists/L1", manifest_sha256="0" * 64, previous_list_id=None,
        facts={"inputs": inputs}, actor="daily", at=AT,
    )  # fmt: skip
    second = _promoted(ledger, tmp_path, made.THROUGH, "second")
    for day, expected in ((AFTER, first), (AFTER + timedelta(days=1), second)):
        found = of_day(ledger, tmp_path, made.KIND, day)
        assert found is not None
        assert found.model_id == expected
    assert of_day(ledger, tmp_path, "project", AFTER) is None
