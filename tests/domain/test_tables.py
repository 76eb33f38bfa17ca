"""The tables that lie beside the code, as people write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anxin.domain import tables
from anxin.domain.tables import read_yaml

_TABLES = sorted(Path(tables.__file__).parents[1].rglob("*.yaml"))
_MAY_BE_NOTHING = {"random_plan"}


def _entries(document: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(document, dict):
        yield from document.items()
    inside = (
        document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    )
    for one in inside:
        yield from _entries(one)


@pytest.mark.parametrize("table", _TABLES, ids=lambda path: path.name)
def test_no_text_is_cut_at_a_comma(table: Path) -> None:
    """In `{en: over 50,000 yuan}` the comma ends the text, and the rest becomes a key of nothing."""
    for key, value in _entries(read_yaml(table.read_text(encoding="utf-8"))):
        assert " " not in str(key), key
        assert value is not None or key in _MAY_BE_NOTHING, key
