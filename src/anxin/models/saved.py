"""A model on disk: text and JSON a person can read and diff, a manifest with every hash, no pickle.

    <model_id>/booster.txt  calibration.json  severity.json  grades.json  manifest.json, and what stands beside them:
               reference.json (what it was trained on, for drift)  folds.parquet (what its backtest said, for gates)
               ability.json (employers: the ability to pay, from signs of money alone)

The id ends in the hash of the manifest, and the ledger's promotion names the id: a folder whose files or manifest were
changed no longer fits its name and is refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm as lgb

from anxin.domain.errors import AnxinError
from anxin.features import catalogue
from anxin.models.grades import Promises
from anxin.models.probability import IDENTITY, Calibration, Ordered
from anxin.models.scoring import Model
from anxin.models.severity import Severity

_FORMAT = 3
_WITHOUT_TOP = 2
"""Models of before have no `top` in `calibration.json`: theirs is 1."""
_WITHOUT_PROMISES = 1
"""Models of before that have no `grades.json`: their grades are the configured ones and promise nothing."""

_HASH = 16


def save(
    folder: Path,
    kind: str,
    through: date,
    ordered: Ordered,
    severity: Severity,
    promises: Promises,
    facts: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> str:
    """Write a model under `folder` and return its id. The same model written twice is the same bytes and id.

    `beside` are further files by name, which scoring does not read: `document` gives them back.
    """
    files = {
        "booster.txt": ordered.booster.model_to_string(num_iteration=ordered.rounds),
        "calibration.json": _json(asdict(ordered.calibration)),
        "severity.json": _json(severity.to_json()),
        "grades.json": _json(promises.to_json()),
    }
    contents = {**{name: text.encode() for name, text in files.items()}, **(beside or {})}
    manifest = _json(
        {
            "format": _FORMAT,
            "kind": kind,
            "through": through.isoformat(),
            "features": list(ordered.features),
            "rounds": ordered.rounds,
            "lightgbm": lgb.__version__,
            "schema": {name: _meaning(name) for name in ordered.features},
            "files": {name: _sha256(content) for name, content in contents.items()},
            "facts": dict(facts),
        }
    )
    model_id = f"{kind}-{through.isoformat()}-{_sha256(manifest.encode())[:_HASH]}"
    target = folder / model_id
    if _is_whole(folder, model_id):
        return model_id
    # A kill leaves a hidden folder nobody knows, and never touches a model that may be live.
    hidden = folder / f".{model_id}.part"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    for name, content in {**contents, "manifest.json": manifest.encode()}.items():
        (hidden / name).write_bytes(content)
    shutil.rmtree(target, ignore_errors=True)
    hidden.rename(target)
    return model_id


def _is_whole(folder: Path, model_id: str) -> bool:
    try:
        _contents(folder / model_id, model_id)
    except AnxinError:
        return False
    return True


def load(folder: Path, model_id: str) -> Model:
    """Read a model and refuse what does not fit: another hash, format, library or feature. AnxinError says which."""
    target = folder / model_id
    if not target.is_dir():
        raise AnxinError(f"找不到模型 {model_id}，请检查 {folder}", f"model {model_id} is not in {folder}")
    manifest, contents = _contents(target, model_id)
    if manifest["format"] not in (_WITHOUT_PROMISES, _WITHOUT_TOP, _FORMAT):
        raise AnxinError(
            f"模型 {model_id} 的格式为 {manifest['format']}，本程序只认 {_FORMAT}，请重新训练",
            f"model {model_id} has format {manifest['format']}, this program reads {_FORMAT}; train again",
        )
    _fits(model_id, manifest)
    calibration = json.loads(contents["calibration.json"])
    ordered = Ordered(
        lgb.Booster(model_str=contents["booster.txt"].decode()),
        tuple(manifest["features"]),
        Calibration(
            calibration["slope"],
            tuple(calibration["intercepts"]),
            calibration["top"] if manifest["format"] == _FORMAT else IDENTITY.top,
        ),
        manifest["rounds"],
    )
    severity = Severity.from_json(json.loads(contents["severity.json"]))
    through = date.fromisoformat(manifest["through"])
    if manifest["format"] == _WITHOUT_PROMISES:
        promises = Promises.configured()
    else:
        promises = Promises.from_json(json.loads(contents["grades.json"]))
    return Model(model_id, manifest["kind"], through, ordered, severity, promises, manifest["facts"])


def document(folder: Path, model_id: str, name: str) -> bytes | None:
    """Return a file that stands beside a model, checked by its hash; None where the model was saved without it."""
    target = folder / model_id
    manifest = json.loads(_content(target, model_id, "manifest.json", model_id[-_HASH:]))
    expected = manifest["files"].get(name)
    return None if expected is None else _content(target, model_id, name, expected)


def _fits(model_id: str, manifest: Mapping[str, Any]) -> None:
    """Refuse a model of another LightGBM, or of features that are gone or mean something else now."""
    if manifest["lightgbm"].split(".")[0] != lgb.__version__.split(".")[0]:
        raise AnxinError(
            f"模型 {model_id} 由 LightGBM {manifest['lightgbm']} 训练，本机为 {lgb.__version__}，请重新训练",
            f"model {model_id} was made by LightGBM {manifest['lightgbm']}, here is {lgb.__version__}; train again",
        )
    unknown = set(manifest["features"]) - {feature.name for feature in catalogue.of(manifest["kind"])}
    if unknown:
        raise AnxinError(
            f"模型 {model_id} 使用目录中没有的特征 {sorted(unknown)}，请重新训练",
            f"model {model_id} reads features the catalogue lacks: {sorted(unknown)}; train again",
        )
    # A model of before has no schema: its names are all that can be checked.
    changed = [name for name, meaning in manifest.get("schema", {}).items() if meaning != _meaning(name)]
    if changed:
        raise AnxinError(
            f"模型 {model_id} 训练后，下列特征的含义已变：{changed}，请重新训练",
            f"since model {model_id} was trained these features changed their meaning: {changed}; train again",
        )


def _meaning(name: str) -> str:
    """Return a short hash over what the catalogue says a feature's values are: not its words, nor its direction."""
    feature = catalogue.catalogue()[name]
    more: list[str | int] = ["stated"] if feature.stated else []
    if feature.edition > 1:
        more.append(feature.edition)
    text = _json([feature.name, feature.unit, feature.empty, sorted(feature.sources), *more])
    if feature.of_day:  # what it is less the median of the day
        text += _meaning(feature.told)
    return _sha256(text.encode())[:8]


def _contents(target: Path, model_id: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest that fits the model's id, and the files that fit the manifest, by name."""
    manifest = json.loads(_content(target, model_id, "manifest.json", model_id[-_HASH:]))
    return manifest, {
        name: _content(target, model_id, name, full) for name, full in manifest["files"].items()
    }


def _content(target: Path, model_id: str, name: str, expected: str) -> bytes:
    try:
        content = (target / name).read_bytes()
    except OSError as error:
        raise AnxinError(
            f"模型 {model_id} 的 {name} 无法读取，请从备份恢复或重新训练",
            f"{name} of model {model_id} cannot be read; restore it or train again",
        ) from error
    if not expected or not _sha256(content).startswith(expected):
        raise _changed(model_id, name)
    return content


def _changed(model_id: str, name: str) -> AnxinError:
    return AnxinError(
        f"模型 {model_id} 的 {name} 与登记的校验值不符，可能被改动，请从备份恢复或重新训练",
        f"{name} of model {model_id} does not match its registered hash; restore it or train again",
    )


def _json(state: Any) -> str:
    return json.dumps(state, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
