"""Promotion through the gates, the shadow beside the list, and the way back: on made-up models, without a training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from models import made

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.judging import folds
from anxin.ledger import Ledger, promotions, published, shadows
from anxin.models.saved import load, save
from anxin.models.scoring import score
from anxin.serving import schema
from anxin.serving.home import Home
from anxin.serving.shadowing import run_shadows
from anxin.training import registering
from anxin.training.promoting import _on_the_models_scale
from anxin.training.registering import (
    Place,
    first_becomes_champion,
    promote_model,
    put_in_shadow,
    roll_back,
)

AT = datetime(2025, 6, 2, 8, tzinfo=timezone(timedelta(hours=8)))
SUBJECTS = 900
JUDGED = [date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1)]


@dataclass(frozen=True)
class Centre:
    home: Home
    ledger: Ledger
    view: View
    good: str
    bad: str

    @property
    def place(self) -> Place:
        return Place(self.home.root, self.home.models, self.home.mlruns)

    def promote(self, model_id: str, **more: Any) -> dict[str, Any]:
        return promote_model(
            self.view, self.ledger, self.place, model_id, None, "王五", "", lambda: AT, **more
        )


def judged(noise: float, seed: int) -> bytes:
    """Return a backtest in which danger was seen through so much noise."""
    rng = np.random.default_rng(7)
    danger = rng.normal(-3.5, 1.5, SUBJECTS)
    said = np.random.default_rng(seed)
    parts = []
    for i, day in enumerate(JUDGED):
        y = (rng.random(SUBJECTS) < 1 / (1 + np.exp(-danger))).astype(float)
        p90 = 1 / (1 + np.exp(-(danger + noise * said.normal(size=SUBJECTS))))
        parts.append(
            pd.DataFrame(
                {
                    "as_of": day,
                    "y": y,
                    "y_plain": y,
                    "p90": p90,
                    "p90_now": p90,
                    "place": np.arange(SUBJECTS) + i * SUBJECTS,
                }
            )
        )
    values = made.matrix(SUBJECTS)
    days = [
        made.snapshot(values)
        .drop_columns("as_of")
        .append_column("as_of", pa.array([day] * SUBJECTS, pa.date32()))
        for day in JUDGED
    ]
    return folds.to_bytes(pd.concat(parts, ignore_index=True), pa.concat_tables(days), made.KIND)


def saved(folder: Path, name: str, noise: float, seed: int) -> str:
    return save(
        folder,
        made.KIND,
        made.THROUGH,
        made.ordered(replace(made.CALIBRATION, slope=0.9 + noise / 100)),
        made.severity(),
        made.PROMISES,
        {"name": name, "base_rate": {"90": 0.05}},
        {folds.FILE: judged(noise, seed)},
    )


@pytest.fixture
def centre(
    tmp_path: Path, view_of: Callable[..., View], rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Centre]:
    monkeypatch.setattr(registering, "set_alias", lambda *_: None)
    home = Home(tmp_path)
    first = saved(home.models, "first", 0.0, 1)
    good, bad = saved(home.models, "good", 0.2, 2), saved(home.models, "bad", 4.0, 3)
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        promotions.promote(ledger, made.KIND, first, made.THROUGH, "王五", "", AT, {})
        yield Centre(home, ledger, view_of({"employers": rows["employers"][:1]}), good, bad)


def list_of_the_day(centre: Centre) -> published.Published:
    """Publish a list by hand: the scores of the live model, and the snapshot beside them."""
    folder = centre.home.lists / str(made.DAY) / "l1"
    folder.mkdir(parents=True)
    snapshot = made.snapshot(made.matrix(400, seed=9))
    live = promotions.live(centre.ledger, made.KIND, made.DAY)
    assert live is not None
    scores = score(load(centre.home.models, live), snapshot)[schema.SCORES.names]
    tables = {
        "snapshot-employer": snapshot,
        "scores": pa.Table.from_pandas(scores, schema.SCORES, preserve_index=False),
        "list": schema.LIST.empty_table(),
    }
    hashes = {}
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
        hashes[f"{name}.parquet"] = _sha256((folder / f"{name}.parquet").read_bytes())
    manifest = _json({"list_id": "l1", "as_of": str(made.DAY), "watermarks": {}, "files": hashes})
    (folder / "manifest.json").write_bytes(manifest)
    return published.record(
        centre.ledger,
        made.DAY,
        "l1",
        folder=folder.relative_to(centre.home.root).as_posix(),
        manifest_sha256=_sha256(manifest),
        previous_list_id=None,
        facts={},
        actor="王五",
        at=AT,
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_challenger_as_good_goes_live_with_its_gates_in_the_ledger(centre: Centre) -> None:
    list_of_the_day(centre)
    done = centre.promote(centre.good)
    assert done["promoted"]
    assert done["basis"] == "folds"
    assert done["dates"] == [str(day) for day in JUDGED]
    assert promotions.live(centre.ledger, made.KIND, made.THROUGH) == centre.good
    gates = promotions.history(centre.ledger, made.KIND)[-1].gates["gates"]
    assert {name: one["state"] for name, one in gates.items()} == {
        "worth": "passed",
        "calibrated": "passed",
        "promises": "unknown",
        "fair": "passed",
        "calm": "passed",
    }
    assert gates["worth"]["figures"]["new"]["dates"] == 3
    assert centre.ledger.verify().ok


def test_a_worse_one_is_refused_in_one_line_and_goes_live_only_with_a_reason_that_stays(
    centre: Centre,
) -> None:
    list_of_the_day(centre)
    before = promotions.live(centre.ledger, made.KIND, made.THROUGH)
    with pytest.raises(AnxinError, match="不劣于在用模型") as refused:
        centre.promote(centre.bad)
    assert len(str(refused.value).splitlines()) == 1
    assert "--despite" in refused.value.en
    assert promotions.live(centre.ledger, made.KIND, made.THROUGH) == before
    told = promotions.refusals(centre.ledger, made.KIND)[-1].payload
    assert told["gates"]["gates"]["worth"]["state"] == "failed"
    assert centre.promote(centre.bad, check=True)["refused_by"]
    assert promotions.live(centre.ledger, made.KIND, made.THROUGH) == before
    assert centre.promote(centre.bad, despite="the champion reads a feed that ends")["promoted"]
    assert (
        promotions.history(centre.ledger, made.KIND)[-1].gates["despite"]
        == "the champion reads a feed that ends"
    )
    back = roll_back(centre.ledger, centre.home.mlruns, made.KIND, made.DAY, "王五", "", AT)
    assert back["model_id"] == before


def test_a_promotion_made_while_the_gates_ran_refuses_the_one_they_judged(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_of_the_day(centre)
    judge = registering.judge_challenger

    def meanwhile(*asked: Any) -> dict[str, Any]:
        told = judge(*asked)
        promotions.promote(centre.ledger, made.KIND, centre.bad, made.THROUGH, "赵六", "", AT, {})
        return told

    monkeypatch.setattr(registering, "judge_challenger", meanwhile)
    with pytest.raises(AnxinError, match="赵六") as refused:
        centre.promote(centre.good)
    assert len(str(refused.value).splitlines()) == 1
    assert promotions.live(centre.ledger, made.KIND, made.THROUGH) == centre.bad


def test_of_two_first_trainings_the_second_waits_as_a_challenger(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(centre.home.models, centre.good)
    trained = SimpleNamespace(model=model, folder=centre.home.models / centre.good)
    with Ledger.open(f"sqlite:///{tmp_path}/new.db") as ledger:

        def meanwhile(models: Path, judged: Any) -> dict[str, Any]:
            promotions.promote(ledger, made.KIND, centre.bad, made.THROUGH, "赵六", "", AT, {})
            return {}

        monkeypatch.setattr(registering, "alone", meanwhile)
        assert not first_becomes_champion(ledger, centre.home.mlruns, trained, "王五", AT)  # type: ignore[arg-type]
        assert [one.model_id for one in promotions.history(ledger, made.KIND)] == [centre.bad]


def test_who_promotes_from_a_day_before_another_change_is_told_what_follows_and_who_is_live(
    centre: Centre,
) -> None:
    list_of_the_day(centre)
    first = promotions.live(centre.ledger, made.KIND, made.THROUGH)
    alone = centre.promote(centre.good, check=True)
    assert (alone["until"], alone["then"], alone["live_today"]) == (None, None, first)
    later = made.THROUGH + timedelta(days=1)
    promotions.promote(centre.ledger, made.KIND, centre.bad, later, "赵六", "", AT, {})
    done = centre.promote(centre.good)
    assert (done["champion"], done["replaces"]) == (first, first)
    assert (done["until"], done["then"], done["live_today"]) == (str(later), centre.bad, centre.bad)
    said = registering.standing(done)
    assert f"至 {later} 前" in said
    assert f"live today: {centre.bad}" in said
    assert "until" in registering.standing(done | {"promoted": False})


def test_a_promotion_is_dated_when_its_gates_are_through(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_of_the_day(centre)
    hands = [AT]

    def progress(*_: object) -> None:
        hands[0] = AT + timedelta(minutes=7)

    monkeypatch.setattr(registering, "refused_by", lambda gates: progress() or [])
    promote_model(centre.view, centre.ledger, centre.place, centre.good, None, "王五", "", lambda: hands[0])
    assert promotions.history(centre.ledger, made.KIND)[-1].at == AT + timedelta(minutes=7)


def test_a_champion_that_cannot_be_read_is_no_reason_to_let_anyone_in(centre: Centre) -> None:
    champion = promotions.live(centre.ledger, made.KIND, made.THROUGH)
    (centre.home.models / str(champion) / folds.FILE).write_bytes(b"")
    with pytest.raises(AnxinError, match="不能比较"):
        centre.promote(centre.good)


def test_a_shadow_is_scored_beside_the_list_and_served_to_nobody(centre: Centre) -> None:
    entry = list_of_the_day(centre)
    put_in_shadow(centre.ledger, centre.place, centre.good, None, made.DAY, "王五", "", AT)
    [found] = run_shadows(centre.home, centre.ledger, entry, AT, "王五")
    assert found["scored_now"]
    assert found["all"]["first"] == 40
    assert 0.9 <= found["all"]["kept"] <= 1
    folder = centre.home.root / shadows.scored(centre.ledger, centre.good)[0].folder
    mine = pq.read_table(folder / "scores.parquet").to_pandas()
    assert set(mine["model_version"]) == {centre.good}
    expected = score(load(centre.home.models, centre.good), made.snapshot(made.matrix(400, seed=9)))
    assert np.array_equal(mine["p90"], expected["p90"])
    beside = pq.read_table(folder / "list.parquet").to_pandas()
    assert {"rank", "list_rank", "p90", "list_p90"} <= set(beside)
    assert [one.list_id for one in published.every(centre.ledger, made.DAY)] == ["l1"]
    [again] = run_shadows(centre.home, centre.ledger, entry, AT, "王五")
    assert not again["scored_now"]
    assert centre.promote(centre.good)["shadow"][0]["day"] == str(made.DAY)
    # Who is live stands in no shadow.
    assert run_shadows(centre.home, centre.ledger, entry, AT, "王五") == []


def test_a_shadow_that_cannot_be_read_leaves_the_list_as_it_is(centre: Centre) -> None:
    entry = list_of_the_day(centre)
    put_in_shadow(centre.ledger, centre.place, centre.good, None, None, "王五", "", AT)
    (centre.home.models / centre.good / "calibration.json").unlink()
    [found] = run_shadows(centre.home, centre.ledger, entry, AT, "王五")
    assert "calibration.json" in found["skipped"]
    assert not (centre.home.var / "shadow").exists()


def test_a_model_knows_too_much_for_a_shadow_before_its_training(centre: Centre) -> None:
    with pytest.raises(AnxinError, match=str(made.THROUGH)):
        put_in_shadow(
            centre.ledger, centre.place, centre.good, made.THROUGH - timedelta(days=1), None, "王五", "", AT
        )


def test_promises_are_held_to_the_scale_their_thresholds_are_on() -> None:
    """A fold says what was known when it began; the model, and so its thresholds, know what folds missed since."""
    rows = pd.DataFrame({"ours": [0.1, 0.2], "p90_now": [0.2, 0.3]})
    assert list(_on_the_models_scale(rows)["ours"]) == [0.2, 0.3]
    fresh = pd.DataFrame({"ours": [0.1, 0.2]})
    assert list(_on_the_models_scale(fresh)["ours"]) == [0.1, 0.2]
