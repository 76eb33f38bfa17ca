"""What changed since the list before: new, continuing, upgraded, eased, cleared, and the finding that did it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from anxin.domain import identifiers
from anxin.domain.errors import AnxinError
from anxin.ledger.published import Published as Record
from anxin.models.reasons import Explained, Part, amount
from anxin.serving import schema
from anxin.serving.calm import Before
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.wording import GRADES, percent

_log = logging.getLogger("anxin.serving")

_Key = tuple[str, str]

_SMALL = 0.005
"""A change of probability under half a point is no news."""


@dataclass(frozen=True)
class Compared:
    """A day's list beside the one before it."""

    day: date
    rows: Mapping[_Key, Mapping[str, Any]]
    contributions: Mapping[_Key, Mapping[str, float]]
    p90: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By kind, what everyone was scored on the list before."""
    models: Mapping[str, str] = field(default_factory=dict)
    """By kind, the model of the list before."""
    previous: date | None = None
    previous_unreadable: bool = False
    """There is a list before, but its folder is gone or broken: nothing could be compared."""
    lowest: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By kind, the lowest p90 of whoever waits for a place, since it first did."""
    owed: Mapping[str, int] = field(default_factory=dict)
    """By kind, places that changed hands beyond their turns."""
    values: Mapping[_Key, Mapping[str, float | None]] = field(default_factory=dict)
    """What the figures behind the contributions were."""

    def before(self, kind: str, model_id: str) -> Before | None:
        """Return places and p90 of a kind on the list before; None without one, or where another model gave it."""
        if self.previous is None or self.models.get(kind) != model_id:
            return None
        places = {subject: row["rank"] for (of, subject), row in self.rows.items() if of == kind}
        return Before(
            self.previous, places, self.p90[kind], self.lowest.get(kind, {}), self.owed.get(kind, 0)
        )

    def grades(self, kind: str, model_id: str) -> dict[str, int]:
        """Return the model's own grade of each subject of a kind on the list before, of the same model only."""
        if self.models.get(kind) != model_id:
            return {}
        return {
            subject: row["grade"] if row.get("grade_model") is None else row["grade_model"]
            for (of, subject), row in self.rows.items()
            if of == kind
        }

    def change(self, row: Mapping[str, Any], explained: Explained) -> dict[str, Any]:
        """Return `warning_id`, `since`, `change` and its sentences for a row of today (its `model_version` included)."""
        key = (row["kind"], row["subject_id"])
        before = self.rows.get(key)
        if before is None:
            first = next(iter(explained.reasons()), None)
            zh = f"首次列入：{first.zh}" if first is not None else "首次列入"
            en = f"first listed: {first.en}" if first is not None else "first listed"
            return {
                "warning_id": warning_id(key, self.day),
                "since": self.day,
                "change": "new",
                "change_zh": zh,
                "change_en": en,
            }
        kind = _kind(before["grade"], row["grade"])
        zh, en = self._sentence(key, before, row, explained)
        return {
            "warning_id": before["warning_id"],
            "since": before["since"],
            "change": kind,
            "change_zh": zh,
            "change_en": en,
        }

    def _sentence(
        self, key: _Key, before: Mapping[str, Any], row: Mapping[str, Any], explained: Explained
    ) -> tuple[str, str]:
        rise = row["p90"] - before["p90"]
        if abs(rise) < _SMALL and before["grade"] == row["grade"]:
            return "与上期持平", "as in the list before"
        then, today = percent(before["p90"]), percent(row["p90"])
        zh, en = f"概率由{then}变为{today}", f"probability from {then} to {today}"
        if abs(rise) < _SMALL:
            was, now = GRADES[before["grade"]], GRADES[row["grade"]]
            zh = f"概率约{today}，与上期基本持平，预警由{was.zh}色改为{now.zh}色"
            en = f"a probability of about {today}, as before; {was.en} then, {now.en} now"
        if self.models.get(key[0]) != row["model_version"]:
            # What two models owe a feature cannot be compared.
            return f"{zh}（模型已更换）", f"{en} (another model)"
        cause = self._cause(key, explained, rise > 0) if abs(rise) >= _SMALL else None
        if cause is not None:
            why = moved(cause, self.values.get(key, {}).get(cause.feature.name), rise > 0)
            zh, en = f"{zh}，主要因为：{why[0]}", f"{en}, mostly because: {why[1]}"
        return zh, en

    def _cause(self, key: _Key, explained: Explained, up: bool) -> Part | None:
        """Return the part whose contribution moved most in the direction of the change."""
        old = self.contributions.get(key, {})
        sign = 1.0 if up else -1.0
        steps = [
            (sign * (part.contribution - old.get(part.feature.name, 0.0)), part)
            for part in explained.parts
            if part.value is not None and part.feature.reason
        ]
        largest = max(steps, key=lambda step: step[0], default=None)
        return largest[1] if largest is not None and largest[0] > 0 else None

    def cleared(
        self,
        rows: Iterable[Mapping[str, Any]],
        scores: Mapping[str, pd.DataFrame],
        withheld: Collection[_Key] = (),
    ) -> list[dict[str, Any]]:
        """Return the warnings of the list before that today's rows no longer carry, and why.

        `withheld` are those still above the line whose reasons did not add up today.
        """
        today = {(row["kind"], row["subject_id"]) for row in rows}
        p90 = {
            kind: dict(zip(table["subject_id"], table["p90"], strict=True)) for kind, table in scores.items()
        }
        models = {kind: next(iter(table.get("model_version", ())), None) for kind, table in scores.items()}
        gone = []
        for key, before in self.rows.items():
            if key in today:
                continue
            now = p90.get(key[0], {}).get(key[1])
            was, is_now = percent(before["p90"]), percent(now)
            if now is None:
                zh, en = "已注销、完工或不在评分范围", "deregistered, finished or no longer scored"
            elif key in withheld:
                zh = f"概率由{was}变为{is_now}，评分依据核对不符，本期暂不列出"
                en = f"probability from {was} to {is_now}; withheld, its reasons did not add up"
            elif before.get("put_by") == "rule":
                zh = f"规则不再命中，概率{is_now}低于{GRADES[1].zh}色预警线"
                en = f"no rule holds any longer, and a probability of {is_now} is below blue"
            else:
                # Of another model the line lies elsewhere: the probability may even have risen.
                replaced = models[key[0]] not in (None, self.models.get(key[0]))
                by, of = ("（模型已更换）", " (another model)") if replaced else ("", "")
                zh = f"概率由{was}变为{is_now}{by}，低于{GRADES[1].zh}色预警线"
                en = f"probability from {was} to {is_now}{of}, below blue"
            gone.append(
                {
                    "kind": key[0],
                    "subject_id": key[1],
                    "name": before["name"],
                    "warning_id": before["warning_id"],
                    "grade": before["grade"],
                    "why_zh": zh,
                    "why_en": en,
                }
            )
        return gone


