from datetime import date

import pytest

from anxin.domain import industries, regulators

ON = date(2025, 6, 1)


@pytest.mark.parametrize(
    ("industry", "regulator"),
    [
        ("E47", "住房城乡建委"),
        ("E48", "住房城乡建委"),
        ("E4812", "交通运输委"),
        ("E482", "水利局"),
        ("A02", "林业局"),
        ("A01", "农业农村委"),
        ("N786", "文化旅游委"),
        ("N78", "城市管理局"),
        ("C33", "经济信息委"),
        ("K70", "住房城乡建委"),
        ("J66", "人力社保局"),
        ("236220", "人力社保局"),
    ],
)
def test_an_employer_goes_by_the_longest_code_of_its_industry(industry, regulator):
    assert regulators.of_employer(industry, "private", None, ON).primary == regulator


def test_park_and_state_ownership_copy_in_further_regulators():
    found = regulators.of_employer("H62", "state", "某工业园", ON)
    assert found == regulators.Regulators("商务委", ("园区管委会", "国资委"))


def test_a_project_goes_by_its_class_and_both_flags_may_hold():
    assert regulators.of_project("water", True, True, ON) == regulators.Regulators(
        "水利局", ("国资委", "财政局")
    )
    assert regulators.of_project("building", None, None, ON) == regulators.Regulators("住房城乡建委", ())
    assert regulators.of_project("other", False, False, ON).primary == "人力社保局"


def test_every_regulator_that_can_be_named_has_an_english_name():
    named = set()
    for letter in industries.sections():
        for code in industries.divisions(letter):
            found = regulators.of_employer(code, "state", "园", ON)
            named |= {found.primary, *found.also}
    for kind in ("building", "transport", "water", "railway", "energy", "agriculture", "other"):
        found = regulators.of_project(kind, True, True, ON)
        named |= {found.primary, *found.also}
    assert all(regulators.english(zh) != zh for zh in named)
    assert named <= set(regulators.names())
