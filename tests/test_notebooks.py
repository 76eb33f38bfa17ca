"""The notebooks run on a small city from top to bottom, say something, and leave its home as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from running import City

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("0*.ipynb"))


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_headings_are_chinese_first_and_nothing_run_is_kept(path: Path) -> None:
    cells = _read(path).cells
    headings = [line for cell in cells for line in cell.source.splitlines() if re.match("#+ ", line)]
    assert len(headings) > 3
    for heading in headings:
        if heading.startswith("#"):
            zh, en = heading.lstrip("# ").split(" · ")
            assert re.search("[一-鿿]", zh)
            assert not re.search("[一-鿿]", en)
    assert not any(cell.outputs or cell.execution_count for cell in cells if cell.cell_type == "code")


@pytest.mark.slow
@pytest.mark.xdist_group("city")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_small_city(
    path: Path, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANXIN_HOME", str(city.root))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("ANXIN_LEDGER_URL", "MLFLOW_TRACKING_URI", "ANXIN_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    before = _files(city.root)
    notebook = _read(path)
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) >= 3
    assert _files(city.root) == before


def _files(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}
