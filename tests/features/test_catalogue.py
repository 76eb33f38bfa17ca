"""The catalogue, and the dictionary rendered from it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from anxin.domain.law import article
from anxin.features import dictionary
from anxin.features.catalogue import Feature, catalogue, facts, of
from anxin.feeds.contract import contract

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("feature", catalogue().values(), ids=lambda feature: feature.name)


def test_the_committed_dictionary_is_current() -> None:
    committed = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert committed == dictionary.render(), "run python -m anxin.features.dictionary"


def test_a_column_is_either_a_feature_or_a_fact() -> None:
    assert not set(catalogue()) & set(facts())


def test_no_name_is_shown_twice_for_one_kind() -> None:
    for kind in ("employer", "project"):
        for shown in ("zh", "en"):
            names = [getattr(feature, shown) for feature in of(kind)]
            assert len(names) == len(set(names))


@EVERY
def test_sources_are_feeds_of_the_contract(feature: Feature) -> None:
    assert set(feature.sources) <= set(contract())


@EVERY
def test_a_date_is_a_column_of_the_same_family_and_kinds(feature: Feature) -> None:
    if feature.dated is not None:
        dating = catalogue().get(feature.dated) or facts()[feature.dated]
        assert dating.family == feature.family
        assert set(feature.kinds) <= set(dating.kinds)


@EVERY
def test_the_law_cited_exists(feature: Feature) -> None:
    if feature.law is not None:
        assert article(feature.law).cite_zh


@EVERY
def test_sentences_have_both_languages_and_known_places(feature: Feature) -> None:
    for text in (feature.zh_text, feature.en_text):
        places = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert places <= {"zh", "en", "value", "usual"}
        assert ("value" in places) == (feature.unit != "flag")
    assert any("一" <= sign <= "鿿" for sign in feature.zh_text)
    assert feature.en_text.isascii()


@EVERY
def test_direction_unit_and_empty_are_what_a_model_can_take(feature: Feature) -> None:
    assert feature.direction in (-1, 0, 1)
    assert feature.unit in {"share", "yuan", "days", "count", "heads", "flag", "number", "ratio", "kwh"}
    assert feature.form in {"share", "yuan", "whole", "flag", "number"}
    assert feature.empty in (None, 0)
