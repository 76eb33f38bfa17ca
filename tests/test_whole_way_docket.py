"""The whole way where only employers, complaints and cases are sent, and what must hold when something goes wrong."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import docket
import pandas as pd
import publications
import pyarrow.parquet as pq
import pytest
from running import Centre, Installation

from anxin.domain.errors import AnxinError
from anxin.features.catalogue import of
from anxin.serving import daily
from anxin.training.tracking import mlflow_at

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docket")]

EARLIER, NEXT = docket.DAY - timedelta(days=90), docket.DAY + timedelta(days=1)


@pytest.fixture
def copied(centre: Centre, tmp_path: Path) -> Centre:
    """A copy of the centre's home that a test may change."""
    shutil.copytree(centre.root, tmp_path / "home")
    return Centre(tmp_path / "home", centre.rows)


def _rows(folder: Path) -> list[dict[str, object]]:
    return pq.read_table(folder / "list.parquet").to_pylist()


def test_three_feeds_are_taken_whatever_their_form_and_bad_rows_are_told(centre: Centre) -> None:
    status = centre.json("status")
    for feed, rows in centre.rows.items():
        assert status["feeds"][feed]["rows"] == len(rows)
    assert sum(status["refused_rows"].values()) == 4
    assert {reason.split(":")[0] for reason in status["refused_rows"]} == {"complaints", "cases"}
    assert [entry["day"] for entry in status["lists"]] == [str(docket.DAY)]
    assert status["models"]["project"] is None


def test_the_published_list_holds_together_and_what_was_never_sent_is_missing(centre: Centre) -> None:
    folder = centre.published(docket.DAY)
    assert publications.check(folder)
    snapshot = pq.read_table(folder / "snapshot-employer.parquet").to_pandas()
    for feature in of("employer"):
        there = set(feature.sources) <= set(centre.rows)
        if feature.sources and not there:
            assert snapshot[feature.name].isna().all(), feature.name
    assert snapshot["complaints_90d"].notna().all()
    read = {part for part in pq.read_table(folder / "explanations.parquet")["source"].to_pylist() if part}
    assert read <= set(centre.rows)


def test_every_form_a_report_and_a_judgement_come_out(centre: Centre, tmp_path: Path) -> None:
    listed = _rows(centre.published(docket.DAY))
    for form in ("csv", "xlsx", "json", "parquet"):
        assert centre.anxin("list", docket.DAY, "--format", form)
    assert "线索".encode() in centre.anxin("report", docket.DAY, str(listed[0]["subject_id"]))
    assert centre.anxin("report", docket.DAY, str(listed[0]["subject_id"]), "--format", "pdf")[:4] == b"%PDF"
    ours = pd.DataFrame(listed)[["kind", "subject_id", "rank"]].assign(date=str(docket.DAY))
    ours.to_csv(tmp_path / "ours.csv", index=False)
    judged = centre.json("evaluate", tmp_path / "ours.csv", "--against", tmp_path / "ours.csv")["kinds"][
        "employer"
    ]
    assert judged["means"]["list"]["all"]["auc"] > 0.7
    assert judged["gains"]["against"]["all"]["mean"] == 0.0


