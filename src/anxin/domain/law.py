"""The articles a report cites, where and when each is in force, and how a feed's ``basis`` is read as articles.

Texts in ``law.yaml`` are short renderings (摘要) of the law, not its wording. Of a subject only what is in force in its
district on the day is cited; where the district is not known, nothing is.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from anxin.domain import divisions
from anxin.domain.errors import AnxinError
from anxin.domain.tables import in_force, read_text, read_yaml

_ASCII = str.maketrans("\uff08\uff09\uff1b\uff0c", "();,")
_NUMBERS = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")
_PART = re.compile(r"(?:\([^)]*\)|[^;])+")


@dataclass(frozen=True)
class Article:
    """One article: its id (``tiaoli-24``), its text and where it stands, in Chinese and English.

    It is in force in ``[since, until)`` in the divisions that begin with ``place``, ``CN`` for all of China.
    """

    id: str
    zh: str
    en: str
    cite_zh: str
    cite_en: str
    place: str
    since: date
    until: date | None


@cache
def article(id: str) -> Article:
    """Return an article by id: ``<instrument>-<number>``, ``…-<number>-1`` for 之一, or a whole instrument.

    Raises AnxinError if ``law.yaml`` does not hold it.

    >>> article("tiaoli-24").cite_zh
    '《保障农民工工资支付条例》第24条'
    """
    document = _document()
    if id not in document["articles"]:
        raise AnxinError(
            f"法条表没有“{id}”，请补充 law.yaml 或改正引用",
            f"law.yaml has no article {id!r}, add it or correct the citation",
        )
    instrument, _, number = id.partition("-")
    law = document["instruments"][instrument]
    text = document["articles"][id]
    cite_zh, cite_en = _title(law), str(law["en"])
    if number:
        plain, _, inserted = number.partition("-")
        # A work plan has numbered items, not articles.
        place_zh, place_en = ("项", "item") if law.get("items") else ("条", "art.")
        cite_zh += f"第{plain}{place_zh}{'之一' if inserted else ''}"
        cite_en += f", {place_en} {number}"
    return Article(
        id, text["zh"], text["en"], cite_zh, cite_en, str(law["place"]), law["from"], law.get("to")
    )


def holding(ids: Iterable[str], district: str, on: date) -> tuple[str, ...]:
    """Return those of some articles (ids) that are in force in a district on a day, in their order.

    >>> holding(["tiaoli-29", "fangan-29"], "320102", date(2025, 8, 1))
    ('tiaoli-29',)
    """
    return tuple(id for id in ids if _holds(id.partition("-")[0], district, on))


@cache
def basis_holding(basis: str, district: str, on: date) -> str:
    """Return what of a ``basis`` is in force in a district on a day, as it is written there; "" where nothing is.

    >>> basis_holding("条例 28; 方案 5, 8", "320102", date(2025, 8, 1))
    '条例 28'
    """
    keys = _by_short_name()
    parts = (basis[found.start() : found.end()].strip() for found in _PART.finditer(basis.translate(_ASCII)))
    named = ((part, keys.get(_parts(part)[0][0])) for part in parts)
    return "; ".join(part for part, instrument in named if instrument and _holds(instrument, district, on))


def short(ids: Iterable[str]) -> str:
    """Return articles as people in the field cite them: each instrument once, with its numbers.

    >>> short(["tiaoli-12", "tiaoli-31", "jiancha"])
    '条例 12、31；劳动保障监察条例'
    """
    numbers: dict[str, list[str]] = {}
    for id in ids:
        instrument, _, number = id.partition("-")
        numbers.setdefault(_document()["instruments"][instrument]["short"], []).append(number)
    return "；".join(f"{name} {'、'.join(filter(None, each))}".rstrip() for name, each in numbers.items())


@cache
def cited(basis: str) -> tuple[Article, ...]:
    """Return the articles a ``basis`` of the contract names, in its order.

    A basis is ``"条例 26, 27, 38; 方案 22-26"``: instruments by their short name, article numbers,
    anything in brackets a comment. An instrument without numbers is cited whole; what the
    table lacks is left out.

    >>> [found.id for found in cited("条例 24, 38 (信贷); 方案 3")]
    ['tiaoli-24', 'tiaoli-38', 'fangan-3']
    """
    found: list[Article] = []
    for short, numbers in _parts(basis):
        instrument = _by_short_name().get(short)
        if instrument in _document()["articles"] and not numbers:
            found.append(article(instrument))
        for first, last in _NUMBERS.findall(numbers) if instrument else ():
            ids = (f"{instrument}-{number}" for number in range(int(first), int(last or first) + 1))
            found.extend(article(id) for id in ids if id in _document()["articles"])
    return tuple(found)


@cache
def instruments(basis: str) -> tuple[tuple[str, str], ...]:
    """Return the Chinese and English names of the instruments a ``basis`` names, in its order."""
    keys = _by_short_name()
    laws = (_document()["instruments"][keys[short]] for short, _ in _parts(basis) if short in keys)
    return tuple((_title(law), str(law["en"])) for law in laws)


def _title(law: dict[str, Any]) -> str:
    # A document known by its number takes no book-title marks.
    return str(law["zh"]) if law.get("items") else f"《{law['zh']}》"


def _parts(basis: str) -> list[tuple[str, str]]:
    """Split a basis into (short name, numbers), without comments; Chinese punctuation counts as ASCII."""
    plain = re.sub(r"\([^)]*\)", "", basis.translate(_ASCII))
    split = (part.strip().partition(" ") for part in plain.split(";"))
    return [(short, numbers) for short, _, numbers in split]


@cache
def _by_short_name() -> dict[str, str]:
    return {law["short"]: key for key, law in _document()["instruments"].items()}


def fingerprint() -> str:
    """Return a hash of the table: which articles are in force depends on it."""
    return hashlib.sha256(_text().encode()).hexdigest()


@cache
def _holds(instrument: str, district: str, on: date) -> bool:
    law = _document()["instruments"][instrument]
    here = divisions.closeness(str(law["place"]), divisions.district(district, on)) >= 0
    return here and in_force(law["from"], law.get("to"), on)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(_text())
    return document


@cache
def _text() -> str:
    return read_text("law.yaml")
