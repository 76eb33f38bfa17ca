from datetime import date

import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger import promotions, shadows

JUNE, JULY, AUGUST = date(2025, 6, 1), date(2025, 7, 1), date(2025, 8, 1)


def put(ledger, at, model, since, until=None, kind="employer"):
    return shadows.put(ledger, kind, model, since, until, "王五", "to compare", at)


def ids(ledger, day, kind="employer"):
    return [shadow.model_id for shadow in shadows.on(ledger, kind, day)]


def test_a_shadow_has_a_first_and_a_last_day_and_each_kind_its_own(ledger, at):
    put(ledger, at, "m2", JUNE, JULY)
    put(ledger, at, "m3", JULY)
    put(ledger, at, "p2", JUNE, kind="project")
    assert ids(ledger, date(2025, 5, 31)) == []
    assert ids(ledger, JUNE) == ["m2"]
    assert ids(ledger, JULY) == ["m2", "m3"]
    assert ids(ledger, AUGUST) == ["m3"]
    assert ids(ledger, AUGUST, "project") == ["p2"]


def test_the_newest_entry_of_a_model_decides_and_may_end_it(ledger, at):
    put(ledger, at, "m2", JUNE)
    put(ledger, at, "m2", JULY, JUNE)
    assert ids(ledger, JUNE) == ids(ledger, AUGUST) == []


def test_who_is_live_stands_in_no_shadow(ledger, at):
    put(ledger, at, "m2", JUNE)
    promotions.promote(ledger, "employer", "m2", JULY, "王五", "better", at, {})
    assert ids(ledger, JUNE) == ["m2"]
    assert ids(ledger, JULY) == []
    promotions.promote(ledger, "employer", "m3", AUGUST, "王五", "better", at, {})
    assert ids(ledger, AUGUST) == ["m2"]


def test_what_a_shadow_said_is_found_by_its_model(ledger, at):
    facts = {"all": {"kept": 0.8}}
    more = {"list_id": "l1", "manifest_sha256": "0" * 64, "facts": facts, "actor": "王五", "at": at}
    shadows.record(ledger, JULY, "m2", folder="var/shadow/2025-07-01/m2", **more)
    assert [(one.day, one.list_id, one.facts) for one in shadows.scored(ledger, "m2")] == [
        (JULY, "l1", facts)
    ]
    assert shadows.scored(ledger, "m3") == []
    with pytest.raises(AnxinError, match="/elsewhere"):
        shadows.record(ledger, JULY, "m2", folder="/elsewhere", **more)
    assert ledger.verify().ok


def test_what_is_said_later_leaves_the_days_before_as_they_were(ledger, at):
    put(ledger, at, "m2", JUNE, JULY)
    put(ledger, at.replace(year=2025, month=8, day=1), "m2", AUGUST)
    assert ids(ledger, JUNE) == ids(ledger, AUGUST) == ["m2"]
    assert ids(ledger, date(2025, 7, 15)) == []
