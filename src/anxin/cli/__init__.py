"""`anxin`: one verb per thing a person does. Exit code 0, 1 (one line: what, why, what to do) or 2 (usage).

Rooms are imported inside the verbs, so that `anxin --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from anxin.cli import access, data, judging, lists, models, views
from anxin.cli.terms import choose_engine
from anxin.domain.errors import AnxinError

app = typer.Typer(
    name="anxin",
    help="安薪：欠薪风险预警 · early warning of unpaid wages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _part in (data, models, lists, judging, views, access):
    app.add_typer(_part.verbs)


@app.callback()
def _engine(
    engine: Annotated[
        str,
        typer.Option(envvar="ANXIN_ENGINE", help="计算引擎 what computes: duckdb or spark://host:port"),
    ] = "duckdb",
) -> None:
    choose_engine(engine)


def main() -> None:
    """Run the command line; an error a person can act on is one line and exit code 1."""
    try:
        app()
    except AnxinError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        place, why = error.filename or "", error.strerror or str(error)
        typer.echo(
            f"无法读写 {place}：{why}，请检查路径、权限与磁盘空间 (cannot read or write {place}: {why})",
            err=True,
        )
        sys.exit(1)
