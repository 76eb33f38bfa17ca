"""A real standalone Spark on loopback: one master and some workers of one core, each a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pyspark

_SPARK = Path(pyspark.__file__).parent
_JAVA = str(Path(os.environ["JAVA_HOME"], "bin", "java")) if os.environ.get("JAVA_HOME") else "java"
_SCALA = next((_SPARK / "jars").glob("spark-core_*.jar")).name.split("_")[1].split("-")[0]
_PATIENCE_S = 120

_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SMALL = "?" + urlencode(
    {
        "spark.executor.extraJavaOptions": _SHORT_LIVED,
        "spark.driver.extraJavaOptions": _SHORT_LIVED,
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "4",
        # Planning a query anew after each of its stages costs more here than what it could save.
        "spark.sql.adaptive.enabled": "false",
    }
)
"""What a small job on tiny data asks for after the address: little memory, little compiling."""


@contextlib.contextmanager
def cluster(folder: Path, workers: int, memory: str = "1g") -> Iterator[str]:
    """Start a cluster and give its address; whatever happens, nothing of it is left running."""
    with contextlib.ExitStack() as running:
        master = running.enter_context(
            _daemon(folder / "master", "master.Master", "-Dspark.master.rest.enabled=false")
        )
        address = _said(master, r"Starting Spark master at (spark://\S+)")
        for number in range(workers):
            place = folder / f"worker-{number}"
            sizes = ("--cores", "1", "--memory", memory, "--work-dir", str(place / "work"))
            log = running.enter_context(_daemon(place, "worker.Worker", arguments=(*sizes, address)))
            _said(log, r"(Successfully registered) with master")
        yield address


@contextlib.contextmanager
def _daemon(folder: Path, name: str, *options: str, arguments: tuple[str, ...] = ()) -> Iterator[Path]:
    folder.mkdir(parents=True)
    command = [_JAVA, "-Xmx256m", *_SHORT_LIVED.split(), *options, "-cp", str(_SPARK / "jars" / "*")]
    command += [f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    env = {
        **os.environ,
        "SPARK_HOME": str(_SPARK),
        "SPARK_SCALA_VERSION": _SCALA,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    log = folder / "log"
    with log.open("wb") as sink:
        # A group of its own, so that executors end with their worker.
        child = subprocess.Popen(
            [*command, *arguments],
            stdout=sink,
            stderr=sink,
            env=env,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # it only asks the kernel, and takes no lock
        )
    try:
        yield log
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is gone, however that came."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _said(log: Path, what: str) -> str:
    """Wait until a daemon has said something in its log, and return it."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        found = re.search(what, log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(f"{log.parent.name} did not say {what!r}: {log.read_text(errors='replace')[-2000:]}")
