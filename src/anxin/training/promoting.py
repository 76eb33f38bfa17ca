"""A challenger's way through the gates: what it is judged on, what refuses it, what was seen of it in the shadow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.domain.errors import AnxinError
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.judging.any_list import known_on
from anxin.judging.evidence import Evidence, evidence, newest, own_evidence
from anxin.judging.fairness import fair
from anxin.judging.gate import NAMES, Gate, gate
from anxin.judging.gates import calibrated, calm, promises, promises_in_turn, worth
from anxin.ledger import shadows
from anxin.ledger.chain import Ledger
from anxin.ledger.published import recent
from anxin.models.saved import load
from anxin.models.scoring import Model

Progress = Callable[[str, int, int], None]

_MUST_BE_KNOWN = frozenset({"worth"})
"""Gates that refuse what they know nothing of: a model nobody could compare is not known to be no worse."""


def judge_challenger(
    view: View,
    ledger: Ledger,
    root: Path,
    models: Path,
    challenger: Model,
    champion_id: str | None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Run the gates for a model that is to replace another; returns their answers and what they were judged on.

    Keys `champion, basis, dates, gates {name: {state, zh, en, figures}}, shadow [{day, …}]`.
    """
    champion, lost = _champion(models, champion_id, challenger)
    known = known_on(view)
    found = evidence(view, models, challenger, champion, known, on_progress)
    gates = _gates(found, challenger)
    if champion is None:
        gates["worth"], gates["calm"] = _unrivalled(champion_id, challenger, lost)
    else:
        snapshot = _newest_snapshot(ledger, root, challenger.kind)
        if snapshot is None:
            kind = next(kind for kind in KINDS if kind == challenger.kind)
            snapshot = snapshots(view, [known], kind, on_progress)
        gates["calm"] = calm(newest(snapshot, challenger, champion))
    return {
        "champion": champion_id,
        "basis": found.basis,
        "known_on": known.isoformat(),
        "dates": sorted({str(day) for day in found.rows["as_of"]}),
        "gates": {name: gates[name].as_dict() for name in NAMES},
        "shadow": [
            {"day": one.day.isoformat(), **one.facts} for one in shadows.scored(ledger, challenger.model_id)
        ],
    }


def alone(models: Path, model: Model) -> dict[str, Any]:
    """Return what the gates say of a model from its own backtest: the first has nobody to be compared with."""
    found = own_evidence(models, model)
    gates = _gates(found, model)
    gates["worth"], gates["calm"] = _unrivalled(None, model, None)
    return {
        "champion": None,
        "basis": found.basis,
        "dates": sorted({str(day) for day in found.rows["as_of"]}),
        "gates": {name: gates[name].as_dict() for name in NAMES},
    }


def refused_by(gates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the gates that keep a challenger out."""
    return [
        name
        for name, one in gates.items()
        if one["state"] == "failed" or (one["state"] == "unknown" and name in _MUST_BE_KNOWN)
    ]


def refusal(model_id: str, gates: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> AnxinError:
    """Return the one line a refused promotion ends with."""
    zh = "；".join(f"{NAMES[name][0]}（{gates[name]['zh']}）" for name in names)
    en = "; ".join(f"{NAMES[name][1]} ({gates[name]['en']})" for name in names)
    return AnxinError(
        f'{model_id} 未通过关口：{zh}。可先 anxin shadow {model_id}，或加 --despite "理由" 留痕放行',
        f'{model_id} did not pass: {en}; run it in the shadow first, or give --despite "reason"',
    )


def lines(judged: Mapping[str, Any]) -> list[str]:
    """Return what the gates said as lines for a person."""
    dates = judged["dates"]
    span = f"{dates[0]} … {dates[-1]}（{len(dates)} 天 dates）" if dates else "无 none"
    text = [f"依据 judged on: {_BASIS[judged['basis']]} {span}"]
    for name, one in judged["gates"].items():
        zh, en = NAMES[name]
        text.append(f"  {_SIGNS[one['state']]} {zh} {en}: {one['zh']} ({one['en']})")
    text += [
        f"  影子 shadow {one['day']}: 前 {one['all']['first']} 名与在用相同 shared with the list "
        f"{one['all']['kept']:.0%}，进 in {one['entered']}，出 out {one['left']}"
        for one in judged["shadow"]
    ]
    return text


_SIGNS = {"passed": "✓ 通过 passed ", "failed": "✗ 未过 failed ", "unknown": "? 不明 unknown"}
_BASIS = {
    "fresh": "两者训练之后的成熟日期 mature dates after both were trained",
    "folds": "两次训练各自的回测 the backtests of both trainings",
    "alone": "自身回测 its own backtest",
}


def _champion(models: Path, champion_id: str | None, challenger: Model) -> tuple[Model | None, str | None]:
    """Return the model to compare with, and what is wrong where it cannot be loaded."""
    if champion_id is None or champion_id == challenger.model_id:
        return None, None
    try:
        return load(models, champion_id), None
    except AnxinError as error:
        return None, str(error)


def _unrivalled(champion_id: str | None, challenger: Model, lost: str | None) -> tuple[Gate, Gate]:
    if lost is not None:
        said = [(f"在用模型无法读取，不能比较：{lost}", f"the champion cannot be read: {lost}")]
        return gate("worth", "unknown", said, {}), gate("calm", "unknown", said, {})
    if champion_id == challenger.model_id:
        said = [("就是在用模型", "it is the champion")]
    else:
        said = [("此前没有在用模型", "there is no champion")]
    return gate("worth", "passed", said, {}), gate("calm", "passed", said, {})


def _gates(found: Evidence, challenger: Model) -> dict[str, Gate]:
    rows, kind = found.rows, challenger.kind
    # A model that was not calibrated for promises has no dates they were chosen on.
    promised = challenger.promises.to_json() if challenger.promises.dates else None
    return {
        "worth": worth(rows) if found.basis != "alone" else gate("worth", "unknown", [], {}),
        "calibrated": calibrated(rows, kind),
        "promises": promises(rows, promised)
        if found.basis == "fresh" or promised is None
        else promises_in_turn(_on_the_models_scale(rows)),
        "fair": fair(rows, kind),
    }


def _on_the_models_scale(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a backtest as the model would say them today: thresholds are on that scale."""
    return rows.assign(ours=rows["p90_now"]) if "p90_now" in rows else rows


def _newest_snapshot(ledger: Ledger, root: Path, kind: str) -> pa.Table | None:
    """Return the snapshot beside the newest published list; None where there is none to read."""
    for entry in recent(ledger, 1):
        path = root / entry.folder / f"snapshot-{kind}.parquet"
        if path.is_file():
            return pq.read_table(path)
    return None