def moved(part: Part, before: float | None, up: bool) -> tuple[str, str]:
    """Say how a figure moved since the list before; one that reads as before weighs more or less today beside others."""
    feature = part.feature
    assert part.value is not None
    now = amount(feature, part.value)
    then = None if before is None else amount(feature, before)
    if then is None:
        return (
            f"{feature.zh}为{now[0]}（上期没有数据）",
            f"{feature.en} is {now[1]} (no data in the list before)",
        )
    if then == now:
        zh, en = ("增大", "more") if up else ("减小", "less")
        return f"{feature.zh}（{now[0]}）的影响{zh}", f"{feature.en} ({now[1]}) weighs {en}"
    return f"{feature.zh}由{then[0]}变为{now[0]}", f"{feature.en} from {then[1]} to {now[1]}"


def compare(home: Home, previous: Record | None, day: date) -> Compared:
    """Read what the list before said; an empty comparison where there is none, or where it cannot be read."""
    if previous is None:
        return Compared(day, {}, {})
    try:
        return _compared(Published.of_entry(home.root, previous), day)
    except AnxinError as error:
        _log.error("the list before %s cannot be read, nothing is compared: %s", day, error)
        return Compared(day, {}, {}, previous_unreadable=True)


def _compared(previous: Published, day: date) -> Compared:
    columns = ["kind", "subject_id", "name", "warning_id", "since", "grade", "p90", "rank", "put_by"]
    columns += ["grade_model", "visited_on"]
    # Whoever was drawn at random was not warned of.
    rows = [row for row in previous.table("list.parquet", columns).to_pylist() if row["put_by"] != "random"]
    scores = previous.table("scores.parquet", ["kind", "subject_id", "p90", "model_version"])
    p90: dict[str, dict[str, float]] = {}
    models: dict[str, str] = {}
    cells = (scores[name].to_pylist() for name in ("kind", "subject_id", "p90", "model_version"))
    for kind, subject, figure, model in zip(*cells, strict=True):
        p90.setdefault(kind, {})[subject] = figure
        models[kind] = model
    of_part = ["kind", "subject_id", "feature", "contribution", "value"]
    parts = previous.table("explanations.parquet", of_part)
    parts = parts.filter(pc.not_equal(parts["feature"], ""))
    contributions: dict[_Key, dict[str, float]] = {}
    values: dict[_Key, dict[str, float | None]] = {}
    cells = (parts[name].to_pylist() for name in of_part)
    for kind, subject, feature, size, value in zip(*cells, strict=True):
        contributions.setdefault((kind, subject), {})[feature] = size
        values.setdefault((kind, subject), {})[feature] = value
    listed = {(row["kind"], row["subject_id"]): row for row in rows}
    # Lists made before turns were counted owe none.
    owed = previous.manifest.content["counts"].get("turns_owed", {})
    lowest = _lowest(previous)
    return Compared(
        day, listed, contributions, p90, models, previous.as_of, lowest=lowest, owed=owed, values=values
    )


def _lowest(previous: Published) -> dict[str, dict[str, float]]:
    """Return, by kind, what the list before kept of those who wait; nothing of a list from before that was kept."""
    found: dict[str, dict[str, float]] = {}
    if previous.has("waiting.parquet"):
        for row in previous.table("waiting.parquet", schema.WAITING.names).to_pylist():
            found.setdefault(row["kind"], {})[row["subject_id"]] = row["lowest_p90"]
    return found


def warning_id(key: _Key, since: date) -> str:
    """Return the number of a warning about a subject that was first listed on a day."""
    return identifiers.warning_id(*key, since)


def _kind(before: int, now: int) -> str:
    if now > before:
        return "upgraded"
    return "eased" if now < before else "continuing"
