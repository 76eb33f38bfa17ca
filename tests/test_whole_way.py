"""The whole way on a small simulated city, through the command line and the HTTP application."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import publications
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from running import CITY_DAY, City

from anxin.domain.errors import AnxinError
from anxin.features.catalogue import of
from anxin.feeds.contract import contract
from anxin.serving.api import create_app
from anxin.serving.scorer import open_scorer
from anxin.training.tracking import mlflow_at

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("city")]

NEXT = CITY_DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def folder(city: City) -> Path:
    return city.published(CITY_DAY)


@pytest.fixture(scope="module")
def listed(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / "list.parquet").to_pandas()


@pytest.fixture(scope="module")
def scores(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / "scores.parquet").to_pandas()


def test_the_same_delivery_again_changes_nothing(city: City) -> None:
    before = city.json("status")
    again = city.json("ingest", city.delivery / "feeds")
    assert not again["changed"]
    assert city.json("status") == before
    assert {name for name, feed in before["feeds"].items() if feed["rows"]} == set(contract())


def test_the_published_list_holds_together(folder: Path) -> None:
    assert publications.check(folder)


def test_both_kinds_are_scored_each_by_its_own_champion(city: City, scores: pd.DataFrame) -> None:
    models = city.json("status")["models"]
    assert scores.groupby("kind")["model_version"].unique().map(list).to_dict() == {
        kind: [model_id] for kind, model_id in models.items()
    }
    assert set(models) == {"employer", "project"}


def test_what_a_season_moves_for_every_site_is_read_less_the_median_of_the_day(city: City) -> None:
    read = {}
    for kind, model_id in city.json("status")["models"].items():
        manifest = json.loads((city.home.models / model_id / "manifest.json").read_text(encoding="utf-8"))
        read[kind] = set(manifest["features"])
    assert {"attendance_share_of_day", "energy_level_28d_of_day"} <= read["project"]
    assert not {"attendance_share", "energy_level_28d"} & read["project"]
    assert "energy_level_28d" in read["employer"]


def test_in_hand_is_a_recent_complaint_or_an_open_case_or_hazard(city: City, scores: pd.DataFrame) -> None:
    for kind, table in scores.groupby("kind"):
        in_hand = _in_hand(city.delivery / "feeds", str(kind))
        assert in_hand
        assert dict(zip(table["subject_id"], table["in_hand"], strict=True)) == {
            subject: subject in in_hand for subject in table["subject_id"]
        }


def _in_hand(feeds: Path, kind: str) -> set[str]:
    """Return who is in hand, read plainly from what was delivered (semantics.md)."""
    found: set[str] = set()
    for feed in ("complaints", "cases", "hazards"):
        for row in _known(feeds, feed):
            if feed == "complaints":
                counts = row["occurred_on"] >= CITY_DAY - timedelta(days=90)
            else:
                ended = row["closed_on" if feed == "cases" else "resolved_on"]
                outcome = row["outcome" if feed == "cases" else "resolution"]
                counts = outcome != "unfounded" and (ended is None or ended >= CITY_DAY)
            subject = (
                row["project_id"] if kind == "project" else None if row["project_id"] else row["employer_id"]
            )
            if counts and subject is not None:
                found.add(subject)
    return found


def _known(feeds: Path, feed: str) -> list[dict[str, Any]]:
    entry = contract()[feed]
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    rows = [row for path in (feeds / feed).glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    for row in sorted(rows, key=lambda row: (row["received_at"], row[entry.event])):
        if row["received_at"] < datetime.combine(CITY_DAY, time()):
            newest[tuple(row[name] for name in entry.key)] = row
    return [row for row in newest.values() if row[entry.event] < CITY_DAY]


def test_no_worker_and_no_officer_is_in_any_published_file(city: City, folder: Path) -> None:
    persons: set[str] = set()
    for feed in contract().values():
        for column in {"worker_id", "person_no"} & set(feed.names):
            for path in (city.delivery / "feeds" / feed.name).glob("*.parquet"):
                persons |= set(pq.read_table(path, columns=[column])[column].to_pylist())
    assert len(persons) > 100
    assert persons.isdisjoint(publications.texts(folder))


def test_run_again_changes_nothing_and_the_next_day_compares(city: City, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = city.json("run", CITY_DAY)
    assert not again["new"]
    assert {path.name: path.read_bytes() for path in city.published(CITY_DAY).iterdir()} == before
    assert city.json("run", NEXT)["new"]
    assert publications.check(city.published(NEXT))
    yesterday = {row["subject_id"]: row for row in pq.read_table(folder / "list.parquet").to_pylist()}
    today = pq.read_table(city.published(NEXT) / "list.parquet").to_pylist()
    cleared = pq.read_table(city.published(NEXT) / "cleared.parquet").to_pylist()
    for row in today:
        old = yesterday.get(row["subject_id"])
        if old is None:
            assert (row["change"], row["since"]) == ("new", NEXT)
        else:
            assert (row["warning_id"], row["since"]) == (old["warning_id"], old["since"])
            rise = row["grade"] - old["grade"]
            assert row["change"] == ("upgraded" if rise > 0 else "eased" if rise < 0 else "continuing")
    gone = set(yesterday) - {row["subject_id"] for row in today}
    assert {row["subject_id"] for row in cleared} == gone


def test_scores_are_written_as_they_were_published(city: City, scores: pd.DataFrame, tmp_path: Path) -> None:
    city.anxin("scores", CITY_DAY, "--out", tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(pq.read_table(tmp_path / "scores.parquet").to_pandas(), scores)


def test_the_list_is_the_same_in_every_form(city: City, listed: pd.DataFrame, tmp_path: Path) -> None:
    ids = list(listed["subject_id"])
    for form in ("csv", "xlsx", "json", "parquet"):
        city.anxin("list", CITY_DAY, "--format", form, "--out", tmp_path / f"list.{form}")
    table = pd.read_csv(tmp_path / "list.csv", dtype=str)
    (code,) = [name for name in table if "subject_id" in name]
    assert sorted(table[code]) == sorted(ids)
    assert sorted(pq.read_table(tmp_path / "list.parquet")["subject_id"].to_pylist()) == sorted(ids)
    assert set(_subjects(json.loads((tmp_path / "list.json").read_text(encoding="utf-8")))) == set(ids)
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    cells = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert set(ids) <= cells


def _subjects(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "subject_id" in value:
            yield value["subject_id"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _subjects(one)


def test_filters_keep_what_they_say(city: City, listed: pd.DataFrame) -> None:
    row = listed.iloc[0]
    text = city.anxin(
        "list", CITY_DAY, "--format", "parquet", "--kind", row["kind"], "--district", row["district"]
    )
    kept = pq.read_table(io.BytesIO(text)).to_pandas()
    wanted = listed.loc[(listed["kind"] == row["kind"]) & (listed["district"] == row["district"])]
    assert sorted(kept["subject_id"]) == sorted(wanted["subject_id"])
    assert city.anxin("list", CITY_DAY, "--grade", "蓝").decode()


def test_a_report_names_the_subject_in_html_and_pdf(city: City, listed: pd.DataFrame) -> None:
    row = listed.iloc[0]
    page = city.anxin("report", CITY_DAY, row["subject_id"]).decode()
    assert row["name"] in page
    assert row["reasons"][0]["zh"] in page
    assert city.anxin("report", CITY_DAY, row["subject_id"], "--format", "pdf").startswith(b"%PDF")


def test_evaluate_judges_the_list_the_baselines_and_the_truth(city: City, scores: pd.DataFrame) -> None:
    found = city.json("evaluate", "--truth", city.delivery / "truth.parquet")
    assert set(found["kinds"]) == {"employer", "project"}
    for kind, judged in found["kinds"].items():
        assert set(judged["means"]) == {"list", "complaints_90d", "red_flags", "truth"}
        everyone = judged["means"]["list"]["all"]
        # Cases still pending are neither one nor the other.
        assert 0.95 < everyone["subjects"] / (scores["kind"] == kind).sum() <= 1
        assert judged["means"]["truth"]["all"]["auc"] > 0.6
        assert everyone["observed_expected_500"] is not None
    assert "AUC" in city.anxin("evaluate").decode()


def test_a_lookback_says_of_each_event_what_the_list_had_said(city: City) -> None:
    until = CITY_DAY + timedelta(days=75)
    found = city.json("lookback", CITY_DAY, until)
    assert found["events"] == len(found["rows"]) > 0
    # The simulated city lies in the past: its lists were published after every event, and warned nobody.
    assert found["published_late"] == found["lists"]
    assert {row["status"] for row in found["rows"]} <= {"no_list", "unnamed"}
    assert found["overall"]["share_warned"] is None
    assert found["if_on_time"]["overall"]["warned"] > 0
    # Another test may have published the day after, too: each event is held against the list it names.
    folders = {
        day: city.published(date.fromisoformat(day)) for day in {row["scored_on"] for row in found["rows"]}
    }
    listed, scored = {}, {}
    for day, folder in folders.items():
        rows = pq.read_table(folder / "list.parquet", columns=["kind", "subject_id", "put_by"]).to_pylist()
        listed[day] = {(row["kind"], row["subject_id"]) for row in rows if row["put_by"] != "random"}
        everyone = pq.read_table(folder / "scores.parquet", columns=["kind", "subject_id", "p90"]).to_pylist()
        scored[day] = {(row["kind"], row["subject_id"]): row["p90"] for row in everyone}
    for row in found["rows"]:
        key, day = (row["kind"], row["subject_id"]), row["scored_on"]
        if key in listed[day]:
            assert row["if_on_time"] == "warned", row
        if row["if_on_time"] == "missed":
            assert not any(key in each for each in listed.values()), row
            if key in scored[day]:
                assert row["p90"] == pytest.approx(scored[day][key])
                assert row["known"] or not row["counts"]
    page = city.anxin("lookback", CITY_DAY, until, "--format", "html").decode()
    assert "回头看" in page


def test_labels_of_a_month_name_the_rows_that_changed_them(city: City, tmp_path: Path) -> None:
    found = city.json("labels", "2026-03", "--out", tmp_path)
    assert Path(found["html"]).read_text(encoding="utf-8")
    assert found["changes"]
    for change in found["changes"]:
        assert change["because"], change
        assert all("2026-03-01" <= row["received_at"][:10] < "2026-04-01" for row in change["because"])


def test_mlflow_has_the_run_with_figures_signature_plots_and_aliases(city: City) -> None:
    with mlflow_at(city.home.mlruns) as mlflow:
        client = mlflow.MlflowClient()
        for kind in ("employer", "project"):
            versions = {
                client.get_model_version_by_alias(f"anxin-{kind}", alias).version
                for alias in ("champion", "challenger")
            }
            assert len(versions) == 1
            version = client.get_model_version_by_alias(f"anxin-{kind}", "champion")
            run = client.get_run(version.run_id)
            assert run.data.tags["model_id"] == city.json("status")["models"][kind]
            assert {"mean.model.all.average_precision", "mean.complaints_90d.new.auc"} <= set(
                run.data.metrics
            )
            assert run.data.params["rounds"]
            plots = {Path(entry.path).name for entry in client.list_artifacts(version.run_id, "plots")}
            assert plots == {"calibration.png", "gain.png", "shap_bar.png", "shap_beeswarm.png"}
            signature = mlflow.models.get_model_info(f"models:/anxin-{kind}@champion").signature
            assert [column.name for column in signature.outputs] == ["p30", "p90", "p180", "score"]
    assert (city.home.mlruns / "artifacts").is_dir()


def test_the_model_in_mlflow_says_the_same(city: City, folder: Path, scores: pd.DataFrame) -> None:
    with mlflow_at(city.home.mlruns) as mlflow:
        for kind in ("employer", "project"):
            model = mlflow.pyfunc.load_model(f"models:/anxin-{kind}@champion")
            snapshot = pq.read_table(folder / f"snapshot-{kind}.parquet").to_pandas()
            features = snapshot[[feature.name for feature in of(kind)]].astype(float)
            told = model.predict(features[model.metadata.get_input_schema().input_names()])
            mine = scores.loc[scores["kind"] == kind].set_index("subject_id").loc[snapshot["subject_id"]]
            for name in ("p30", "p90", "p180", "score"):
                assert np.array_equal(told[name].to_numpy(), mine[name].to_numpy()), name


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    with city.ledger() as ledger:
        app = create_app(city.home, ledger, open_scorer(city.home, ledger))
        yield TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def bearer(city: City) -> dict[str, str]:
    words = ("--person", "张三", "--unit", "市调度中心", "--everything")
    return {"Authorization": f"Bearer {city.anxin('token', 'create', *words).decode().strip()}"}


@pytest.mark.parametrize(
    "path", [f"/v1/lists/{CITY_DAY}", "/v1/subjects/employer/x", f"/v1/reports/{CITY_DAY}/x"]
)
def test_without_a_token_nothing_is_told(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": "Bearer anx_0_0"}).status_code == 401
    assert client.post("/v1/score", json={"kind": "employer", "rows": [{}]}).status_code == 401


def test_the_list_over_http_is_the_published_one(
    client: TestClient, bearer: dict[str, str], listed: pd.DataFrame
) -> None:
    where = f"/v1/lists/{CITY_DAY}"
    told = client.get(where, headers=bearer, params={"limit": 500})
    assert told.status_code == 200, told.text
    assert set(_subjects(told.json())) == set(listed["subject_id"])
    csv = client.get(where, headers=bearer | {"Accept": "text/csv"})
    assert listed.iloc[0]["subject_id"] in csv.text
    xlsx = client.get(where, headers=bearer, params={"format": "xlsx"})
    assert openpyxl.load_workbook(io.BytesIO(xlsx.content)).sheetnames


def test_score_and_explain_say_what_was_published_and_add_up(
    client: TestClient, bearer: dict[str, str], scores: pd.DataFrame, listed: pd.DataFrame
) -> None:
    majors = listed.set_index("subject_id")["p_major"]
    for kind, table in scores.groupby("kind"):
        some = table.sort_values("rank").iloc[[1, -1, 0]]
        ask = {"kind": kind, "as_of": str(CITY_DAY), "subject_ids": list(some["subject_id"])}
        told = client.post("/v1/score", json=ask, headers=bearer)
        assert told.status_code == 200, told.text
        assert not told.json()["problems"]
        figures = ("p30", "p90", "p180", "score", "grade", "workers", "amount_hi", "model_version")
        for one, (_, row) in zip(told.json()["results"], some.iterrows(), strict=True):
            assert one["key"] == row["subject_id"]
            assert {name: one[name] for name in figures} == {
                name: None if pd.isna(row[name]) else row[name] for name in figures
            }
            if one["key"] in majors:
                major = majors[one["key"]]
                assert one["p_major"] == (None if pd.isna(major) else major)
        assert told.json()["results"][0]["key"] in majors
        explained = client.post("/v1/explain", json=ask, headers=bearer).json()["results"]
        for one, (_, row) in zip(explained, some.iterrows(), strict=True):
            total = one["base"] + sum(reason["contribution"] for reason in one["reasons"])
            assert abs(total - row["score"]) <= 1e-6


def test_rows_of_features_are_scored_like_the_subjects_they_are_of(
    client: TestClient, bearer: dict[str, str], folder: Path, scores: pd.DataFrame
) -> None:
    snapshot = pq.read_table(folder / "snapshot-employer.parquet").slice(0, 12).to_pylist()
    names = [feature.name for feature in of("employer")]
    rows = [{name: row[name] for name in names if row[name] is not None} for row in snapshot]
    told = client.post("/v1/score", json={"kind": "employer", "rows": rows}, headers=bearer).json()
    score = scores.set_index("subject_id")["score"]
    assert [one["key"] for one in told["results"]] == [str(place) for place in range(12)]
    assert [one["score"] for one in told["results"]] == [score[row["subject_id"]] for row in snapshot]


def test_the_ledger_is_whole_and_remembers_who_read(
    city: City, client: TestClient, bearer: dict[str, str]
) -> None:
    assert client.get(f"/v1/lists/{CITY_DAY}", headers=bearer).status_code == 200
    found = city.json("audit", "verify")
    assert found["ok"] is True
    assert found["head"]
    with city.ledger() as ledger:
        kinds = {entry.kind for entry in ledger.entries()}
    assert {"model_promoted", "list_published", "token_created", "read"} <= kinds


def test_what_is_taken_out_by_the_command_line_is_remembered_with_who_took_it(
    city: City, folder: Path, listed: pd.DataFrame, tmp_path: Path
) -> None:
    subject, kind = (str(listed.iloc[0][name]) for name in ("subject_id", "kind"))
    list_id = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["list_id"]
    who = ("--actor", "李四")
    city.anxin("list", CITY_DAY, "--grade", "蓝", "--out", tmp_path / "list.csv", *who)
    city.anxin("list", CITY_DAY, *who)
    city.anxin("report", CITY_DAY, subject, *who)
    city.anxin("scores", CITY_DAY, "--out", tmp_path / "scores.parquet", *who)
    city.anxin("ability", CITY_DAY, *who)
    city.anxin("lookback", CITY_DAY, CITY_DAY, *who)
    city.anxin("labels", CITY_DAY, NEXT, "--out", tmp_path, *who)
    with city.ledger() as ledger:
        taken = [entry for entry in ledger.entries("read") if entry.actor == "李四"]
    assert taken[0].payload["asked"] == {"list_id": list_id, "grade": "蓝"}
    assert [entry.subject for entry in taken] == [
        f"list/{CITY_DAY}.csv",
        f"list/{CITY_DAY}.txt",
        f"report/{CITY_DAY}/{kind}/{subject}.html",
        f"scores/{CITY_DAY}.parquet",
        f"ability/{CITY_DAY}.txt",
        f"lookback/{CITY_DAY}/{CITY_DAY}.txt",
        f"labels/{CITY_DAY}/{NEXT}.html",
    ]
    with pytest.raises(AnxinError, match="--actor"):
        city.anxin("list", CITY_DAY, "--actor", " ", "--out", tmp_path / "nobody.csv")
    assert not (tmp_path / "nobody.csv").exists()


def test_a_day_before_every_model_is_scored_only_in_retrospect(city: City, tmp_path: Path) -> None:
    early = date(2025, 12, 1)
    with pytest.raises(AnxinError, match="train"):
        city.anxin("scores", early, "--out", tmp_path / "none.parquet")
    city.anxin("scores", early, "--retrospective", "--out", tmp_path / "scores.parquet")
    assert set(pq.read_table(tmp_path / "scores.parquet")["as_of"].to_pylist()) == {early}


def test_the_watch_list_is_of_money_and_its_reasons_too(city: City, folder: Path) -> None:
    found = json.loads(city.anxin("ability", CITY_DAY, "--format", "json"))
    every = pq.read_table(folder / "ability.parquet").to_pylist()
    watched = [row["subject_id"] for row in every if row["level"] == 2]
    assert [row["subject_id"] for row in found["watched"]] == watched
    assert sum(found["counts"].values()) == len(every)
    families = {reason["family"] for row in every for reason in row["reasons"]}
    assert families <= {"credit", "payroll", "litigation", "relations", "complaints"}
    assert len(every) == len(pq.read_table(folder / "snapshot-employer.parquet"))


def test_influences_of_everyone_are_told_by_part(city: City, scores: pd.DataFrame) -> None:
    found = city.json("influences", CITY_DAY, "--by", "district")
    for kind, one in found["kinds"].items():
        assert one["all"]["subjects"] == (scores["kind"] == kind).sum()
        assert sum(part["subjects"] for part in one["parts"].values()) == one["all"]["subjects"]
        assert min(one["all"]["families"].values()) >= 0
