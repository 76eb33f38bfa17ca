from datetime import date, timedelta

import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger import published

DAY = date(2025, 6, 1)


def put(ledger, at, day, list_id, previous=None, retrospective=False):
    return published.record(
        ledger,
        day,
        list_id,
        folder=f"var/lists/{day}/{list_id}",
        manifest_sha256="ab" * 32,
        previous_list_id=previous,
        facts={"rows": 120, "model": {"employer": "m1"}},
        actor="daily run",
        at=at,
        retrospective=retrospective,
    )


def test_a_day_has_the_list_published_for_it_last(ledger, at):
    assert published.of(ledger, DAY) is None
    put(ledger, at, DAY, "a")
    again = put(ledger, at, DAY, "b", previous="a")
    put(ledger, at, DAY + timedelta(days=1), "c", previous="b")
    assert published.of(ledger, DAY) == again
    assert again.facts == {"rows": 120, "model": {"employer": "m1"}}
    assert again.folder == "var/lists/2025-06-01/b"


def test_a_day_had_the_list_published_on_it_last_or_the_first_one_after(ledger, at):
    # `at` is the morning of DAY.
    put(ledger, at - timedelta(days=1), DAY, "evening before")
    on_the_day = put(ledger, at, DAY, "morning")
    put(ledger, at + timedelta(days=3), DAY, "again")
    put(ledger, at + timedelta(days=3), DAY, "hindsight", retrospective=True)
    late = put(ledger, at, DAY - timedelta(days=9), "late")
    put(ledger, at + timedelta(days=3), DAY - timedelta(days=9), "later")
    put(ledger, at, DAY - timedelta(days=5), "hindsight alone", retrospective=True)
    assert published.as_told(ledger) == [on_the_day, late]


def test_the_list_before_a_day_is_the_newest_of_the_last_earlier_day(ledger, at):
    # Published out of order: the third, then the first.
    put(ledger, at, DAY + timedelta(days=2), "late")
    put(ledger, at, DAY, "a")
    put(ledger, at, DAY, "b")
    assert published.before(ledger, DAY) is None
    assert published.before(ledger, DAY + timedelta(days=1)).list_id == "b"
    assert published.before(ledger, DAY + timedelta(days=2)).list_id == "b"
    assert published.before(ledger, DAY + timedelta(days=30)).list_id == "late"


def test_versions_gives_every_list_of_a_span_latest_day_and_version_first(ledger, at):
    for number in (0, 1, 4, 5, 6):
        put(ledger, at, DAY + timedelta(days=number), f"l{number}")
    put(ledger, at, DAY + timedelta(days=4), "again")
    put(ledger, at, DAY + timedelta(days=5), "hindsight", retrospective=True)
    first, day = DAY + timedelta(days=1), DAY + timedelta(days=6)
    assert [one.list_id for one in published.versions(ledger, first, day)] == ["l5", "again", "l4", "l1"]
    asked = published.versions(ledger, first, day, retrospective=True)
    assert [one.list_id for one in asked] == ["hindsight", "l5", "again", "l4", "l1"]
    assert published.versions(ledger, day, day) == []


def test_recent_gives_one_list_a_day_latest_day_first(ledger, at):
    for number in range(12):
        put(ledger, at, DAY + timedelta(days=number), f"l{number}")
    put(ledger, at, DAY + timedelta(days=10), "again")
    assert [one.list_id for one in published.recent(ledger, 3)] == ["l11", "again", "l9"]


def test_a_list_made_in_hindsight_is_nobodys_list_unless_asked_for(ledger, at):
    put(ledger, at, DAY, "told")
    put(ledger, at, DAY, "hindsight", retrospective=True)
    put(ledger, at, DAY - timedelta(days=1), "older", retrospective=True)
    assert published.of(ledger, DAY).list_id == "told"
    assert published.before(ledger, DAY) is None
    assert [one.list_id for one in published.recent(ledger, 5)] == ["told"]
    asked = published.of(ledger, DAY, retrospective=True)
    assert (asked.list_id, asked.retrospective) == ("hindsight", True)
    assert published.before(ledger, DAY, retrospective=True).list_id == "older"


def test_a_folder_that_would_not_move_with_its_home_is_refused(ledger, at):
    with pytest.raises(AnxinError, match="absolute"):
        published.record(
            ledger,
            DAY,
            "a",
            folder="/somewhere/lists/a",
            manifest_sha256="",
            previous_list_id=None,
            facts={},
            actor="x",
            at=at,
        )
    assert published.of(ledger, DAY) is None
