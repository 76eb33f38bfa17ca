"""The contract as a data file, and its dictionary."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from anxin.feeds.contract import contract
from anxin.feeds.dictionary import render

DICTIONARY = Path(__file__).parents[2] / "docs" / "feeds.md"


def test_the_committed_dictionary_is_what_the_contract_says() -> None:
    assert DICTIONARY.read_text(encoding="utf-8") == render(), "run: python -m anxin.feeds.dictionary"


def test_every_feed_and_column_has_a_chinese_name() -> None:
    assert len(contract()) == 26
    for feed in contract().values():
        assert feed.zh and feed.basis
        assert all(column.zh for column in feed.columns)


def test_units_decide_the_scale() -> None:
    energy, projects = contract()["energy_usage"], contract()["projects"]
    assert energy.schema.field("kwh").type == pa.decimal128(18, 3)
    assert projects.schema.field("labour_cost_ratio").type == pa.decimal128(18, 6)
    assert projects.schema.field("contract_amount").type == pa.decimal128(18, 2)
