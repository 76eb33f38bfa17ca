"""One delivered column, of whatever physical type, into the type the contract names.

Nothing here raises for a bad value: every row gets a fault code (0 is none), so that one bad cell refuses one
row. Most columns are cast whole. Where values are of many forms they are few in number (dates, months,
flags), so Python reads each distinct value once and the result is spread over the rows; this keeps the rules
readable and exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anxin.feeds.contract import MONEY_DIGITS, MOST_COUNTED, Column

CHINA = timezone(timedelta(hours=8))
_EIGHT_HOURS_US = 8 * 3600 * 1_000_000
_EXACT_FLOAT = 2.0**53
_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0+)?)?)?"
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})" + _MIDNIGHT)
_MONTH = re.compile(r"(\d{4}-\d{2})")
_INTEGER = re.compile(r"[+-]?\d+(?:\.0*)?")
_ZONE = r"[0-9](Z|[+-][0-9]{2}:?[0-9]{2})$"
_PLAIN_DECIMAL = r"^[+-]?[0-9]{1,16}(\.[0-9]{1,18})?$"
_TRUTHS = {"true": True, "1": True, "是": True, "false": False, "0": False, "否": False}


class Fault(IntEnum):
    """Why a cell refuses its row."""

    NONE = 0
    MISSING = 1
    TYPE = 2
    ENUM = 3
    OVERFLOW = 4
    FRACTION = 5
    INFINITE = 6
    ENCODING = 7
    NOT_FIRST_OF_MONTH = 8
    TIME_OF_DAY = 9
    FIELDS = 10


Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Cast:
    """A column in its lake type, and one fault code per row; a faulty cell is null."""

    values: pa.Array
    faults: Codes


def cast(column: Column, raw: pa.Array) -> Cast:
    """Cast one delivered column to its lake type; an empty value in a required column is a fault."""
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_null(raw.type):
        done = Cast(pa.nulls(len(raw), column.type), _no_faults(len(raw)))
    else:
        text, broken = _text(raw)
        done = _KINDS[column.kind](column, raw, text)
        if broken is not None:
            done = Cast(done.values, np.where(broken, np.int8(Fault.ENCODING), done.faults))
    if column.kind in ("date", "month", "timestamp"):
        done = _within_calendar(column, done)
    if column.kind == "int":
        done = _countable(done)
    if column.optional:
        return done
    empty = _mask(pc.is_null(done.values)) & (done.faults == 0)
    return Cast(done.values, np.where(empty, np.int8(Fault.MISSING), done.faults))


def _within_calendar(column: Column, done: Cast) -> Cast:
    """Refuse days outside the years 1 to 9999: no tool behind the lake could read them."""
    first, last = pa.scalar(datetime(1, 1, 1)), pa.scalar(datetime(9999, 12, 31, 23, 59, 59, 999999))
    first, last = first.cast(column.type, safe=False), last.cast(column.type, safe=False)
    outside = _mask(pc.or_(pc.less(done.values, first), pc.greater(done.values, last)))
    if not outside.any():
        return done
    values = pc.if_else(pa.array(outside), pa.scalar(None, column.type), done.values)
    return Cast(values, np.where(outside, np.int8(Fault.OVERFLOW), done.faults))


def _countable(done: Cast) -> Cast:
    """Refuse whole numbers no count reaches."""
    far = pc.or_(pc.greater_equal(done.values, MOST_COUNTED), pc.less_equal(done.values, -MOST_COUNTED))
    beyond = _mask(far)
    if not beyond.any():
        return done
    values = pc.if_else(pa.array(beyond), pa.scalar(None, pa.int64()), done.values)
    return Cast(values, np.where(beyond, np.int8(Fault.OVERFLOW), done.faults))


def _no_faults(rows: int) -> Codes:
    return np.zeros(rows, dtype=np.int8)


def _mask(array: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _all(raw: pa.Array, column: Column, fault: Fault) -> Cast:
    """Refuse every value of a column whose physical type has no meaning here."""
    there = _mask(pc.is_valid(raw))
    return Cast(pa.nulls(len(raw), column.type), np.where(there, np.int8(fault), np.int8(0)).astype(np.int8))


def _text(raw: pa.Array) -> tuple[pa.Array | None, npt.NDArray[np.bool_] | None]:
    """Return the column as text with empty strings as nulls, if it is text; and which rows are not UTF-8."""
    kind = raw.type
    if not any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    ):
        return None, None
    broken = None
    try:
        text = raw.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        decoded, broken = [], np.zeros(len(raw), dtype=np.bool_)
        for row, cell in enumerate(raw.cast(pa.binary()).to_pylist()):
            try:
                decoded.append(None if cell is None else cell.decode("utf-8"))
            except UnicodeDecodeError:
                decoded.append(None)
                broken[row] = True
        text = pa.array(decoded, pa.string())
    return pc.replace_with_mask(text, pc.equal(text, ""), pa.scalar(None, pa.string())), broken


def _by_distinct(text: pa.Array, parse: Callable[[str], Any], target: pa.DataType) -> Cast:
    """Parse each distinct value once; `parse` returns the value or the Fault of a value it cannot read."""
    coded = text.dictionary_encode()
    results = [parse(value.strip()) for value in coded.dictionary.to_pylist()]
    values = pa.array([None if isinstance(one, Fault) else one for one in results], target)
    faults = np.array([one if isinstance(one, Fault) else 0 for one in results] + [0], dtype=np.int8)
    where = coded.indices.fill_null(len(results)).to_numpy(zero_copy_only=False)
    return Cast(values.take(coded.indices), faults[where])


def _patched(base: pa.Array, faults: Codes, rows: npt.NDArray[np.bool_], patch: Cast) -> Cast:
    """Put the cells of `patch` (one per true row) into `base`."""
    values = pc.replace_with_mask(base, pa.array(rows), patch.values)
    faults = faults.copy()
    faults[rows] = patch.faults
    return Cast(values, faults)


def _string(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    if text is not None:
        return Cast(text, _no_faults(len(text)))
    if pa.types.is_integer(raw.type):
        return Cast(raw.cast(pa.string()), _no_faults(len(raw)))
    if pa.types.is_floating(
        raw.type
    ):  # identifiers of digits become floats in pandas when one of them is empty
        whole = _int(column, raw, None)
        faults = np.where(whole.faults == Fault.FRACTION, np.int8(Fault.TYPE), whole.faults)
        return Cast(whole.values.cast(pa.string()), faults)
    return _all(raw, column, Fault.TYPE)


def _enum(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    if text is None:
        return _all(raw, column, Fault.ENUM)
    text = pc.utf8_trim_whitespace(text)
    known = pc.is_in(text, value_set=pa.array(column.choices, pa.string()))
    faults = np.where(_mask(pc.is_valid(text)) & ~_mask(known), np.int8(Fault.ENUM), np.int8(0)).astype(
        np.int8
    )
    return Cast(pc.if_else(known, text, pa.scalar(None, pa.string())), faults)


def _bool(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    def parse(value: str) -> bool | Fault:
        return _TRUTHS.get(value.lower(), Fault.TYPE)

    if pa.types.is_boolean(raw.type):
        return Cast(raw, _no_faults(len(raw)))
    if text is not None:
        return _by_distinct(text, parse, pa.bool_())
    if _is_number(raw.type):
        whole = _int(column, raw, None)
        flags = _by_distinct(whole.values.cast(pa.string()), parse, pa.bool_())
        faults = np.where(whole.faults != 0, np.int8(Fault.TYPE), flags.faults)
        return Cast(flags.values, faults)
    return _all(raw, column, Fault.TYPE)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _int(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    def parse(value: str) -> int | Fault:
        if not _INTEGER.fullmatch(value):
            return Fault.FRACTION if _number(value) is not None else Fault.TYPE
        number = int(value.partition(".")[0])
        return number if -(2**63) <= number < 2**63 else Fault.OVERFLOW

    if text is not None:
        return _by_distinct(text, parse, pa.int64())
    if pa.types.is_integer(raw.type):
        try:
            return Cast(raw.cast(pa.int64()), _no_faults(len(raw)))
        except pa.ArrowInvalid:  # unsigned values beyond int64
            return _by_distinct(raw.cast(pa.string()), parse, pa.int64())
    if pa.types.is_decimal(raw.type):
        return _by_distinct(raw.cast(pa.string()), parse, pa.int64())
    if pa.types.is_floating(raw.type):
        numbers = _floats(raw)
        faults = _no_faults(len(numbers))
        faults[np.isinf(numbers)] = Fault.INFINITE
        finite = np.isfinite(numbers)
        faults[finite & (np.abs(numbers) > _EXACT_FLOAT)] = Fault.OVERFLOW
        faults[finite & (np.rint(numbers) != numbers)] = Fault.FRACTION
        keep = finite & (faults == 0)
        whole = np.where(keep, numbers, 0.0).astype(np.int64)
        return Cast(pa.array(whole, pa.int64(), mask=~keep), faults)
    return _all(raw, column, Fault.TYPE)


def _floats(raw: pa.Array) -> npt.NDArray[np.float64]:
    """Return the column as float64, empty cells as NaN."""
    return np.asarray(raw.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _number(value: str) -> Decimal | None:
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def _rounded(number: Decimal, scale: int) -> Decimal | Fault | None:
    """Round half away from zero (四舍五入) to the column's scale; NaN is empty."""
    if number.is_nan():
        return None
    if number.is_infinite():
        return Fault.INFINITE
    if number and number.adjusted() >= MONEY_DIGITS:
        return Fault.OVERFLOW
    with localcontext(prec=1000):
        rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    return rounded if abs(rounded) < Decimal(10) ** (MONEY_DIGITS - scale) else Fault.OVERFLOW


