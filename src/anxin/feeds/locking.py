"""One process at a time: a lock file that the system frees if its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anxin.domain.errors import AnxinError


@contextmanager
def alone(lock: Path, busy: AnxinError | None = None) -> Iterator[None]:
    """Hold a lock file; where another process holds it, raise `busy`, or wait if there is none to raise."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX if busy is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if busy is None:
                raise
            raise busy from error
        yield
