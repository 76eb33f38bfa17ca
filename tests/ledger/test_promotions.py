import threading
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anxin.domain.errors import AnxinError
from anxin.ledger import promotions

JUNE, JULY, AUGUST = date(2025, 6, 1), date(2025, 7, 1), date(2025, 8, 1)


def put(ledger, at, model, effective, kind="employer", seen=None):
    gates = {"precision": 0.3}
    return promotions.promote(ledger, kind, model, effective, "王五", "better", at, gates, seen=seen)


def test_a_model_is_live_from_its_effective_date_and_each_kind_has_its_own(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at, "p1", JULY, kind="project")
    assert promotions.live(ledger, "employer", date(2025, 5, 31)) is None
    assert promotions.live(ledger, "employer", JUNE) == "m1"
    assert promotions.live(ledger, "project", JUNE) is None
    assert promotions.live(ledger, "project", AUGUST) == "p1"


def test_a_later_promotion_with_an_earlier_date_does_not_win_later_days(ledger, at):
    put(ledger, at, "m2", JULY)
    put(ledger, at, "m1", JUNE)
    assert promotions.live(ledger, "employer", AUGUST) == "m2"
    assert promotions.live(ledger, "employer", JUNE) == "m1"


def test_of_two_promotions_for_one_day_the_last_made_is_live(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at, "m2", JUNE)
    assert promotions.live(ledger, "employer", JUNE) == "m2"


def test_a_promotion_dated_back_does_not_change_who_was_live_as_known_before_it(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at + timedelta(days=60), "m2", JUNE)
    assert promotions.live(ledger, "employer", JULY) == "m2"
    assert promotions.live(ledger, "employer", JULY, at + timedelta(days=59)) == "m1"
    assert promotions.live(ledger, "employer", JULY, at + timedelta(days=60)) == "m2"
    assert promotions.live(ledger, "employer", JULY, at - timedelta(days=1)) is None


def test_what_is_live_from_a_day_ends_with_the_next_change(ledger, at):
    put(ledger, at, "m2", JULY)
    put(ledger, at, "m3", AUGUST)
    put(ledger, at, "m1", JUNE)
    assert promotions.until(ledger, "employer", JUNE).model_id == "m2"
    assert promotions.until(ledger, "employer", AUGUST) is None


def test_a_model_is_not_promoted_over_a_champion_it_was_not_judged_against(ledger, at):
    put(ledger, at, "m1", JUNE)
    seen = promotions.newest(ledger, "employer")
    put(ledger, at, "p1", JULY, kind="project", seen=0)
    put(ledger, at, "m2", JULY, seen=seen)
    with pytest.raises(AnxinError, match="m2") as refused:
        put(ledger, at, "m3", JULY, seen=seen)
    assert len(str(refused.value).splitlines()) == 1
    assert [change.model_id for change in promotions.history(ledger, "employer")] == ["m1", "m2"]
    assert ledger.verify().ok


def test_of_promotions_at_once_judged_against_the_same_champion_one_goes_in(url, ledger, at):
    put(ledger, at, "m0", JUNE)
    seen = promotions.newest(ledger, "employer")
    begun, refused = threading.Barrier(4), []

    def one(number):
        with type(ledger).open(url) as mine:
            begun.wait()
            try:
                put(mine, at, f"m{number}", JULY, seen=seen)
            except AnxinError:
                refused.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert len(promotions.history(ledger, "employer")) == 2
    assert promotions.history(ledger, "employer")[-1].replaces == "m0"


def test_of_two_who_want_rid_of_the_same_model_the_second_goes_no_further(ledger, at):
    for model, effective in (("m1", JUNE), ("m2", JULY), ("m3", JULY)):
        put(ledger, at, model, effective)
    promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at, model_id="m3")
    with pytest.raises(AnxinError, match="m2") as refused:
        promotions.rollback(ledger, "employer", AUGUST, "李四", "worse", at, model_id="m3")
    assert len(str(refused.value).splitlines()) == 1
    assert promotions.live(ledger, "employer", AUGUST) == "m2"
    assert ledger.verify().ok


def test_what_is_rolled_back_is_what_is_live_though_a_promotion_was_dated_back_behind_a_rollback(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at, "m2", JULY)
    promotions.rollback(ledger, "employer", JULY, "王五", "worse", at)
    put(ledger, at, "m0", JUNE)
    live = promotions.live(ledger, "employer", AUGUST)
    assert live == "m1"
    with pytest.raises(AnxinError, match="no earlier"):
        promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at, model_id=live)
    with pytest.raises(AnxinError):
        promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at, model_id="m0")


def test_rolling_back_is_dated_leaves_the_past_and_goes_one_model_further_each_time(ledger, at):
    for model, effective in (("m1", JUNE), ("m2", JULY), ("m3", JULY)):
        put(ledger, at, model, effective)
    first = promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at)
    assert (first.model_id, first.replaces, first.is_rollback) == ("m2", "m3", True)
    assert promotions.live(ledger, "employer", JULY) == "m3"
    assert promotions.live(ledger, "employer", AUGUST) == "m2"
    assert promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at).model_id == "m1"
    with pytest.raises(AnxinError, match="前任"):
        promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at)
    put(ledger, at, "m4", AUGUST)
    assert promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at).model_id == "m1"


def test_a_rollback_dated_before_a_later_change_is_refused(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at, "m2", JULY)
    promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at)
    with pytest.raises(AnxinError, match="2025-08-01"):
        promotions.rollback(ledger, "employer", JULY, "王五", "worse", at)
    assert promotions.live(ledger, "employer", AUGUST) == "m1"


def test_a_ledger_with_more_ways_back_than_forth_is_still_read(ledger, at):
    put(ledger, at, "m1", JUNE)
    gone = {"model_id": "m0", "replaces": "m1", "effective": "2025-06-01", "why": "", "gates": {}}
    for _ in range(2):
        ledger.append("model_rolled_back", "王五", "employer", gone, at)
    with pytest.raises(AnxinError, match="前任"):
        promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at)


def test_history_tells_who_when_from_to_why_and_by_which_gates(ledger, at):
    put(ledger, at, "m1", JUNE)
    put(ledger, at, "m2", JULY)
    last = promotions.history(ledger, "employer")[-1]
    assert (last.actor, last.at, last.replaces, last.model_id) == ("王五", at, "m1", "m2")
    assert (last.why, last.gates, last.effective) == ("better", {"precision": 0.3}, JULY)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(1, 9), min_size=1, max_size=6), kind=st.uuids(version=4))
def test_live_agrees_with_replaying_every_promotion_by_hand(ledger, at, days, kind):
    for number, day in enumerate(days):
        put(ledger, at, f"m{number}", date(2025, 6, day), kind=str(kind))
    for on in range(1, 11):
        dated = [(day, number) for number, day in enumerate(days) if day <= on]
        expected = f"m{max(dated)[1]}" if dated else None
        assert promotions.live(ledger, str(kind), date(2025, 6, on)) == expected


def test_a_model_promoted_again_while_it_is_live_is_rolled_back_to_the_one_before_it(ledger, at):
    for model in ("m1", "m2", "m2"):
        promotions.promote(ledger, "employer", model, JULY, "王五", "better", at, {})
    promotions.rollback(ledger, "employer", AUGUST, "王五", "worse", at)
    assert promotions.live(ledger, "employer", AUGUST) == "m1"
