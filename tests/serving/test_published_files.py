"""What is read of a published list is what was published: every file is held to the hashes the ledger vouches for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger
from anxin.ledger.published import Published as Record
from anxin.ledger.published import record
from anxin.serving.published import Published

from . import made_up
from .conftest import AT


def _published(root: Path) -> tuple[Path, Record]:
    folder = made_up.publish(root / "var" / "lists", made_up.DAY, "L-1", None)
    manifest = folder / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["files"] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.parquet")
    }
    manifest.write_text(json.dumps(content), encoding="utf-8")
    with Ledger.open(f"sqlite:///{root / 'ledger.db'}") as ledger:
        entry = record(
            ledger,
            made_up.DAY,
            "L-1",
            folder=folder.relative_to(root).as_posix(),
            manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
            previous_list_id=None,
            facts={},
            actor="daily",
            at=AT,
        )
    return folder, entry


def test_a_whole_list_is_read(tmp_path: Path) -> None:
    _, entry = _published(tmp_path)
    opened = Published.of_entry(tmp_path, entry)
    assert opened.rows
    assert opened.table("scores.parquet").num_rows
    assert opened.has("list.parquet")
    assert not opened.has("snapshot-worker.parquet")


@pytest.mark.parametrize("name", ["list", "scores", "explanations", "cleared"])
def test_a_file_that_was_exchanged_is_refused(tmp_path: Path, name: str) -> None:
    folder, entry = _published(tmp_path)
    other = made_up.publish(tmp_path / "other", made_up.DAY, "L-2", None) / f"{name}.parquet"
    (folder / f"{name}.parquet").write_bytes(other.read_bytes() + b"\0")
    with pytest.raises(AnxinError, match=name):
        Published.of_entry(tmp_path, entry).table(f"{name}.parquet")


def test_a_file_the_manifest_names_and_nobody_has_is_told(tmp_path: Path) -> None:
    folder, entry = _published(tmp_path)
    (folder / "scores.parquet").unlink()
    opened = Published.of_entry(tmp_path, entry)
    assert opened.has("scores.parquet")
    with pytest.raises(AnxinError, match=r"scores\.parquet"):
        opened.table("scores.parquet")


def test_a_manifest_that_is_not_the_ledgers_is_refused(tmp_path: Path) -> None:
    folder, entry = _published(tmp_path)
    with pytest.raises(AnxinError, match="L-1"):
        Published.of_entry(tmp_path, replace(entry, manifest_sha256="0" * 64))
    (folder / "manifest.json").unlink()
    with pytest.raises(AnxinError, match="L-1"):
        Published.of_entry(tmp_path, entry)
