"""One holder of a lock at a time: the next waits, or is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from anxin.domain.errors import AnxinError
from anxin.feeds.locking import alone


def test_the_next_waits_until_the_first_is_done(tmp_path: Path) -> None:
    done: list[str] = []

    def other() -> None:
        with alone(tmp_path / "new" / ".lock"):
            done.append("other")

    with alone(tmp_path / "new" / ".lock"):
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.1)
        done.append("first")
    thread.join()
    assert done == ["first", "other"]


def test_whoever_cannot_wait_is_told(tmp_path: Path) -> None:
    busy = AnxinError("有人在写", "somebody is writing")
    with (
        alone(tmp_path / ".lock"),
        pytest.raises(AnxinError, match="somebody"),
        alone(tmp_path / ".lock", busy),
    ):
        raise AssertionError
    with alone(tmp_path / ".lock", busy):
        pass