def _decimal(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    if text is not None:
        return _decimal_from_text(column, text)
    if pa.types.is_floating(raw.type):
        return _decimal_from_floats(column, raw)
    if pa.types.is_integer(raw.type):
        limit = 10 ** (MONEY_DIGITS - column.scale)
        wide = raw.cast(pa.decimal128(38, 0))
        small = _mask(pc.and_(pc.less(wide, Decimal(limit)), pc.greater(wide, Decimal(-limit))))
        return _kept(column, wide, small)
    if pa.types.is_decimal(raw.type):
        return _decimal_from_decimals(column, raw)
    return _all(raw, column, Fault.TYPE)


def _decimal_from_decimals(column: Column, raw: pa.Array) -> Cast:
    """Take decimals of the column's own type as they are, if all fit; any other goes the way of its text."""
    if raw.type != column.type:
        return _decimal_from_text(column, raw.cast(pa.string()))
    limit = Decimal(10) ** (MONEY_DIGITS - column.scale)
    ends = pc.min_max(raw).as_py()
    if ends["max"] is not None and not -limit < ends["min"] <= ends["max"] < limit:
        return _decimal_from_text(column, raw.cast(pa.string()))
    return Cast(raw, _no_faults(len(raw)))


def _kept(column: Column, wide: pa.Array, small: npt.NDArray[np.bool_]) -> Cast:
    there = _mask(pc.is_valid(wide))
    values = pc.if_else(pa.array(small & there), wide, pa.scalar(None, wide.type)).cast(column.type)
    return Cast(values, np.where(there & ~small, np.int8(Fault.OVERFLOW), np.int8(0)).astype(np.int8))


def _decimal_from_text(column: Column, text: pa.Array) -> Cast:
    def parse(value: str) -> Decimal | Fault | None:
        number = _number(value)
        return Fault.TYPE if number is None else _rounded(number, column.scale)

    plain = pc.match_substring_regex(text, _PLAIN_DECIMAL).fill_null(True)
    wide = pc.if_else(plain, text, pa.scalar(None, pa.string())).cast(pa.decimal128(38, 18))
    rounded = pc.round(wide, column.scale, round_mode="half_towards_infinity")
    limit = Decimal(10 ** (MONEY_DIGITS - column.scale))
    done = _kept(column, rounded, _mask(pc.and_(pc.less(rounded, limit), pc.greater(rounded, -limit))))
    odd = ~_mask(plain)
    if not odd.any():
        return done
    return _patched(
        done.values, done.faults, odd, _by_distinct(text.filter(pa.array(odd)), parse, column.type)
    )


def _decimal_from_floats(column: Column, raw: pa.Array) -> Cast:
    """Round what the float's shortest text says, as if it had come in a CSV.

    `number * 10**scale` is off by at most an ulp or two, so only values that close to a half can round
    wrongly in binary; these few (and the very large) go through their text.
    """
    number = _floats(raw)
    finite = np.isfinite(number)
    scaled = np.where(finite, number, 0.0) * 10.0**column.scale
    ulp = float(np.finfo(np.float64 if pa.types.is_float64(raw.type) else np.float32).eps)
    near_half = np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) <= 4 * ulp * np.abs(scaled)
    near_half |= np.abs(scaled) >= 2.0**50
    units = np.rint(np.where(near_half, 0.0, scaled)).astype(np.int64)
    values = _decimal_of_units(units, finite, column)
    faults = _no_faults(len(number))
    faults[np.isinf(number)] = Fault.INFINITE
    if not near_half.any():
        return Cast(values, faults)
    cells = raw.filter(pa.array(near_half)).to_numpy(zero_copy_only=False)
    exact = [_rounded(Decimal(str(cell)), column.scale) for cell in cells]
    patch = Cast(
        pa.array([None if isinstance(one, Fault) else one for one in exact], column.type),
        np.array([one if isinstance(one, Fault) else 0 for one in exact], dtype=np.int8),
    )
    return _patched(values, faults, near_half, patch)


