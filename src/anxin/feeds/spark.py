"""Apache Spark behind the same expressions, for a lake that outgrows one machine (docs/scale.md).

Needs the extra `anxin[spark]` and Java 17 or later on the machine that asks and on every worker; every machine
must see the lake under the same path. No row passes through Python on the way: workers need no Python.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ibis.expr.types as ir
import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.feeds.engine import SPARK, no_engine

try:
    from ibis.backends.pyspark import Backend
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler
    from ibis.util import gen_name
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema
except ImportError as missing:
    raise AnxinError(
        "没有安装 pyspark，请安装 anxin[spark] 与 Java 17",
        "pyspark is not installed; install anxin[spark] and Java 17",
    ) from missing

_MEANING = {
    # Instants are naive +08:00 wall time in the lake: no zone may ever be applied to them.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    # What DuckDB refuses (a number that does not fit, a date that is none) is refused, not made null.
    "spark.sql.ansi.enabled": "true",
    # Sums must not lose digits to keep a scale.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Settings the meaning of a feature depends on: no address may change them."""

_QUIET = {
    "spark.app.name": "anxin",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}

_SIZES = {
    "spark.driver.memory": "2g",
    # The driver plans for minutes and never computes for hours: the optimising compiler took two fifths of its time.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    # A snapshot is meant to come back, however large.
    "spark.driver.maxResultSize": "0",
    # Adaptive execution joins small ones together: this is the most a shuffle is cut into.
    "spark.sql.shuffle.partitions": "32",
    "spark.sql.adaptive.enabled": "true",
    # A snapshot is many small tables over few large feeds: tables of 64 MB are sent to every worker.
    "spark.sql.autoBroadcastJoinThreshold": "64m",
}
"""What an address may set otherwise: `spark://host:7077?spark.executor.memory=8g`."""

_PATIENCE_S = 5

_ALONE = threading.Lock()
_SESSIONS: dict[str, SparkSession] = {}
"""The session of this process by its master: every thread of a service asks the same one."""

# A failed query is told by its exception; Spark would print pages of JSON before.
logging.getLogger("SQLQueryContextLogger").disabled = True


