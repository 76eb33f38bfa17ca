"""Progress for what takes more than a moment: a bar on a terminal, plain lines where `ANXIN_PROGRESS=lines` asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_SECONDS_BETWEEN_LINES = 2.0


class Tell:
    """Takes what is under way, how much is done, and of how much; `say` takes a line that stays.

    As it is, it shows nothing: the output is for a program.
    """

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show what is under way."""

    def say(self, line: str) -> None:
        """Show a line that stays."""


@contextmanager
def progress() -> Iterator[Tell]:
    """Give what is told of the work: a bar on a terminal, lines where asked for, nothing otherwise."""
    if not sys.stderr.isatty():
        yield _Lines() if os.environ.get("ANXIN_PROGRESS") == "lines" else Tell()
        return
    from rich.console import Console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


class _Bar(Tell):
    """A bar on a terminal, lines above it."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def __call__(self, what: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=what, completed=done, total=total or None)

    def say(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)


class _Lines(Tell):
    """Lines with the seconds since the start, those of progress not more often than people can read."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._last_time, self._last_what = -_SECONDS_BETWEEN_LINES, ""

    def __call__(self, what: str, done: int, total: int) -> None:
        elapsed = monotonic() - self._started
        if what != self._last_what and elapsed - self._last_time >= _SECONDS_BETWEEN_LINES:
            self._last_time, self._last_what = elapsed, what
            self.say(what)

    def say(self, line: str) -> None:
        sys.stderr.write(f"  {monotonic() - self._started:4.0f} s  {line}\n")
        sys.stderr.flush()
