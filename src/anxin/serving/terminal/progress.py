"""Progress for what takes more than a moment: a bar on a terminal, plain lines where `ANXIN_PROGRESS=lines` asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str, int, int], None]
_SECONDS_BETWEEN_LINES = 2.0


@contextmanager
def progress() -> Iterator[Tell]:
    """Give a function that takes what is under way, how much is done, and of how much."""
    if not sys.stderr.isatty():
        yield _lines() if os.environ.get("ANXIN_PROGRESS") == "lines" else _silence
        return
    from rich.console import Console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield tell


def _lines() -> Tell:
    """Return a function that writes a line with the seconds since the start, not more often than people can read."""
    started = monotonic()
    last_time, last_what = -_SECONDS_BETWEEN_LINES, ""

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last_time, last_what
        elapsed = monotonic() - started
        if what != last_what and elapsed - last_time >= _SECONDS_BETWEEN_LINES:
            last_time, last_what = elapsed, what
            sys.stderr.write(f"  {elapsed:4.0f} s  {what}\n")
            sys.stderr.flush()

    return tell


def _silence(what: str, done: int, total: int) -> None:
    """Show nothing: the output is for a program."""
