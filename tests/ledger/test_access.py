from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from anxin.domain.errors import AnxinError
from anxin.ledger import access, schema
from anxin.ledger.access import Grant, Role, Scope

HOUSING, COMMERCE = "住房城乡建委", "商务委"


def make(ledger, at, scope=None, **more):
    return access.create_token(
        ledger, "李四", "沙坪坝区人力社保局", "dispatcher", scope or Scope.everything(), at, **more
    )


def grant(scope, on=date(2025, 6, 1)):
    return Grant("0" * 16, "李四", "某局", Role.INSPECTOR, scope, on)


def test_a_token_gives_back_its_person_unit_role_and_scope(ledger, at):
    scope = Scope(("500106", "500107"), (HOUSING,), ("2112-500106-04-01-123456",))
    found = access.authenticate(ledger, make(ledger, at, scope), at)
    assert (found.person, found.unit, found.role, found.scope) == (
        "李四",
        "沙坪坝区人力社保局",
        Role.DISPATCHER,
        scope,
    )
    assert found.role.zh == "调度"


def test_only_the_exact_secret_opens(ledger, at):
    secret = make(ledger, at)
    other = make(ledger, at)
    assert access.authenticate(ledger, secret[:-1] + ("A" if secret[-1] != "A" else "B"), at) is None
    crossed = "_".join([*secret.split("_")[:2], other.split("_", 2)[2]])
    for wrong in (crossed, "", "anx_", secret + " ", secret.upper(), "anx_" + "0" * 16 + "_" + "A" * 43):
        assert access.authenticate(ledger, wrong, at) is None


def test_a_token_ends_when_it_expires_and_at_once_when_it_is_revoked(ledger, at):
    secret = make(ledger, at, expires=at + timedelta(days=1))
    assert access.authenticate(ledger, secret, at + timedelta(hours=23))
    assert access.authenticate(ledger, secret, at + timedelta(days=1)) is None
    lasting = make(ledger, at)
    token_id = access.authenticate(ledger, lasting, at).token_id
    access.revoke(ledger, token_id, "admin", "left the unit", at + timedelta(hours=1))
    # A server whose clock lags must not let it in either.
    assert access.authenticate(ledger, lasting, at) is None
    with pytest.raises(AnxinError):
        access.revoke(ledger, "no such id", "admin", "", at)


def test_the_database_holds_nothing_that_opens_anything(url, ledger, at):
    secret = make(ledger, at)
    engine = schema.engine(url)
    with engine.connect() as connection:
        stored = " ".join(str(row) for row in connection.execute(sa.text("SELECT * FROM entries")))
    engine.dispose()
    assert secret not in stored
    assert secret.split("_", 2)[2] not in stored


def test_the_listing_shows_every_token_and_which_are_revoked(ledger, at):
    make(ledger, at, actor="王五")
    second = access.authenticate(ledger, make(ledger, at), at).token_id
    access.revoke(ledger, second, "王五", "lost", at)
    listed = access.tokens(ledger)
    assert [token.revoked_at for token in listed] == [None, at]
    assert listed[0].created_by == "王五"
    assert listed[0].sha256 not in repr(listed[0])


def test_a_token_without_a_person_a_known_role_or_a_future_is_not_made(ledger, at):
    for person, role, expires in (("", "admin", None), ("李四", "boss", None), ("李四", "admin", at)):
        with pytest.raises(AnxinError):
            access.create_token(ledger, person, "某局", role, Scope.everything(), at, expires)
    assert access.tokens(ledger) == []


def test_reads_are_recorded_with_the_person_who_read(ledger, at):
    found = access.authenticate(ledger, make(ledger, at), at)
    entry = access.record_read(ledger, found, "list/2025-06-01", at)
    assert (entry.kind, entry.actor, entry.subject) == ("read", "李四", "list/2025-06-01")
    assert entry.payload["token_id"] == found.token_id
    assert ledger.verify().ok


@given(
    st.sampled_from(["500106", "060000", "", "500106101"]),
    st.sampled_from([HOUSING, ""]),
    st.text(max_size=5),
)
def test_nothing_is_granted_unless_given(district, regulator, project_id):
    assert not grant(Scope()).may_see(district, regulator, project_id)
    assert not grant(Scope(districts=None)).may_see(district, regulator, project_id)
    assert not grant(Scope(regulators=None)).may_see(district, regulator, project_id)
    assert not grant(Scope((), None)).may_see(district, regulator, project_id)
    assert grant(Scope.everything()).may_see(district, regulator, project_id)


def test_a_district_is_seen_through_old_codes_towns_and_every_regulator():
    jiangjin = grant(Scope.of_districts("500116"))
    for code in ("500116", "500381", "500116101", "500381001"):
        assert jiangjin.may_see(code, HOUSING)
    for code in ("500106", "50", "5001161", "060000", ""):
        assert not jiangjin.may_see(code, HOUSING)
    assert grant(Scope.of_districts("500381")).may_see("500116", HOUSING)
    assert grant(Scope.of_districts("50")).may_see("500116101", HOUSING)
    assert not grant(Scope.of_districts("50")).may_see("510100", HOUSING)


def test_a_town_sees_itself_and_not_the_district_around_it():
    town = grant(Scope.of_districts("500106106"))
    assert town.may_see("500106106", HOUSING)
    assert town.may_see("500106106201", HOUSING)
    assert not town.may_see("500106", HOUSING)
    assert not town.may_see("500106107", HOUSING)


def test_a_regulator_sees_its_sectors_in_its_places_also_where_it_is_copied():
    local = grant(Scope.of_regulator(HOUSING, districts=("500106",)))
    assert local.may_see("500106", HOUSING)
    assert local.may_see("500106", [COMMERCE, HOUSING])
    assert not local.may_see("500106", COMMERCE)
    assert not local.may_see("500107", HOUSING)
    assert grant(Scope.of_regulator(HOUSING, districts=None)).may_see("500107", HOUSING)


def test_a_single_project_is_seen_with_its_sections_and_nothing_else():
    one = grant(Scope.of_projects("2112-500106-04-01-123456"))
    assert one.may_see("500106", HOUSING, "2112-500106-04-01-123456")
    assert one.may_see("500106", HOUSING, "2112-500106-04-01-123456#二标段")
    assert not one.may_see("500106", HOUSING, "2112-500106-04-01-1234567")
    assert not one.may_see("500106", HOUSING, None)