class _Compiler(PySparkCompiler):  # type: ignore[misc]  # Ibis has no types
    """Whole numbers are as wide as Ibis says: literals and parts of dates have 32 bits, and so would a product."""

    def visit_Add(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802  # Ibis's name
        return super().visit_Add(op, left=self._wide(op, left), right=right)

    def visit_Subtract(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return super().visit_Subtract(op, left=self._wide(op, left), right=right)

    def visit_Multiply(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return super().visit_Multiply(op, left=self._wide(op, left), right=right)

    def _wide(self, op: Any, left: Any) -> Any:
        narrow = op.dtype.is_int64() and not op.left.dtype.is_int64()
        return self.cast(left, op.dtype) if narrow else left


class Spark(Backend):  # type: ignore[misc]  # Ibis has no types
    """Ibis's Spark with Arrow in and out: nothing missing becomes NaN, no whole number becomes a float."""

    compiler = _Compiler()

    def read_files(self, paths: Sequence[Path], schema: pa.Schema) -> ir.Table:
        """Return Parquet files as one table of that schema; a name is a name, never a pattern."""
        reader = self._session.read.schema(from_arrow_schema(schema, prefer_timestamp_ntz=True))
        name = gen_name("files")
        reader.parquet(*(_address_of(path) for path in paths)).createOrReplaceTempView(name)
        return self.table(name)

    def to_pyarrow(self, expr: ir.Expr, /, **kwargs: Any) -> Any:
        """Compute an expression; columns have the types Ibis says. AnxinError if the cluster cannot."""
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        try:
            found = self._session.sql(self.compile(table, **kwargs)).toArrow()
        except PySparkException as error:
            why = str(error).partition("\n")[0]
            raise AnxinError(f"Spark 计算失败：{why}", f"Spark failed: {why}") from error
        return expr.__pyarrow_result__(found.cast(table.schema().to_pyarrow()))

    def _register_in_memory_table(self, op: Any) -> None:
        rows = op.data.to_pyarrow(op.schema)
        schema = from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)
        self._session.createDataFrame(rows, schema).createOrReplaceTempView(op.name)

    def _make_memtable_finalizer(self, name: str) -> None:
        """Nothing to do: it goes with the session."""

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        # Ibis forgets that what is cached may read tables in memory.
        self._run_pre_execute_hooks(expr)
        return super()._create_cached_table(name, expr)


def connect(address: str) -> Spark:
    """Return the Spark at `spark://host:port`, with settings after a `?`.

    One process has one session, with the settings it was first asked for; AnxinError if it has one of another address, or
    nothing answers.
    """
    master, asked = _parts(address)
    with _ALONE:
        for other in _SESSIONS.keys() - {master}:
            raise AnxinError(
                f"本进程已连接 {other}，不能再连接 {master}，请另开一次命令",
                f"this process is connected to {other}, not {master}; use another process",
            )
        if master not in _SESSIONS:
            _SESSIONS[master] = _start(master, asked)
    unbound = Spark()
    unbound.register_options()
    backend: Spark = unbound.connect(_SESSIONS[master])
    return backend


def _start(master: str, asked: dict[str, str]) -> SparkSession:
    """Start the driver beside this process; what it logs goes to a file, errors come back as exceptions."""
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise AnxinError("没有找到 Java，请安装 Java 17", "no Java found; install Java 17")
    if not any(_answers(place) for place in master.removeprefix(SPARK).split(",")):
        raise AnxinError(
            f"{master} 没有应答，请检查地址与集群", f"{master} does not answer; check address and cluster"
        )
    scratch = Path(tempfile.mkdtemp(prefix="anxin-spark-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    folders = {"spark.sql.warehouse.dir": str(scratch), "spark.local.dir": str(scratch)}
    settings = {**folders, **_SIZES, **asked, **_QUIET, **_MEANING, **_places(master)}
    conf = SparkConf().setMaster(master).setAll(list(settings.items()))
    log = scratch / "driver.log"
    try:
        with log.open("wb") as sink:
            gateway = launch_gateway(conf, {"stdout": sink, "stderr": sink})
        session = SparkSession(SparkContext(gateway=gateway, conf=conf))
    except (PySparkException, Py4JError, OSError) as error:
        said = [line for line in log.read_text(errors="replace").splitlines() if "Exception" in line]
        why = said[-1].strip() if said else str(error).partition("\n")[0]
        raise AnxinError(f"{master} 无法使用：{why}", f"{master} cannot be used: {why}") from error
    # Registered after the removal of its folder, so it stops before.
    atexit.register(session.stop)
    return session


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except (OSError, ValueError):
        return False
    return True


def _parts(address: str) -> tuple[str, dict[str, str]]:
    """Split an address into the master and what it sets.

    >>> _parts("spark://10.0.0.5:7077?spark.executor.memory=8g")
    ('spark://10.0.0.5:7077', {'spark.executor.memory': '8g'})
    """
    url = urlsplit(address)
    asked = dict(parse_qsl(url.query))
    odd = sorted(name for name in asked if not name.startswith("spark.") or name in _MEANING)
    if url.scheme != "spark" or not url.netloc or url.path not in ("", "/") or odd:
        raise no_engine(address)
    return f"spark://{url.netloc}", asked


def _places(master: str) -> dict[str, str]:
    """Keep a cluster on loopback on loopback: nothing else can reach what it need not."""
    host = urlsplit(master).hostname or ""
    try:
        near = ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    return {"spark.driver.host": host, "spark.driver.bindAddress": host} if near else {}


def _address_of(path: Path) -> str:
    """Return a file's address on the shared file system, with what Hadoop takes for a pattern spelt out."""
    return "file://" + "".join(f"\\{sign}" if sign in "\\*?[]{}" else sign for sign in str(path))
