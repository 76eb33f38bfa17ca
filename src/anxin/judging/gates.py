"""The gates a challenger goes through before it is live; pure functions of rows both models said something about.

Each gate passes, fails, or says that it does not know. `gates.yaml` holds the bounds and why they are what they are;
`fairness` has the cells. A figure outside its bound fails only where its interval lies outside as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from anxin.judging.calibration import calibration
from anxin.judging.evaluator import GROUPS
from anxin.judging.gate import Gate, State, bounds, gate, rounded
from anxin.judging.resampling import CONFIDENCE, Drawn, Subjects, binomial, drawn, overlap
from anxin.models.grades import grades, named
from anxin.models.promises import apart, left, promised

_AP = "average_precision"
_WINDOW = "observed_expected"


def worth(rows: pd.DataFrame, asked: Mapping[str, Any] | None = None) -> Gate:
    """Say whether the challenger (`ours`) is not worse than the champion (`theirs`), date by date, with regret.

    `rows`: `subject_id, as_of, y, in_hand, ours, theirs`, labels known. The gain is in average precision; for 新发现 a
    mean loss beyond the bound fails, for all only one beyond chance, and on no date may too much be lost.
    """
    asked = asked or bounds()
    limit = asked["worth"]
    figures: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    subjects = Subjects(rows["subject_id"])
    ours, theirs = (drawn(rows.assign(figure=rows[name]), subjects, ()) for name in ("ours", "theirs"))
    for group in GROUPS:
        part = rows if group == "all" else rows.loc[~rows["in_hand"]]
        if part["y"].sum() < asked["fewest_positives"]:
            figures[group] = {"positives": int(part["y"].sum())}
            continue
        found = _gains(part, ours[group], theirs[group], limit["fewest_on_a_date"])
        figures[group] = found
        most = limit[f"{group}_loss"] * found["champion"]
        if found["gain"] < -most and (group == "new" or found["high"] < 0):
            faults.append(
                (f"{_ZH[group]}平均精度差 {found['gain']:+.3f}", f"{group} AP {found['gain']:+.3f}")
            )
        if found["worst"] is not None and found["worst"] < -limit["regret"] * found["worst_champion"]:
            where = found["worst_date"]
            faults.append(
                (
                    f"{_ZH[group]}在 {where} 失去 {-found['worst']:.3f}",
                    f"{group} loses {-found['worst']:.3f} on {where}",
                )
            )
    decided = figures["new"] if "gain" in figures["new"] else figures["all"]
    if "gain" not in decided:
        few = ("可比的查实案件太少", "too few verified cases to compare on")
        return gate("worth", "failed" if faults else "unknown", faults or [few], figures)
    told = (f"平均精度差 {decided['gain']:+.3f}", f"gain in AP {decided['gain']:+.3f}")
    return gate("worth", "failed" if faults else "passed", faults or [told], figures)


def _gains(part: pd.DataFrame, ours: Drawn, theirs: Drawn, fewest: int) -> dict[str, Any]:
    positives = part.groupby("as_of", sort=True)["y"].sum().to_numpy(float)
    a, b = ours.figures[_AP], theirs.figures[_AP]
    gain = ours.gain(theirs, _AP)
    known = np.isfinite(a)
    enough = np.flatnonzero(known & (positives >= fewest))
    worst = min(enough, key=lambda i: a[i] - b[i], default=None)
    return rounded(
        {
            "dates": gain["dates"],
            "positives": int(positives.sum()),
            "challenger": a[known].mean(),
            "champion": b[known].mean(),
            "gain": gain["mean"],
            "low": gain["low"],
            "high": gain["high"],
            "won": gain["won"],
            "worst": None if worst is None else a[worst] - b[worst],
            "worst_champion": None if worst is None else b[worst],
            "worst_date": None if worst is None else ours.dates[worst],
        }
    )


def calibrated(rows: pd.DataFrame, kind: str, asked: Mapping[str, Any] | None = None) -> Gate:
    """Say whether the challenger's probabilities are probabilities: skill, slope, observed/expected in the first.

    `rows`: `subject_id, as_of, y, in_hand, ours`, labels known, pooled over the dates; for everyone and for 新发现, which
    could hide each other's faults. With `y_plain` a warning that was averted is a hit in the one and none in the other:
    what would have come of it nobody knows, so only what is out of bounds either way fails.
    """
    asked = asked or bounds()
    limit, first = asked["calibrated"], tuple(asked["calibrated"]["first"][kind])
    figures: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    missing: list[str] = []
    slope = "—"
    for group in GROUPS:
        part = rows if group == "all" else rows.loc[~rows["in_hand"]]
        positives, prefix = int(part["y"].sum()), "" if group == "all" else f"{group}_"
        figures[f"{prefix}positives"] = positives
        if not asked["fewest_positives"] <= positives < len(part):
            if group == "all":
                few = ("查实案件太少", "too few verified cases")
                return gate("calibrated", "unknown", [few], figures)
            continue
        found, unknown = _calibration(part, part["y"], first)
        missing += [f"{prefix}{name}" for name in unknown]
        out = _out_of_bounds(found, limit)
        if out and "y_plain" in part and not part["y_plain"].equals(part["y"]):
            plain, _ = _calibration(part, part["y_plain"], first)
            figures |= {
                f"{prefix}{name}_without_averted": _triple(plain[name]) for name in out if name in plain
            }
            # Too many by the one count and too few by the other says nothing.
            either = _out_of_bounds(plain, limit)
            out = {name: side for name, side in out.items() if either.get(name) == side}
        figures |= {f"{prefix}{name}": _triple(one) for name, one in found.items()}
        faults += [
            (f"{_ZH[group]} {name} {found[name][0]:.2f}", f"{group} {name} {found[name][0]:.2f}")
            for name in out
        ]
        if group == "all" and "slope" in found:
            slope = f"{found['slope'][0]:.2f}"
    told = (f"斜率 {slope}", f"slope {slope}")
    if missing and not faults:
        return gate("calibrated", "unknown", [(f"无法估计 {missing}", f"cannot be told: {missing}")], figures)
    return gate("calibrated", "failed" if faults else "passed", faults or [told], figures)


_Triple = tuple[float, float, float]


def _calibration(
    rows: pd.DataFrame, y: pd.Series, first: tuple[int, ...]
) -> tuple[dict[str, _Triple], list[str]]:
    """Return the figures of calibration with their intervals, and the names of those that cannot be told."""
    pooled = calibration(rows.assign(y=y, figure=rows["ours"], p90=rows["ours"]), first)
    each = {
        "skill": pooled.log_loss_skill,
        "slope": pooled.slope,
        _WINDOW: pooled.observed_expected["everyone"],
    }
    each |= {f"{_WINDOW}_{size}": pooled.observed_expected[f"first_{size}"] for size in first}
    found = {
        name: (one.mean, one.low, one.high)
        for name, one in each.items()
        if one.mean is not None and one.low is not None and one.high is not None
    }
    return found, [name for name in each if name not in found]


def _out_of_bounds(found: Mapping[str, _Triple], limit: Mapping[str, Any]) -> dict[str, int]:
    """Return the figures that lie outside their bounds with their intervals: -1 below, 1 above."""
    out = {}
    for name, (value, low, high) in found.items():
        least, most = (0.0, float("inf")) if name == "skill" else limit[name[: len(_WINDOW)]]
        if value < least and high < least:
            out[name] = -1
        elif value > most and low > most:
            out[name] = 1
    return out


def _triple(one: _Triple) -> dict[str, Any]:
    value, low, high = one
    return rounded({"value": value, "low": low, "high": high})


def promises(
    rows: pd.DataFrame, promised_each: Mapping[str, Any] | None, asked: Mapping[str, Any] | None = None
) -> Gate:
    """Say whether each grade's precision, promised in `grades.json` (`each` red to blue), held on the rows compared.

    `rows` (`subject_id, as_of, y, ours`) chose no threshold: they are later than the training. A grade's are all that may
    carry it, or it and worse ones, as when it was promised.
    """
    if promised_each is None:
        return gate("promises", "unknown", [("模型未附等级承诺", "the model states no promises")], {})
    y, p = rows["y"].to_numpy(float), rows["ours"].to_numpy(float)
    each, above = [], float("inf")
    for one in promised_each["each"]:
        together = one.get("together", False)
        inside = (p >= left(one["threshold"])) & ((p < above) | together)
        above = one["threshold"]
        rows_seen, hits = int(inside.sum()), int(y[inside].sum())
        each.append(_Held(one["grade"], one["precision"], one["kept"], rows_seen, hits, together))
    return _told(each, overlap(rows), asked, ("", ""))


def promises_in_turn(rows: pd.DataFrame, asked: Mapping[str, Any] | None = None) -> Gate:
    """Say whether promises made on all calibration dates of a backtest but one held on that one, each in its turn.

    `rows` (`as_of, y, in_hand, ours`) are those the model's own thresholds were chosen on: they cannot show that these
    hold, but that thresholds chosen without a date held on it. What is said there, `ours`, knows of the other dates,
    newer ones among them, as much as the backtest tells. A grade promised in no turn says nothing; `kept` is that it
    was in some.
    """
    periods = apart(rows.assign(p90=rows["ours"]))
    found = {one.grade: _Held(one.grade, one.promise, False, 0, 0) for one in grades()}
    for place, period in enumerate(periods):
        above = float("inf")
        for one in promised(periods[:place] + periods[place + 1 :]).each:
            inside = period.within(left(one.threshold), float("inf") if one.together else above)
            above = one.threshold
            if one.kept:
                seen = found[one.grade]
                rows_seen, hits = seen.rows + len(inside.y), seen.hits + int(inside.y.sum())
                together = seen.together or one.together
                found[one.grade] = replace(seen, kept=True, rows=rows_seen, hits=hits, together=together)
    # These dates share no outcome, and each is counted once.
    return _told(list(found.values()), 1.0, asked, ("逐日轮流", ", a date at a time"))


@dataclass(frozen=True)
class _Held:
    """What one grade promised, and the rows that were to keep it."""

    grade: int
    precision: float
    kept: bool
    rows: int
    hits: int
    together: bool = False
    """The rows are also those of worse grades, in some turn at least."""

    def named(self) -> tuple[str, str]:
        """Return the grade it is of, in Chinese and English."""
        grade = named(self.grade)
        return (f"{grade.zh}及以上", f"{grade.en} and worse") if self.together else (grade.zh, grade.en)


def _told(
    each: Sequence[_Held], shared: float, asked: Mapping[str, Any] | None, how: tuple[str, str]
) -> Gate:
    """Return the gate of promises; `shared` rows hold one outcome, `how` they were tested in Chinese and English.

    Tested is a promise of which so many rows were seen that it would have failed had none come true.
    """
    slack = (asked or bounds())["promises"]["slack"]
    faults, tested, figures = [], [], {}
    for one in each:
        low, high = binomial(one.hits / shared, one.rows / shared, 1 - CONFIDENCE)
        least = binomial(0.0, one.rows / shared, 1 - CONFIDENCE)[1]
        figures[str(one.grade)] = rounded(
            {
                "promised": one.precision,
                "kept": one.kept,
                "together": one.together,
                "rows": one.rows,
                "hits": one.hits,
                "low": low,
                "high": high,
            }
        )
        if not one.kept or not one.rows or least >= one.precision - slack:
            continue
        tested.append(one.named())
        if high < one.precision - slack:
            said = f"{one.hits}/{one.rows} < {one.precision:.0%}"
            faults.append((f"{one.named()[0]} {said}", f"{one.named()[1]} {said}"))
    told = ("没有可检验的承诺", "no promise that could be tested")
    if tested:
        zh, en = "、".join(each for each, _ in tested), ", ".join(each for _, each in tested)
        told = (f"{zh}的承诺经{how[0]}检验，未见失信", f"promises of {en} tested{how[1]}, none seen broken")
    state: State = "failed" if faults else "passed" if tested else "unknown"
    return gate("promises", state, faults or [told], figures)


def calm(newest: pd.DataFrame, asked: Mapping[str, Any] | None = None) -> Gate:
    """Say how much of the champion's first 200 on the newest date the challenger keeps.

    `newest`: `subject_id, in_hand, ours, theirs` of everyone on that date.
    """
    asked = asked or bounds()
    limit = asked["calm"]
    figures = {}
    for group in GROUPS:
        part = newest if group == "all" else newest.loc[~newest["in_hand"]]
        figures[group] = rounded(overlap_of(part["subject_id"], part["ours"], part["theirs"], limit))
    kept = figures["all"]["kept"]
    if kept is None:
        return gate("calm", "unknown", [("没有可比的名单", "no list to compare")], figures)
    n = figures["all"]["first"]
    told = (f"前 {n} 名保留 {kept:.0%}", f"keeps {kept:.0%} of the first {n}")
    return gate("calm", "failed" if kept < limit["kept"] else "passed", [told], figures)


def overlap_of(
    subject: pd.Series, ours: pd.Series, theirs: pd.Series, limit: Mapping[str, Any]
) -> dict[str, Any]:
    """Return how many of the first both rankings share; ties by subject, as lists have them."""
    first = int(min(limit["first"], max(1, round(limit["share"] * len(subject))))) if len(subject) else 0
    heads = []
    for figure in (ours, theirs):
        order = np.lexsort((subject.to_numpy(str), -figure.to_numpy(float)))
        heads.append(set(subject.to_numpy(str)[order[:first]]))
    kept = len(heads[0] & heads[1]) / first if first else None
    return {"subjects": len(subject), "first": first, "kept": kept}


_ZH = {"all": "全部", "new": "新发现"}
