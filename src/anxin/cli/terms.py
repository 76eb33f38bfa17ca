"""What the verbs of the command line share: their arguments, the clock, the home, the ledger, and how they speak."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from anxin.ledger.chain import Ledger
    from anxin.serving.home import Home


class Kind(StrEnum):
    """Kinds of subjects."""

    employer = "employer"
    project = "project"


class ListFormat(StrEnum):
    """Forms a list is written in."""

    csv = "csv"
    xlsx = "xlsx"
    json = "json"
    parquet = "parquet"


class ReportFormat(StrEnum):
    """Forms a report is written in."""

    html = "html"
    pdf = "pdf"


_FIRST_YEAR, _LAST_YEAR = 1990, 2100


def as_date(text: str) -> date:
    """Read a date argument; one that no data can be about is a slip."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} 不是日期，应为 YYYY-MM-DD (not a date)") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise typer.BadParameter(
            f"{text} 不在 {_FIRST_YEAR} 至 {_LAST_YEAR} 年之间 (not between {_FIRST_YEAR} and {_LAST_YEAR})"
        )
    return found


def as_instant(text: str) -> datetime:
    """Read an instant argument."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} 不是时刻，应为 YYYY-MM-DDTHH:MM:SS (not an instant)") from None


def form_of(path: Path) -> ListFormat:
    """Tell the format from a file's name."""
    try:
        return ListFormat(path.suffix.lstrip(".").lower())
    except ValueError:
        raise typer.BadParameter(f"{path} 看不出格式，请给出 --format (give --format)") from None


def _operator() -> str:
    """Return who is at the machine; where it has no name for them, what they are."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


OPERATOR = _operator()

Day = Annotated[date, typer.Argument(parser=as_date, metavar="D", help="日期 as-of date, YYYY-MM-DD")]
Hindsight = Annotated[
    bool, typer.Option("--retrospective", help="该日的回溯名单 the list of the day made in hindsight")
]
AsJson = Annotated[bool, typer.Option("--json", help="给程序用的输出 output for programs")]
Actor = Annotated[str, typer.Option("--actor", help="操作人 who does it", envvar="ANXIN_ACTOR")]


def now() -> datetime:
    """Read the clock: here and nowhere below."""
    return datetime.now(ZoneInfo("Asia/Shanghai"))


_ENGINE: ContextVar[str | None] = ContextVar("engine", default=None)


def choose_engine(name: str) -> None:
    """Remember what computes for the verb that follows; it is connected when something is to be computed."""
    _ENGINE.set(name or None)


def open_home() -> Home:
    """Return the home, made if it is new."""
    from anxin.serving.home import Home

    home = Home.find(_ENGINE.get())
    home.var.mkdir(parents=True, exist_ok=True)
    return home


@contextmanager
def open_ledger(home: Home) -> Iterator[Ledger]:
    """Open the ledger of a home for one verb."""
    from anxin.ledger import Ledger

    ledger = Ledger.open(home.ledger_url)
    try:
        yield ledger
    finally:
        ledger.close()


def exported(ledger: Ledger, actor: str, what: str, **asked: object) -> None:
    """Record who takes what out by the command line, before it is handed out: every read and export is in the ledger."""
    from anxin.ledger.access import record_export

    said = {name: str(value) for name, value in asked.items() if value not in (None, False)}
    record_export(ledger, actor, what, said, now())


@contextmanager
def telling() -> Iterator[Any]:
    """Show what is under way on a terminal (or when asked by `make demo`); programs see nothing."""
    from anxin.serving.terminal.progress import progress

    with progress() as tell:
        yield tell


def say(as_json: bool, facts: Any, text: str) -> None:
    """Print facts for programs or lines for people."""
    typer.echo(json.dumps(facts, ensure_ascii=False, default=str) if as_json else text)
