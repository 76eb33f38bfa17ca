"""The ability to pay of every employer on a day, and the watch-list 重点监控 of those in difficulty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.domain import divisions
from anxin.domain.errors import AnxinError
from anxin.models.ability import DIFFICULT, KIND, UNKNOWN, ability_of, hard_facts, levels
from anxin.models.reasons import explain, usual_values
from anxin.models.scoring import Model
from anxin.serving import schema
from anxin.serving.published import Published, Reason
from anxin.serving.rows import reason_row, regulators_of
from anxin.serving.wording import Words

FILE = "ability.parquet"


class Scored(Protocol):
    """All subjects of a kind on a day, scored by the main model."""

    @property
    def model(self) -> Model:
        """The main model."""

    @property
    def snapshot(self) -> pa.Table:
        """All subjects with their features."""

    @property
    def scores(self) -> pd.DataFrame:
        """Their scores."""


@dataclass(frozen=True)
class Ability:
    """One employer's ability to pay: the columns of ``ability.parquet``."""

    rank: int
    subject_id: str
    name: str
    district: str
    district_name: str
    regulator: str
    level: int
    probability: float
    score: float
    base: float
    grade: int
    p90: float
    reasons: tuple[Reason, ...]

    @property
    def words(self) -> Words:
        """The level in words."""
        return level_words(self.level)


def level_words(level: int) -> Words:
    """Return a level in Chinese and English."""
    found = next((one for one in levels() if one.level == level), None)
    return Words("资料不足", "no data") if found is None else Words(found.zh, found.en)


def abilities(models: Path, scored: Mapping[str, Scored], day: date) -> pa.Table | None:
    """Return `ability.parquet` of a day: every employer, the worst first; None where the model knows no signs of money.

    Those in difficulty and those on the list get their reasons; one whose reasons do not add up is left out.
    """
    part = scored.get(KIND)
    ability = None if part is None else ability_of(models, part.model)
    if part is None or ability is None:
        return None
    model = ability.model(part.model)
    values = model.matrix(part.snapshot)
    probability = ability.probability(values)
    hard = hard_facts(part.snapshot, day)
    level = ability.level(probability, values, np.array([bool(facts) for facts in hard], dtype=np.bool_))
    main = part.scores.set_index("subject_id")[["grade", "p90"]]
    facts = part.snapshot.select([name for name in part.snapshot.column_names if name in _FACTS]).to_pylist()
    main = main.loc[[fact["subject_id"] for fact in facts]]
    told = np.flatnonzero((level == DIFFICULT) | (main["grade"].to_numpy() > 0))
    usual = usual_values(model, part.snapshot)
    rows = part.snapshot.take(pa.array(told, pa.int64()))
    explained = dict(zip(told.tolist(), explain(model, rows, usual) if len(told) else [], strict=True))
    margin = model.ordered.margin(values)
    # By what is known of money: those of whom nothing is known come last.
    order = sorted(
        range(len(facts)), key=lambda i: (level[i] == UNKNOWN, -probability[i], facts[i]["subject_id"])
    )
    found: list[dict[str, Any]] = []
    for i in order:
        one = explained.get(i)
        if one is not None and not one.adds_up:
            continue
        fact, district = facts[i], facts[i]["district"] or ""
        found.append(
            {
                "rank": len(found) + 1,
                "subject_id": fact["subject_id"],
                "name": fact["name"] or fact["subject_id"],
                "district": district,
                "district_name": divisions.name(district, day) if district else "",
                "regulator": regulators_of(KIND, fact, day).primary,
                "level": int(level[i]),
                "probability": float(probability[i]),
                "score": float(margin[i]),
                "base": None if one is None else one.base,
                "grade": int(main["grade"].iloc[i]),
                "p90": float(main["p90"].iloc[i]),
                "reasons": []
                if one is None
                else [reason_row(reason, district, day) for reason in one.reasons() or hard[i]],
            }
        )
    return pa.Table.from_pylist(found, schema.ABILITY)


_FACTS = frozenset({"subject_id", "name", "district", "industry", "ownership", "park"})


class Abilities:
    """The abilities of one published list, read from its file."""

    def __init__(self, published: Published) -> None:
        """Take the list they stand in; raises `AnxinError` where it was published without them."""
        if not published.has(FILE):
            raise AnxinError(
                f"{published.as_of} 的清单没有工资支付能力：模型未见信贷、税务、社保等资金数据，或训练于旧版本；"
                "请在收到这些数据后重新训练并发布",
                f"the list of {published.as_of} has no ability to pay: its model saw no feed of money, or is of an older "
                "version; train and publish again with such feeds",
            )
        self.published = published

    @cached_property
    def every(self) -> tuple[Ability, ...]:
        """All employers, the worst first."""
        return tuple(_read(self.published.table(FILE)))

    def watched(self, district: str | None = None) -> list[Ability]:
        """Return those in difficulty 重点监控, the worst first, of one district if asked (its code, or a town's)."""
        return [
            one
            for one in self.every
            if one.level == DIFFICULT and (district is None or one.district.startswith(district))
        ]

    def counts(self) -> dict[str, int]:
        """Return how many employers there are of each level, in words."""
        found = [*(level.level for level in levels()), UNKNOWN]
        return {level_words(level).zh: sum(one.level == level for one in self.every) for level in found}


def of_subject(published: Published, kind: str, subject_id: str) -> Ability | None:
    """Return one employer's ability, None for a project or where the list has none."""
    if kind != KIND or not published.has(FILE):
        return None
    rows = published.table(FILE, wanted=[("subject_id", "=", subject_id)])
    return next(iter(_read(rows)), None)


def _read(table: pa.Table) -> Iterator[Ability]:
    for values in table.to_pylist():
        reasons: Sequence[Mapping[str, Any]] = values["reasons"] or ()
        yield Ability(**{**values, "reasons": tuple(Reason(**reason) for reason in reasons)})
