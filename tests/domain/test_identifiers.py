import string

from hypothesis import given
from hypothesis import strategies as st

from anxin.domain.identifiers import (
    USCC_ALPHABET,
    make_uscc,
    organisation_check,
    organisation_ok,
    project_code_ok,
    uscc_ok,
    uscc_ok_many,
)

symbols = st.text(alphabet=USCC_ALPHABET, min_size=1, max_size=1)
bodies = st.builds(
    lambda head, region, tail: head + region + tail,
    st.text(alphabet=USCC_ALPHABET, min_size=2, max_size=2),
    st.text(alphabet=string.digits, min_size=6, max_size=6),
    st.text(alphabet=USCC_ALPHABET, min_size=9, max_size=9),
)


def test_real_codes_pass_and_the_known_faulty_one_fails():
    assert uscc_ok("91350200MA2YJ1XR9G")
    assert uscc_ok("1150000000927581XW")
    assert uscc_ok("11500381753064447F")
    assert not uscc_ok("91350203M0001QAY9B")


def test_organisation_codes_inside_real_codes_pass():
    for code in ("91350200MA2YJ1XR9G", "1150000000927581XW", "11500381753064447F"):
        assert organisation_ok(code[8:17])


@given(bodies)
def test_a_made_code_passes(body):
    assert uscc_ok(make_uscc(body))


@given(bodies, st.integers(0, 17), symbols)
def test_one_wrong_symbol_never_passes(body, place, symbol):
    code = make_uscc(body)
    wrong = code[:place] + symbol + code[place + 1 :]
    assert uscc_ok(wrong) == (wrong == code)


@given(bodies, st.integers(0, 16))
def test_two_neighbours_swapped_never_pass(body, place):
    code = make_uscc(body)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert uscc_ok(swapped) == (swapped == code)


@given(st.lists(st.none() | st.text(max_size=20) | bodies.map(make_uscc) | bodies.map(lambda b: b + "0")))
def test_many_codes_at_once_agree_with_one_by_one(codes):
    assert uscc_ok_many(codes).tolist() == [code is not None and uscc_ok(code) for code in codes]


@given(st.text(alphabet=string.digits + string.ascii_uppercase, min_size=8, max_size=8))
def test_organisation_check_character_makes_the_weighted_sum_a_multiple_of_eleven(body):
    check = organisation_check(body)
    weighted = sum(int(s, 36) * w for s, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    assert (weighted + (10 if check == "X" else int(check))) % 11 == 0


def test_project_codes_with_and_without_a_bid_section_have_the_shape():
    assert project_code_ok("2112-500106-04-01-123456")
    assert project_code_ok("2112-500106-04-01-12345X#一标段")
    for wrong in (
        "2113-500106-04-01-123456",
        "2112-500106-04-01-123456#",
        "2112500106040112345",
        "x2112-500106-04-01-123456",
    ):
        assert not project_code_ok(wrong)
