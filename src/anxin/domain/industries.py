"""What an employer does: GB/T 4754-2017, written as in the contract, section letter and division (``E47``).

Codes of other standards are opaque: their name is themselves and their section is empty. Bare digits are
opaque too, since ``23`` is printing here and construction in NAICS.
"""

import re
from functools import cache
from typing import Any

from anxin.domain.tables import read_document

_CODE = re.compile(r"([A-T])([0-9]{2}[0-9]{0,2})?")


@cache
def name(code: str) -> str:
    """Return the Chinese name of a section (``E``) or division (``E47``; finer codes take their division's).

    >>> name("E"), name("E47"), name("E4710"), name("NAICS 236")
    ('建筑业', '房屋建筑业', '房屋建筑业', 'NAICS 236')
    """
    letter = section(code)
    if not letter:
        return code
    entry = _sections()[letter]
    return str(entry["divisions"][code[1:3]] if len(code) > 1 else entry["zh"])


@cache
def section(code: str) -> str:
    """Return the section letter A to T of a code, or ``""`` if it is not of this standard."""
    shape = _CODE.fullmatch(code)
    if shape is None:
        return ""
    letter = shape[1]
    return letter if len(code) == 1 or code[1:3] in _sections()[letter]["divisions"] else ""


def section_english(code: str) -> str:
    """Return the short English name of a code's section, or the code if it is not of this standard."""
    letter = section(code)
    return str(_sections()[letter]["en"]) if letter else code


def sections() -> list[str]:
    """Return the section letters, A to T."""
    return sorted(_sections())


def divisions(letter: str) -> list[str]:
    """Return the division codes of a section, such as ``["E47", "E48", "E49", "E50"]``."""
    return [letter + digits for digits in sorted(_sections()[letter]["divisions"])]


@cache
def _sections() -> dict[str, Any]:
    document: dict[str, dict[str, Any]] = read_document("industries.yaml")
    return document["sections"]
