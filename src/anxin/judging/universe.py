"""Who is judged on a day without a published list, and what everyone is sliced by: place, sector, size, ownership.

All of it is as known on the day, from the lake alone, so that a list of another system can be judged on any day the lake
reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from anxin.domain import divisions, industries
from anxin.features.known import KEYS, Kind, Known
from anxin.features.subjects import in_hand, subjects
from anxin.feeds.asof import View
from anxin.judging.frames import frame

_HEADS_DAYS = 150
"""Days in which the latest declaration of insured heads is looked for."""

_PACK = 1_000_000_000
"""Above any headcount: month and heads in one whole number, so that the greatest holds the latest month's."""

_HEADS = ((1, "0"), (20, "1–19人"), (100, "20–99人"), (500, "100–499人"), (float("inf"), "≥500人"))
_CONTRACT = (
    (1e7, "<1000万元"),
    (5e7, "1000–5000万元"),
    (2e8, "5000万–2亿元"),
    (float("inf"), "≥2亿元"),
)
UNKNOWN = "未知 unknown"

DIMENSIONS = ("district", "sector", "size", "ownership")
"""What figures are told apart by; of projects, the type, the contract amount and who invests."""


def everyone_on(view: View, dates: Sequence[date], kind: Kind) -> pd.DataFrame:
    """Return everyone who would be scored on each date (`subject_id, as_of, in_hand, complaints_90d`).

    A date before anything was received has nobody. Raises what the engine raises.
    """
    known = Known(view, tuple(sorted(set(dates))), kind)
    people = subjects(known).select(*KEYS)
    held = in_hand(known).select(*KEYS, "in_hand")
    told = (
        known.rows("complaints", 90).group_by(KEYS).aggregate(complaints_90d=ibis._.count().cast("float64"))
    )
    table = frame(view, people)
    for part in (held, told):
        table = table.merge(frame(view, part), on=list(KEYS), how="left")
    table["in_hand"] = table["in_hand"].eq(True)
    table["complaints_90d"] = table["complaints_90d"].fillna(0.0)
    return table.sort_values(["as_of", "subject_id"], ignore_index=True)


def with_dimensions(view: View, rows: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Add `district`, `sector`, `size` and `ownership` to rows of `subject_id, as_of`, as text.

    Districts are resolved through the effective-dated table on the day; what nobody registered is `未知 unknown`.
    """
    dates = tuple(sorted(set(rows["as_of"])))
    if not dates:
        return rows.assign(**dict.fromkeys(DIMENSIONS, UNKNOWN))
    known = Known(view, dates, kind)
    facts = frame(view, _facts(known))
    if kind == "employer":
        heads = frame(view, _heads(known))
        facts = facts.merge(heads, on=list(KEYS), how="left")
    found = rows[list(KEYS)].merge(facts, on=list(KEYS), how="left")
    size = found["heads" if kind == "employer" else "contract_amount"].to_numpy(float)
    return rows.assign(
        district=_districts(found),
        sector=_sectors(found["sector"], kind).to_numpy(),
        size=_banded(size, _HEADS if kind == "employer" else _CONTRACT),
        ownership=found["ownership"].fillna(UNKNOWN).to_numpy(),
    )


def _facts(known: Known) -> ir.Table:
    rows = known.all(f"{known.kind}s")
    if known.kind == "employer":
        return rows.select(
            "as_of",
            subject_id=rows.employer_id,
            district=rows.district,
            sector=rows.industry,
            ownership=rows.ownership,
        )
    return rows.select(
        "as_of",
        subject_id=rows.project_id,
        district=rows.district,
        sector=rows.project_type,
        ownership=rows.investment,
        contract_amount=rows.contract_amount.cast("float64"),
    )


def _heads(known: Known) -> ir.Table:
    rows = known.rows("social_insurance", _HEADS_DAYS)
    packed = (rows.month.year() * 12 + rows.month.month()).cast("int64") * _PACK + rows.insured.cast("int64")
    return rows.mutate(packed=packed).group_by(KEYS).aggregate(heads=ibis._.packed.max() % _PACK)


def _districts(found: pd.DataFrame) -> list[str]:
    return [
        UNKNOWN if not isinstance(code, str) or not code else divisions.district(code, day)
        for code, day in zip(found["district"], found["as_of"], strict=True)
    ]


def _sectors(codes: pd.Series, kind: Kind) -> pd.Series:
    if kind == "project":
        return codes.fillna(UNKNOWN)
    sections = {code: industries.section(code) or code for code in codes.dropna().unique()}
    return codes.map(sections).fillna(UNKNOWN)


def _banded(values: np.ndarray, bands: Sequence[tuple[float, str]]) -> np.ndarray:
    places = np.searchsorted([most for most, _ in bands[:-1]], values, side="right")
    names = np.array([name for _, name in bands], dtype=object)[places]
    return np.where(np.isnan(values), UNKNOWN, names)
