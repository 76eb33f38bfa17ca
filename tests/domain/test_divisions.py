from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anxin.domain import divisions
from anxin.domain.divisions import Divisions

NOW = date(2025, 6, 1)
codes = st.sampled_from(sorted(divisions.table()._eras))
days = st.dates(date(1999, 1, 1), date(2030, 1, 1))


def test_chongqing_has_38_units_in_2025_and_40_in_2005():
    assert len(divisions.districts(NOW)) == 38
    assert len(divisions.districts(date(2005, 1, 1))) == 40


def test_an_old_code_is_read_as_the_district_it_became():
    assert divisions.district("500381", NOW) == "500116"
    assert divisions.name("500381", NOW) == "江津区"
    assert divisions.name("500381", date(2000, 1, 1)) == "江津市"
    assert divisions.district("500381003", NOW) == "500116"


def test_a_code_that_was_used_twice_has_the_name_of_its_day():
    assert divisions.name("500110", date(2010, 1, 1)) == "万盛区"
    assert divisions.name("500110", NOW) == "綦江区"
    assert divisions.district("500222", NOW) == divisions.district("500110", NOW) == "500110"


def test_the_merger_of_2026_changes_nothing_until_its_code_is_entered():
    after = date(2026, 3, 1)
    assert {"500105", "500112", "500109"} <= set(divisions.districts(after))


def test_a_town_can_go_another_way_than_its_district():
    table = Divisions.parse(
        "code,name,valid_from,valid_to,successor\n"
        "50,重庆市,,,\n"
        "500112,旧区,,2026-01-25,500199\n"
        "500199,新区,2026-01-25,,\n"
        "500109,邻区,,,\n"
        "500112101,某镇,,2026-01-25,500109101\n"
    )
    before, after = date(2026, 1, 24), date(2026, 1, 25)
    assert table.district("500112101", before) == table.district("500112102", before) == "500112"
    assert table.district("500112101", after) == "500109"
    assert table.district("500112102", after) == "500199"
    assert table.name("500112101", after) == "邻区"
    assert table.districts(after, "50") == ["500109", "500199"]


def test_places_elsewhere_read_sensibly_and_foreign_codes_are_opaque():
    assert divisions.name("620702", NOW) == "甘州区"
    assert divisions.name("330681", NOW) == "浙江省330681"
    assert divisions.name("330681100", NOW) == "浙江省330681"
    for foreign in ("060000", "06037", "DE-BE", "", "999999999"):
        assert divisions.name(foreign, NOW) == divisions.district(foreign, NOW) == foreign


@given(codes, days)
def test_the_district_of_a_district_is_itself(code, on):
    resolved = divisions.district(code, on)
    assert divisions.district(resolved, on) == resolved
    assert divisions.name(code, on) == divisions.name(resolved, on)


@given(st.dates(date(1999, 1, 1), date(2030, 1, 1)))
def test_every_code_ever_used_leads_to_one_in_force_or_still_to_come(on):
    in_force = set(divisions.districts(on))
    for code in divisions.districts(on - timedelta(days=9000)):
        assert divisions.district(code, on) in in_force


def test_a_place_lies_within_its_prefixes_and_only_a_chinese_one_in_china():
    assert divisions.closeness("50", "500103") == 2
    assert divisions.closeness("500103", "500103001") == 6
    assert divisions.closeness("32", "500103") == -1
    assert divisions.closeness(divisions.CHINA, "500103") == 1
    assert divisions.closeness(divisions.CHINA, "060000") == -1
    assert divisions.closeness(divisions.CHINA, "") == -1
    assert divisions.closeness("", "060000") == 0
