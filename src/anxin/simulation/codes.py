"""Identifiers made in bulk: credit codes, project codes, and the keyed names of people."""

import numpy as np
import pyarrow as pa

from anxin.domain.identifiers import USCC_ALPHABET
from anxin.simulation.arrays import Ints

_SYMBOLS = np.frombuffer(USCC_ALPHABET.encode(), dtype=np.uint8)
_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ORGANISATION_CHECKS = np.frombuffer(b"0123456789X0", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_VALUE = np.full(128, -1)
_VALUE[_SYMBOLS] = np.arange(31)
_ORDINAL = np.full(128, -1)
_ORDINAL[[ord(c) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = np.arange(36)


def credit_codes(rng: np.random.Generator, regions: Ints, prefixes: Ints, invalid_share: float) -> list[str]:
    """Return one distinct credit code for each region, a few million at most.

    A few have a wrong check character, as real ones do.
    `regions` are six-digit codes as integers, `prefixes` two-digit ones (91 enterprise, 11 authority).
    """
    n = len(regions)
    numbers = rng.permutation(np.unique(rng.integers(0, 31**5, n + n // 5 + 100))[:n])
    body = np.empty((n, 18), dtype=np.uint8)
    body[:, 0:2] = _digits(prefixes, 2)
    body[:, 2:8] = _digits(regions, 6)
    body[:, 8:10] = np.frombuffer(b"MA", dtype=np.uint8)
    body[:, 10] = _SYMBOLS[5]
    for place in range(5):
        body[:, 15 - place] = _SYMBOLS[numbers // 31**place % 31]
    sums = _ORDINAL[body[:, 8:16]] @ _ORGANISATION_WEIGHTS
    body[:, 16] = _ORGANISATION_CHECKS[11 - sums % 11]
    check = (31 - _VALUE[body[:, :17]] @ _WEIGHTS % 31) % 31
    check = np.where(rng.random(n) < invalid_share, (check + 1 + rng.integers(0, 30, n)) % 31, check)
    body[:, 17] = _SYMBOLS[check]
    return [code.decode() for code in body.view("S18").ravel()]


def project_codes(rng: np.random.Generator, approved: Ints, regions: Ints) -> list[str]:
    """Return distinct codes ``YYMM-RRRRRR-DD-TT-NNNNNC`` from approval days and regions."""
    months = approved.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    year, month = 1970 + months // 12, months % 12 + 1
    serial = (
        rng.permutation(100_000)[: len(approved)] if len(approved) <= 100_000 else np.arange(len(approved))
    )
    kind, check = rng.choice([1, 2, 4, 5], len(approved)), rng.integers(0, 10, len(approved))
    return [
        f"{y % 100:02d}{m:02d}-{r:06d}-04-{k:02d}-{s % 100_000:05d}{c}"
        for y, m, r, k, s, c in zip(year, month, regions, kind, serial, check, strict=True)
    ]


def keyed_names(rng: np.random.Generator, number: int) -> pa.StringArray:
    """Return distinct keys of 64 hexadecimal characters, as a keyed hash of a person looks."""
    raw = np.frombuffer(rng.bytes(32 * number), dtype=np.uint8).reshape(number, 32)
    text = np.empty((number, 64), dtype=np.uint8)
    text[:, 0::2], text[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    offsets = np.arange(number + 1, dtype=np.int32) * 64
    return pa.StringArray.from_buffers(number, pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))


def serials(prefix: str, number: int) -> list[str]:
    """Return `number` distinct ids that begin with a prefix."""
    return [f"{prefix}{i:08d}" for i in range(number)]


def _digits(numbers: Ints, width: int) -> Ints:
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (np.asarray(numbers)[:, None] // powers % 10 + 48).astype(np.uint8)
