"""Codes that say of themselves whether they were copied right.

Unified social credit code: GB 32100-2015; the organisation code inside it: GB 11714; investment project code:
GB/T 40058-2021. Real codes exist that fail their check character, so a failure is a flag and never a refusal.
The region inside a credit code is where it was registered then; it does not say where the employer is now.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from anxin.domain.errors import AnxinError

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 symbols of GB 32100; I, O, S, V and Z are left out."""

_USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_USCC_BODY = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
# The check algorithm and two-digit lists of the standard were not seen: shape only, and a real month.
_PROJECT = re.compile(r"[0-9]{2}(0[1-9]|1[0-2])-[0-9]{6}-[0-9]{2}-[0-9]{2}-[0-9]{5}[0-9A-Z](#[^#\s]+)?")

_VALUE = np.full(128, -1, dtype=np.int64)
_VALUE[[ord(symbol) for symbol in USCC_ALPHABET]] = np.arange(31)


def uscc_ok(code: str) -> bool:
    """Tell whether a unified social credit code has the shape and check character of GB 32100."""
    return _USCC.fullmatch(code) is not None and _uscc_check(code[:17]) == code[17]


def uscc_ok_many(codes: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    """Return `uscc_ok` of each code as a boolean array of the same length; None is False."""
    ok = np.zeros(len(codes), dtype=np.bool_)
    places = [i for i, code in enumerate(codes) if code is not None and len(code) == 18 and code.isascii()]
    if not places:
        return ok
    joined = "".join(str(codes[i]) for i in places).encode("ascii")
    values = _VALUE[np.frombuffer(joined, dtype=np.uint8).reshape(-1, 18)]
    shaped = (values >= 0).all(axis=1) & (values[:, 2:8] <= 9).all(axis=1)
    checks = (31 - values[:, :17] @ _USCC_WEIGHTS % 31) % 31
    ok[places] = shaped & (checks == values[:, 17])
    return ok


def make_uscc(body17: str) -> str:
    """Return the code whose first 17 characters are given, with its check character.

    Raises AnxinError if they are not 17 symbols of GB 32100 with a six-digit region.
    """
    if _USCC_BODY.fullmatch(body17) is None:
        raise AnxinError(
            f"“{body17}”不是统一社会信用代码的前17位：应为2位字母数字、6位数字、9位字母数字（不含I、O、S、V、Z）",
            f"{body17!r} is not the first 17 characters of a credit code: 2 symbols, 6 digits, 9 symbols, "
            "without I, O, S, V, Z",
        )
    return body17 + _uscc_check(body17)


def organisation_ok(code9: str) -> bool:
    """Tell whether a nine-character organisation code (places 9 to 17 of a credit code) passes GB 11714."""
    if _ORGANISATION.fullmatch(code9) is None:
        return False
    return organisation_check(code9[:8]) == code9[8]


def organisation_check(body8: str) -> str:
    """Return the GB 11714 check character (0-9 or X) of eight digits and capital letters."""
    weighted = sum(
        int(symbol, 36) * weight for symbol, weight in zip(body8, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X0"[11 - weighted % 11]


def project_code_ok(code: str) -> bool:
    """Tell whether a code has the shape ``YYMM-RRRRRR-DD-TT-NNNNNC``, a ``#section`` (标段) or not."""
    return _PROJECT.fullmatch(code) is not None


def warning_id(kind: str, subject_id: str, since: date) -> str:
    """Return the number of a warning of our lists: its first day and eight characters of who it is about.

    >>> warning_id("employer", "91500000MA5U0000XX", date(2026, 1, 5))[:10]
    'W20260105-'
    """
    return f"W{since:%Y%m%d}-{warning_code(kind, subject_id)}"


def warning_code(kind: str, subject_id: str) -> str:
    """Return the eight characters at the end of each warning number of a subject."""
    return hashlib.sha256(f"{kind}/{subject_id}".encode()).hexdigest()[:8].upper()


def _uscc_check(body17: str) -> str:
    total = int(_VALUE[np.frombuffer(body17.encode("ascii"), dtype=np.uint8)] @ _USCC_WEIGHTS)
    return USCC_ALPHABET[(31 - total % 31) % 31]
