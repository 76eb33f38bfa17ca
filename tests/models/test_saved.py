"""A model on disk: the same bytes each time, the same margins after, and refused where it was changed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from anxin.domain.errors import AnxinError
from anxin.features import catalogue
from anxin.models import saved, scoring
from anxin.models.grades import Promises
from anxin.models.saved import document, load, save

from . import made

FILES = ("booster.txt", "calibration.json", "severity.json", "grades.json", "manifest.json")
FACTS = {"base_rate": {"90": 0.01}, "dates": ["2025-05-01"], "code_version": "0+0"}


def _save(folder: Path, **change: object) -> str:
    facts = {**FACTS, **change}
    return save(folder, made.KIND, made.THROUGH, made.ordered(), made.severity(), made.PROMISES, facts)


def test_a_model_read_back_gives_the_same_margins_and_sizes(tmp_path: Path) -> None:
    model = load(tmp_path, _save(tmp_path))
    rows = made.matrix(300, seed=5)
    for horizon in (30, 90, 180):
        assert np.array_equal(model.ordered.margin(rows, horizon), made.ordered().margin(rows, horizon))
    assert model.ordered.calibration == made.CALIBRATION
    assert model.severity == made.severity()
    assert model.promises == made.PROMISES
    assert (model.kind, model.through, model.facts) == (made.KIND, made.THROUGH, FACTS)


def test_the_same_model_saved_twice_is_the_same_bytes_and_id(tmp_path: Path) -> None:
    one, other = _save(tmp_path / "a"), _save(tmp_path / "b")
    assert one == other == _save(tmp_path / "a")
    for name in FILES:
        assert (tmp_path / "a" / one / name).read_bytes() == (tmp_path / "b" / one / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [one]


def test_a_model_made_from_something_else_has_another_id(tmp_path: Path) -> None:
    assert _save(tmp_path) != _save(tmp_path, dates=["2025-05-02"])


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    model_id = _save(tmp_path)
    path = tmp_path / model_id / name
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(AnxinError, match=name):
        load(tmp_path, model_id)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("garbage", [None, b"\xff\xfe\x00"])
def test_a_lost_or_garbled_file_is_refused(tmp_path: Path, name: str, garbage: bytes | None) -> None:
    model_id = _save(tmp_path)
    path = tmp_path / model_id / name
    if garbage is None:
        path.unlink()
    else:
        path.write_bytes(garbage)
    with pytest.raises(AnxinError, match=name):
        load(tmp_path, model_id)


def test_a_file_changed_together_with_its_manifest_no_longer_fits_the_id(tmp_path: Path) -> None:
    model_id = _save(tmp_path)
    folder = tmp_path / model_id
    softer = (folder / "calibration.json").read_text(encoding="utf-8").replace("-0.1", "-3.1")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert softer != (folder / "calibration.json").read_text(encoding="utf-8")
    manifest["files"]["calibration.json"] = sha256(softer.encode()).hexdigest()
    (folder / "calibration.json").write_text(softer, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(AnxinError, match=r"manifest\.json"):
        load(tmp_path, model_id)


def _resaved(folder: Path, model_id: str, **change: object) -> str:
    """Return the id of the model with another manifest that fits its name."""
    manifest = json.loads((folder / model_id / "manifest.json").read_text(encoding="utf-8"))
    text = json.dumps(manifest | change)
    made_up = f"employer-2025-06-01-{sha256(text.encode()).hexdigest()[:16]}"
    (folder / model_id).rename(folder / made_up)
    (folder / made_up / "manifest.json").write_text(text, encoding="utf-8")
    return made_up


def test_a_feature_the_catalogue_lacks_is_refused_by_name(tmp_path: Path) -> None:
    features = ["no_such_feature", *made.FEATURES[1:]]
    model_id = _resaved(tmp_path, _save(tmp_path), features=features)
    with pytest.raises(AnxinError, match="no_such_feature"):
        load(tmp_path, model_id)


def test_a_model_of_before_promises_has_the_configured_grades_and_promises_nothing(tmp_path: Path) -> None:
    model_id = _save(tmp_path)
    manifest = json.loads((tmp_path / model_id / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / model_id / "grades.json").unlink()
    files = {name: digest for name, digest in manifest["files"].items() if name != "grades.json"}
    older = load(tmp_path, _resaved(tmp_path, model_id, format=1, files=files))
    assert older.promises == Promises.configured()
    assert not any(promise.kept for promise in older.promises.each)


def test_a_model_of_before_the_top_was_bent_is_read_with_a_straight_one(tmp_path: Path) -> None:
    model_id = _save(tmp_path)
    path = tmp_path / model_id / "calibration.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved.pop("top") == load(tmp_path, model_id).ordered.calibration.top < 1.0
    path.write_text(json.dumps(saved), encoding="utf-8")
    manifest = json.loads((tmp_path / model_id / "manifest.json").read_text(encoding="utf-8"))
    files = manifest["files"] | {"calibration.json": sha256(path.read_bytes()).hexdigest()}
    older = load(tmp_path, _resaved(tmp_path, model_id, format=2, files=files))
    assert older.ordered.calibration == replace(made.CALIBRATION, top=1.0)


def test_a_format_of_another_time_is_refused(tmp_path: Path) -> None:
    model_id = _resaved(tmp_path, _save(tmp_path), format=99)
    with pytest.raises(AnxinError, match="99"):
        load(tmp_path, model_id)


def test_a_feature_that_means_something_else_now_is_refused_by_name(tmp_path: Path) -> None:
    model_id = _save(tmp_path)
    manifest = json.loads((tmp_path / model_id / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["schema"]) == set(made.FEATURES)
    other = _resaved(tmp_path, model_id, schema={**manifest["schema"], "insured_heads": "00000000"})
    with pytest.raises(AnxinError, match="insured_heads"):
        load(tmp_path, other)


def test_a_feature_computed_to_mean_something_else_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_id = _save(tmp_path)
    now = catalogue.catalogue()
    later = {**now, "insured_heads": replace(now["insured_heads"], edition=now["insured_heads"].edition + 1)}
    monkeypatch.setattr(catalogue, "catalogue", lambda: later)
    with pytest.raises(AnxinError, match="insured_heads"):
        load(tmp_path, model_id)


def test_a_model_of_another_lightgbm_is_refused(tmp_path: Path) -> None:
    model_id = _resaved(tmp_path, _save(tmp_path), lightgbm="99.1")
    with pytest.raises(AnxinError, match=r"99\.1"):
        load(tmp_path, model_id)


def test_what_stands_beside_a_model_is_given_back_and_refused_where_it_was_changed(tmp_path: Path) -> None:
    model_id = save(
        tmp_path,
        made.KIND,
        made.THROUGH,
        made.ordered(),
        made.severity(),
        made.PROMISES,
        FACTS,
        {"folds.parquet": b"\xff\x00"},
    )
    assert document(tmp_path, model_id, "folds.parquet") == b"\xff\x00"
    assert document(tmp_path, model_id, "reference.json") is None
    (tmp_path / model_id / "folds.parquet").write_bytes(b"\xff\x01")
    for read in (lambda: document(tmp_path, model_id, "folds.parquet"), lambda: load(tmp_path, model_id)):
        with pytest.raises(AnxinError, match=r"folds\.parquet"):
            read()


def test_no_pickle_is_written_or_read(tmp_path: Path) -> None:
    model_id = _save(tmp_path)
    for path in (tmp_path / model_id).iterdir():
        assert not path.read_bytes().startswith(b"\x80"), path.name
        assert path.suffix in {".txt", ".json", ".parquet"}
    words = ("pickle", "joblib", "dill", "torch.load", "allow_pickle", "eval(", "exec(")
    for module in (saved, scoring, *_room_of(saved)):
        text = Path(str(module.__file__)).read_text(encoding="utf-8").replace("no pickle", "")
        assert not [word for word in words if word in text], module.__name__


def _room_of(module: ModuleType) -> list[ModuleType]:
    """Return every module of ours that loading a model imports."""
    names = [name for name in sys.modules if name.startswith(module.__name__.rpartition(".")[0] + ".")]
    return [sys.modules[name] for name in names]


@pytest.mark.parametrize("model_id", ["employer-2025-06-01-0000000000000000", ""])
def test_a_model_that_is_not_there_is_an_error_a_person_can_read(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(AnxinError):
        load(tmp_path, model_id)


def test_a_save_that_breaks_off_leaves_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes
    written = []

    def breaks(path: Path, *args: object, **more: object) -> int:
        written.append(path.name)
        if len(written) == 2:
            raise OSError("no space left")
        return whole(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_bytes", breaks)
    with pytest.raises(OSError, match="no space"):
        _save(tmp_path)
    monkeypatch.undo()
    assert not [path for path in tmp_path.glob("employer-*")]
    assert load(tmp_path, _save(tmp_path)).through == date(2025, 6, 1)