def _decimal_of_units(units: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_], column: Column) -> pa.Array:
    """Build decimals from counts of their smallest unit (fen), by laying out the 128-bit words."""
    words = np.empty((len(units), 2), dtype="<i8")
    words[:, 0] = units
    words[:, 1] = units >> 63
    whole = pa.Array.from_buffers(column.type, len(units), [None, pa.py_buffer(words)])
    return pc.if_else(pa.array(valid), whole, pa.scalar(None, column.type))


def _date(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    def parse(value: str) -> date | Fault:
        found = _DATE.fullmatch(value)
        if not found:
            return Fault.TYPE
        try:
            return date.fromisoformat(found[1])
        except ValueError:
            return Fault.TYPE

    if text is not None:
        return _by_distinct(text, parse, pa.date32())
    if pa.types.is_date32(raw.type):
        return Cast(raw, _no_faults(len(raw)))
    if pa.types.is_date64(raw.type):
        raw = raw.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(raw.type):
        local = _local(raw)
        day = local.cast(pa.date32(), safe=False)
        odd = _mask(pc.not_equal(day.cast(pa.timestamp("us")), local))
        values = pc.if_else(pa.array(odd), pa.scalar(None, pa.date32()), day)
        return Cast(values, np.where(odd, np.int8(Fault.TIME_OF_DAY), np.int8(0)).astype(np.int8))
    return _all(raw, column, Fault.TYPE)


def _month(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    if text is not None:
        trimmed = pc.utf8_trim_whitespace(text)
        short = pc.match_substring_regex(trimmed, f"^{_MONTH.pattern}$".replace(r"\d", "[0-9]"))
        text = pc.if_else(short, pc.binary_join_element_wise(trimmed, pa.scalar("-01"), ""), trimmed)
    day = _date(column, raw, text)
    late = _mask(pc.not_equal(pc.day(day.values), 1))
    values = pc.if_else(pa.array(late), pa.scalar(None, pa.date32()), day.values)
    return Cast(values, np.where(late, np.int8(Fault.NOT_FIRST_OF_MONTH), day.faults))


def _local(raw: pa.Array) -> pa.Array:
    """Return timestamps as naive +08:00 microseconds; finer parts are cut off, as no midnight can tell."""
    micro = raw.cast(pa.timestamp("us", raw.type.tz), safe=False)
    if raw.type.tz is None:
        return micro
    return pc.add(micro.cast(pa.int64()), _EIGHT_HOURS_US).cast(pa.timestamp("us"))


def _timestamp(column: Column, raw: pa.Array, text: pa.Array | None) -> Cast:
    def parse(value: str) -> datetime | Fault:
        if not value[:4].isdigit() or value[4:5] != "-":
            return Fault.TYPE
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return Fault.TYPE
        try:
            return instant.astimezone(CHINA).replace(tzinfo=None) if instant.tzinfo else instant
        except OverflowError:
            return Fault.OVERFLOW

    if text is not None:
        zoned = _mask(pc.match_substring_regex(text, _ZONE))
        try:
            utc = pc.if_else(pa.array(zoned), text, pa.scalar(None, pa.string())).cast(
                pa.timestamp("us", "UTC")
            )
            naive = pc.if_else(pa.array(zoned), pa.scalar(None, pa.string()), text).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            return _by_distinct(text, parse, pa.timestamp("us"))
        return Cast(pc.coalesce(_local(utc), naive), _no_faults(len(text)))
    if pa.types.is_date(raw.type):
        raw = raw.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(raw.type):
        return Cast(_local(raw), _no_faults(len(raw)))
    return _all(raw, column, Fault.TYPE)


_KINDS: dict[str, Callable[[Column, pa.Array, pa.Array | None], Cast]] = {
    "string": _string,
    "enum": _enum,
    "bool": _bool,
    "int": _int,
    "decimal": _decimal,
    "date": _date,
    "month": _month,
    "timestamp": _timestamp,
}
