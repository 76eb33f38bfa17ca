from datetime import date

import pytest

from anxin.domain import divisions, law
from anxin.feeds.contract import contract

CHONGQING, NANJING, CALIFORNIA = "500103", "320102", "060000"


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


def test_every_article_knows_its_place_and_the_day_it_came_into_force():
    document = law._document()
    for key, instrument in document["instruments"].items():
        assert instrument["place"] == "CN" or divisions.province(instrument["place"]), key
        assert type(instrument["from"]) is date, key
        assert "to" not in instrument or instrument["from"] < instrument["to"], key
        assert "〔" not in instrument["zh"] or "渝" not in instrument["zh"] or instrument["place"] == "50", (
            key
        )
    for id in document["articles"]:
        instrument = document["instruments"][id.partition("-")[0]]
        found = law.article(id)
        assert (found.place, found.since) == (instrument["place"], instrument["from"]), id


def test_an_article_holds_in_its_place_from_its_day_on():
    ids = ["jiancha-26", "tiaoli-12", "fangan-21"]
    assert law.holding(ids, CHONGQING, date(2026, 2, 1)) == tuple(ids)
    assert law.holding(ids, "500103001", date(2026, 2, 1)) == tuple(ids)
    assert law.holding(ids, NANJING, date(2026, 2, 1)) == ("jiancha-26", "tiaoli-12")
    assert law.holding(ids, CHONGQING, date(2020, 5, 1)) == ("jiancha-26", "tiaoli-12")
    assert law.holding(ids, CHONGQING, date(2020, 4, 30)) == ("jiancha-26",)
    assert law.holding(ids, CALIFORNIA, date(2026, 2, 1)) == ()
    assert law.holding(ids, "", date(2026, 2, 1)) == ()


def test_an_article_no_longer_holds_on_the_day_it_ended(monkeypatch):
    ended = {"place": "CN", "from": date(2010, 1, 1), "to": date(2015, 1, 1)}
    monkeypatch.setattr(law, "_document", lambda: {"instruments": {"ended": ended}})
    assert law.holding(["ended-1"], NANJING, date(2014, 12, 31)) == ("ended-1",)
    assert law.holding(["ended-1"], NANJING, date(2015, 1, 1)) == ()


def test_of_a_basis_only_what_holds_there_and_then_is_left_as_it_is_written():
    basis = "市场主体登记管理条例 33 (公示；20日); 条例 28；方案 5, 8"
    kept = "市场主体登记管理条例 33 (公示；20日); 条例 28"
    assert law.basis_holding(basis, CHONGQING, date(2026, 2, 1)) == f"{kept}; 方案 5, 8"
    assert law.basis_holding(basis, NANJING, date(2026, 2, 1)) == kept
    assert law.basis_holding(basis, NANJING, date(2021, 2, 1)) == "条例 28"
    assert law.basis_holding(basis, NANJING, date(2019, 6, 1)) == ""
    assert law.basis_holding(basis, CALIFORNIA, date(2026, 2, 1)) == ""


def test_every_basis_of_the_contract_is_whole_where_all_of_it_holds():
    for feed in contract().values():
        assert law.basis_holding(feed.basis, CHONGQING, date(2026, 2, 1)) == feed.basis, feed.name
