"""Records are said in words: every value of the contract's enumerations has one."""

from __future__ import annotations

import pytest

from anxin.feeds.contract import contract
from anxin.serving.evidence import choice_words

COLUMNS = [(feed.name, column) for feed in contract().values() for column in feed.columns if column.choices]


@pytest.mark.parametrize(("feed", "column"), COLUMNS, ids=[f"{feed}.{c.name}" for feed, c in COLUMNS])
def test_every_value_of_a_column_has_its_own_word(feed: str, column) -> None:  # type: ignore[no-untyped-def]
    words = choice_words(feed, column.name)
    said = [words[value] for value in column.choices]
    assert len(said) == len(set(said))
    assert all("\u4e00" <= word[-1] <= "\u9fff" for word in said)
