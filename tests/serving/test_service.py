"""The real BentoML service, as operators start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import published_home

START = """
import sys
from pathlib import Path
from anxin.serving.home import Home
from anxin.serving.serve import serve
serve(Home(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]))
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str, float]]:
    root = tmp_path_factory.mktemp("served")
    _, ledger, tokens = published_home(root)
    ledger.close()
    port, began = free_port(), time.monotonic()
    log = (root / "log").open("wb")
    environment = {**os.environ, "ANXIN_WORKERS": "2"}
    environment.pop("ANXIN_LEDGER_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(root), str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=root,
        env=environment,
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            while not _ready(client):
                if process.poll() is not None or time.monotonic() - began > 40:
                    pytest.fail((root / "log").read_text(errors="replace")[-3000:])
                time.sleep(0.1)
            yield client, tokens["centre"], time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
        log.close()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_lists_to_tokens_and_nothing_to_others(running: tuple[httpx.Client, str, float]) -> None:
    client, token, _ = running
    for format, start in (("json", b"{"), ("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("parquet", b"PAR1")):
        path = f"/v1/lists/2026-01-12?format={format}"
        assert client.get(path).status_code == 401
        for _ in range(3):  # whichever worker answers
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
            assert answer.content.startswith(start)


def test_bentomls_own_pages_are_not_there(running: tuple[httpx.Client, str, float]) -> None:
    client, token, _ = running
    for path in ("/docs.json", "/schema.json", "/static_content/swagger-ui.css", "/assets/x", "/__status"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 404
    front = client.get("/").text
    assert "安薪" in front
    assert "bentoml" not in front.lower()


def test_probes_and_metrics_answer_and_metrics_name_nobody(running: tuple[httpx.Client, str, float]) -> None:
    client, token, _ = running
    subject = "91500000MA5U00000X"
    answer = client.get(f"/v1/reports/2026-01-12/{subject}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    for path in ("/readyz", "/livez", "/healthz"):
        assert client.get(path).status_code == 200
    metrics = client.get("/metrics").text
    assert subject not in metrics
    assert 'endpoint="/v1/reports/*"' in metrics


def test_it_starts_quickly(running: tuple[httpx.Client, str, float]) -> None:
    assert running[2] < 20  # three seconds on a quiet machine


def test_usage_is_never_sent(tmp_path: Path) -> None:
    program = """
import os, anxin.serving.service
from bentoml._internal.utils.analytics.usage_stats import do_not_track
assert do_not_track()
assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
assert anxin.serving.service.metric_label("/v1/subjects/employer/91500000MA5U00000X") == "/v1/subjects/*"
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=60)