@pytest.fixture(scope="module")
def then(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The centre as it stood on the day: nothing received later is in its lake."""
    folder = tmp_path_factory.mktemp("then")
    made = Installation(folder / "home")
    made.anxin("ingest", docket.deliver(folder / "delivery", dict(centre.rows), until=docket.DAY))
    made.anxin("train", "--through", docket.DAY)
    made.anxin("run", docket.DAY)
    return made


def test_rows_received_later_change_no_model_no_score_and_no_row(
    centre: Centre, then: Installation, tmp_path: Path
) -> None:
    assert then.json("status")["feeds"]["cases"]["rows"] < centre.json("status")["feeds"]["cases"]["rows"]
    assert then.json("status")["models"] == centre.json("status")["models"]
    for one, name in ((centre, "a"), (then, "b")):
        one.anxin("scores", docket.DAY, "--out", tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    ours, theirs = centre.published(docket.DAY), then.published(docket.DAY)
    for name in ("list", "scores", "explanations", "cleared", "snapshot-employer"):
        assert (ours / f"{name}.parquet").read_bytes() == (theirs / f"{name}.parquet").read_bytes(), name


def test_scores_without_a_list_are_those_a_list_would_have(then: Installation, tmp_path: Path) -> None:
    then.anxin("scores", NEXT, "--out", tmp_path / "computed.parquet")
    then.anxin("run", NEXT)
    then.anxin("scores", NEXT, "--out", tmp_path / "published.parquet")
    assert (tmp_path / "computed.parquet").read_bytes() == (tmp_path / "published.parquet").read_bytes()


class _KilledError(BaseException):
    """The process ends here."""


def _kill(*_: object, **__: object) -> None:
    raise _KilledError


@pytest.mark.parametrize("where", ["record", "_sync"])
def test_a_run_killed_before_its_ledger_entry_leaves_no_list_and_the_next_publishes(
    copied: Centre, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(daily, where, _kill)
        with pytest.raises(_KilledError):
            copied.anxin("run", NEXT)
    with pytest.raises(AnxinError, match=f"anxin run {NEXT}"):
        copied.anxin("list", NEXT)
    assert [entry["day"] for entry in copied.json("status")["lists"]] == [str(docket.DAY)]
    assert copied.json("run", NEXT)["new"]
    assert publications.check(copied.published(NEXT))
    day = copied.home.lists / str(NEXT)
    assert [path.name for path in day.iterdir()] == [copied.published(NEXT).name]


def test_a_published_folder_is_never_written_again(copied: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    first = copied.published(docket.DAY)
    made = {path.name: path.stat().st_mtime_ns for path in first.iterdir()}
    model_id = copied.json("status")["models"]["employer"]
    other = copied.json("train", "--through", EARLIER)["kinds"]["employer"]["model_id"]
    copied.anxin("promote", other, "--effective", docket.DAY, "--despite", "a test")
    assert copied.json("run", docket.DAY, "--again")["list_id"] != first.name
    # Back to the first model: the same inputs as the first list, which stands where it stood.
    copied.anxin("promote", model_id, "--despite", "a test")
    assert copied.json("run", docket.DAY, "--again")["list_id"] == first.name
    assert {path.name: path.stat().st_mtime_ns for path in first.iterdir()} == made
    assert copied.published(docket.DAY) == first
    assert copied.json("audit", "verify")["ok"] is True


def test_promotion_is_dated_and_rollback_goes_back(copied: Centre) -> None:
    first = copied.json("status")["models"]["employer"]
    second = copied.json("train", "--through", NEXT, "--kind", "employer")["kinds"]["employer"]
    assert second["role"] == "challenger"
    assert _aliases(copied) == {"champion": first, "challenger": second["model_id"]}
    with pytest.raises(AnxinError, match=str(docket.DAY)):
        copied.anxin("promote", second["model_id"], "--effective", docket.DAY)
    assert copied.json("promote", second["model_id"], "--despite", "a test")["replaces"] == first
    assert copied.json("status")["models"]["employer"] == second["model_id"]
    assert copied.json("status", "--on", docket.DAY)["models"]["employer"] == first
    assert copied.json("status", "--on", NEXT)["models"]["employer"] == second["model_id"]
    assert _aliases(copied)["champion"] == second["model_id"]
    copied.anxin("shadow", first, "--from", NEXT)
    [beside] = copied.json("run", NEXT)["shadow"]
    assert beside["model_id"] == first
    assert (copied.home.var / "shadow" / str(NEXT) / first / "scores.parquet").is_file()
    assert copied.json("status", "--on", NEXT)["shadows"]["employer"] == [first]
    # The alarm begins anew with each champion, on its own lists; months of the service go on.
    watched = copied.json("monitor", docket.END)["kinds"]["employer"]
    assert watched["model_id"] == second["model_id"]
    assert {step["as_of"] for step in watched["alarm"]["all"]["steps"]} == {str(NEXT)}
    assert {row["as_of"] for row in watched["calibration"]} == {str(docket.DAY)}
    assert {row["model_version"] for row in _rows(copied.published(NEXT))} == {second["model_id"]}
    assert copied.json("rollback", "employer", "--effective", NEXT)["model_id"] == first
    assert _aliases(copied)["champion"] == first
    # What was told on the day, and by which model, does not change with it.
    status = copied.json("status", "--on", NEXT)
    assert (status["models"]["employer"], status["list_models"]["employer"]) == (first, second["model_id"])
    assert copied.json("monitor", NEXT)["kinds"]["employer"]["model_id"] == second["model_id"]
    # What was published stays, and a further version says who is live now.
    assert not copied.json("run", NEXT)["new"]
    copied.anxin("run", NEXT, "--again")
    assert {row["model_version"] for row in _rows(copied.published(NEXT))} == {first}


def _aliases(one: Installation) -> dict[str, str]:
    with mlflow_at(one.home.mlruns) as mlflow:
        client = mlflow.MlflowClient()
        found = {
            alias: client.get_model_version_by_alias("anxin-employer", alias)
            for alias in ("champion", "challenger")
        }
        return {alias: version.tags["model_id"] for alias, version in found.items()}


def test_what_is_watched_on_a_later_day_is_known_by_then(copied: Centre, tmp_path: Path) -> None:
    found = copied.json(
        "monitor", docket.END, "--out", tmp_path / "page.html", "--metrics", tmp_path / "m.prom"
    )
    [kind] = found["kinds"].values()
    assert kind["model_id"] == copied.json("status")["models"]["employer"]
    assert {row["as_of"] for row in kind["calibration"]} == {str(docket.DAY)}
    everyone = next(row for row in kind["calibration"] if row["group"] == "all" and row["first"] is None)
    assert everyone["low"] <= everyone["ratio"] <= everyone["high"]
    assert [step["as_of"] for step in kind["alarm"]["all"]["steps"]] == [str(docket.DAY)]
    assert len((tmp_path / "page.html").read_bytes()) < 150_000
    assert "anxin_observed_expected" in (tmp_path / "m.prom").read_text(encoding="utf-8")
    # On the day of the list itself nothing has come true yet, and the snapshot is the list's.
    then = copied.json("monitor", docket.DAY)["kinds"]["employer"]
    assert then["calibration"] == []
    assert then["subjects"] == len(pq.read_table(copied.published(docket.DAY) / "snapshot-employer.parquet"))


def test_a_home_that_is_moved_still_works(copied: Centre, tmp_path: Path) -> None:
    before = _rows(copied.published(docket.DAY))
    old = tmp_path / "elsewhere, 别处"
    copied.root.rename(old)
    moved = Installation(old)
    assert not moved.json("run", docket.DAY)["new"]
    assert _rows(moved.published(docket.DAY)) == before
    assert moved.anxin("list", docket.DAY, "--format", "csv")
    assert moved.json("run", NEXT)["new"]
    with mlflow_at(moved.home.mlruns) as mlflow:
        model = mlflow.pyfunc.load_model("models:/anxin-employer@champion")
        names = model.metadata.get_input_schema().input_names()
        told = model.predict(pd.DataFrame([dict.fromkeys(names, 0.0)]))
        assert 0 < told["p90"][0] < 1
    moved.anxin("train", "--through", NEXT)
    assert not copied.root.exists()
    assert len(list((old / "mlruns" / "artifacts" / "models").iterdir())) == 2


def test_a_copied_home_leaves_the_first_alone(centre: Centre, copied: Centre) -> None:
    before = _listing(centre.root / "mlruns"), centre.json("status")["models"]
    second = copied.json("train", "--through", NEXT)["kinds"]["employer"]["model_id"]
    copied.anxin("promote", second, "--despite", "a test")
    assert (_listing(centre.root / "mlruns"), centre.json("status")["models"]) == before
    assert _aliases(centre)["champion"] != second == _aliases(copied)["champion"]


def _listing(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix != ".db")


def test_nothing_is_written_outside_the_home(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = Installation(tmp_path / "home")
    made.anxin("ingest", docket.deliver(tmp_path / "delivery", docket.docket(employers=120, seed=2)))
    made.anxin("train", "--through", docket.DAY)
    made.anxin("run", docket.DAY)
    assert list((tmp_path / "here").iterdir()) == []
    assert sorted(path.name for path in made.root.iterdir()) == ["mlruns", "var"]
