"""What comes in: simulate, ingest, status."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from anxin.cli.terms import AsJson, as_date, as_instant, now, open_home, open_ledger, say, telling

verbs = typer.Typer()


@verbs.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="写到哪里 where to write")],
    scale: Annotated[
        float, typer.Option(help="1.0 = 重庆 Chongqing; 0.1 = 25,000 employers, 700 projects")
    ] = 0.1,
    months: Annotated[int, typer.Option(help="月数 months")] = 36,
    seed: int = 1,
    as_json: AsJson = False,
) -> None:
    """模拟一座城市的报送数据与真相 · a delivery of a simulated city, and its truth.

    Example: anxin simulate city --scale 0.1 --months 36 --seed 1
    """
    from anxin.simulation.simulate import simulate as write

    with telling() as tell:
        summary = write(
            out, scale, months, seed, on_progress=lambda part, share: tell(part, round(share * 100), 100)
        )
    say(
        as_json,
        vars(summary),
        f"{summary.employers:,} 用人单位 employers, {summary.projects:,} 项目 projects, {summary.verified:,} 查实案件 "
        f"verified cases → {out / 'feeds'}",
    )


@verbs.command()
def ingest(
    delivery: Annotated[Path, typer.Argument(help="报送文件夹 folder with <feed>/*.parquet|*.csv")],
    received_at: Annotated[
        str | None,
        typer.Option(help="没有 received_at 列的文件按此时刻 instant for files without received_at"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """接收一次报送；重复接收没有变化 · check, quarantine, add to the lake; again = no change.

    Example: anxin ingest city/feeds
    """
    from anxin.feeds.ingest import ingest as take
    from anxin.feeds.lake import Lake
    from anxin.serving.terminal.ingesting import summary_lines

    moment = as_instant(received_at) if received_at else now()
    with telling() as tell:
        summary = take(Lake(open_home().lake), delivery, moment, on_progress=tell)
    say(as_json, summary.as_dict(), "\n".join(summary_lines(summary.as_dict())))


@verbs.command()
def status(
    on: Annotated[
        str | None,
        typer.Option(metavar="D", help="该日在用与影子模型，不给则为现在 models of a day, not of now"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """数据、模型、清单现状 · feeds with rows, watermarks, silence; models live and in the shadow; last lists.

    Example: anxin status
    """
    from anxin.serving.terminal.status import facts, lines

    home = open_home()
    with open_ledger(home) as ledger:
        found = facts(home, ledger, as_date(on) if on else now().date() + timedelta(days=1))
    say(as_json, found, "\n".join(lines(found)))
