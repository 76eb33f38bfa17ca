from anxin.domain import industries


def test_the_standard_has_20_sections_and_97_divisions_numbered_without_a_gap():
    assert industries.sections() == list("ABCDEFGHIJKLMNOPQRST")
    numbers = [code[1:] for letter in industries.sections() for code in industries.divisions(letter)]
    assert numbers == [f"{number:02d}" for number in range(1, 98)]


def test_a_finer_code_takes_the_name_of_its_division():
    assert industries.name("E4710") == industries.name("E47") == "房屋建筑业"
    assert industries.section("E4710") == "E"
    assert industries.section_english("E47") == "Construction"


def test_codes_of_another_standard_are_their_own_name_and_have_no_section():
    for foreign in ("23", "236220", "E13", "U99", ""):
        assert industries.name(foreign) == foreign
        assert industries.section(foreign) == ""
