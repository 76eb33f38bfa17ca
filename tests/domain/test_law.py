import pytest

from anxin.domain import law


@pytest.mark.parametrize("number", [24, 26, 28, 29, 30, 31, 32, 36, 38])
def test_the_articles_a_reason_rests_on_are_there_in_both_languages(number):
    found = law.article(f"tiaoli-{number}")
    assert found.zh and found.en.isascii()
    assert found.cite_zh == f"《保障农民工工资支付条例》第{number}条"


def test_a_basis_of_the_contract_is_read_as_articles():
    found = law.cited("条例 23, 24, 29, 38 (审批、资金落实)； 方案 22-26")
    assert [one.id for one in found] == [
        *(f"tiaoli-{number}" for number in (23, 24, 29, 38)),
        *(f"fangan-{number}" for number in (22, 23, 24, 25, 26)),
    ]
    assert found[-1].cite_zh == "渝府办发〔2025〕38号第26项"


def test_an_instrument_without_numbers_is_cited_whole():
    basis = "劳动保障监察条例; 方案 19"
    assert [zh for zh, _ in law.instruments(basis)] == ["《劳动保障监察条例》", "渝府办发〔2025〕38号"]
    assert [one.cite_zh for one in law.cited(basis)] == [
        "《劳动保障监察条例》",
        "渝府办发〔2025〕38号第19项",
    ]
    assert law.article("xingfa-276-1").cite_zh == "《刑法》第276条之一"


def test_every_article_names_an_instrument_and_has_nothing_but_its_two_texts():
    document = law._document()
    for id, texts in document["articles"].items():
        assert set(texts) == {"zh", "en"}, id
        assert law.article(id).cite_en.endswith(id.partition("-")[2]), id
        assert id.partition("-")[0] in document["instruments"], id
