"""Progress for what takes more than a moment: a bar on a terminal, plain lines where `ANXIN_PROGRESS=lines` asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Tell]:
    """Give a function that takes what is under way, how much is done, and of how much."""
    if not sys.stderr.isatty():
        lines = os.environ.get("ANXIN_PROGRESS") == "lines"
        last = ""

        def tell_lines(what: str, done: int, total: int) -> None:
            nonlocal last
            if lines and what != last:
                last = what
                sys.stderr.write(f"  … {what}\n")
                sys.stderr.flush()

        yield tell_lines
        return
    from rich.console import Console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield tell
