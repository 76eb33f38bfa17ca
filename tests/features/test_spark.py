"""The same expressions on a real Spark cluster: every cell of both snapshots equals DuckDB's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from anxin.domain.errors import AnxinError
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, backend_of
from anxin.feeds.lake import Lake

from . import streams
from .test_oracle import same

pytest.importorskip("pyspark", reason="needs the extra anxin[spark]")
from cluster import SMALL, cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (os.environ.get("JAVA_HOME") or shutil.which("java")),
        reason="no Java: Spark needs a Java 17 runtime (JAVA_HOME, or java on the path)",
    ),
]

DAYS = streams.DATES[-2:]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One master and two workers on loopback."""
    with cluster(tmp_path_factory.mktemp("spark"), workers=2) as found:
        yield found


_CHILD = """
import sys
from datetime import date
from pathlib import Path
import pyarrow.parquet as pq
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, backend_of
from anxin.feeds.lake import Lake
lake, out, address, *days = sys.argv[1:]
view = View(Lake(lake), backend_of(address))
for kind in KINDS:
    pq.write_table(snapshots(view, [date.fromisoformat(day) for day in days], kind), Path(out) / kind)
"""


def test_every_cell_is_the_same_on_two_workers(address: str, tmp_path: Path) -> None:
    """Files of a feed are several, and a folder has signs that file systems take for patterns."""
    lake = streams.lake_of(tmp_path / "a [1] {b} x=1", streams.world(1), files=2)
    out = tmp_path / "out"
    out.mkdir()
    # A process of its own: the session goes with it, whatever else this one runs.
    words = [str(lake.path), str(out), address + SMALL, *(day.isoformat() for day in DAYS)]
    done = subprocess.run([sys.executable, "-c", _CHILD, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    for kind in KINDS:
        meant = snapshots(View(Lake(lake.path)), DAYS, kind)
        found = pq.read_table(out / kind)
        assert found.schema.equals(meant.schema)
        for name in meant.column_names:
            pairs = zip(found[name].to_pylist(), meant[name].to_pylist(), strict=True)
            if pa.types.is_floating(meant.schema.field(name).type):
                assert all(same(got, wanted) for got, wanted in pairs), name
            else:
                assert all(got == wanted for got, wanted in pairs), name
        assert len(meant) >= 8
        assert sum(pc.count_distinct(meant[name]).as_py() > 1 for name in meant.column_names) > 100


@pytest.mark.parametrize("name", ["sparc", "spark:/host", "spark://", "spark://a:1/x", "spark://a:1?b=c"])
def test_what_is_no_engine_is_said(name: str) -> None:
    with pytest.raises(AnxinError, match="duckdb"):
        backend_of(name)


def test_what_decides_the_meaning_cannot_be_set_by_an_address() -> None:
    with pytest.raises(AnxinError, match="duckdb"):
        backend_of("spark://127.0.0.1:7077?spark.sql.session.timeZone=Asia/Shanghai")


def test_a_cluster_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(AnxinError, match="does not answer"):
        backend_of("spark://127.0.0.1:1")
