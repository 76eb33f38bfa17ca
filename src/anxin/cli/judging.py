"""What came true: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anxin.cli.terms import AsJson, Day, open_home, open_ledger, say, telling

verbs = typer.Typer()


@verbs.command()
def evaluate(
    lists: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV: kind, subject_id, date, rank[, p90]；不给则评本机已发布清单"),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="逐日对比的另一份 CSV another list, paired date by date")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="模拟城市的真相 truth.parquet of a simulated city")
    ] = None,
    mature_only: Annotated[
        bool, typer.Option(help="只评标签已成熟的日期 only dates whose labels are mature")
    ] = False,
    capacity: Annotated[
        int | None, typer.Option(min=1, help="力量：每期能处置的户数 how many can be seen to at a time")
    ] = None,
    slices: Annotated[
        bool, typer.Option(help="并按属地、行业、规模、性质 also by district, sector, size and ownership")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """评判任意清单 · judge any list by the same measures; without one, this home's published scores.

    Example: anxin evaluate --against plain.csv
    """
    from anxin.serving.terminal.evaluation import Asked
    from anxin.serving.terminal.evaluation import evaluate as judge_lists
    from anxin.serving.terminal.evaluation_text import lines

    home = open_home()
    asked = Asked(lists or [], against, truth, mature_only, capacity)
    with open_ledger(home) as ledger, telling() as tell:
        found = judge_lists(home, ledger, asked, tell)
    say(as_json, found, "\n".join(lines(found, slices=slices)))


@verbs.command()
def monitor(
    day: Day,
    out: Annotated[Path | None, typer.Option("--out", help="网页 HTML page to write")] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="Prometheus 文本文件 text for a textfile collector")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """监测：数据来源、对象与指标漂移、校准、序贯报警 · feeds, drift, calibration, a sequential alarm, on a day.

    Example: anxin monitor 2026-04-01 --out monitor.html
    """
    from anxin.serving.monitoring import metrics as as_metrics
    from anxin.serving.monitoring import monitor as observe
    from anxin.serving.reports.monitor import lines, page

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        found = observe(home, ledger, day, tell)
    if out is not None:
        out.write_text(page(found), encoding="utf-8")
    if metrics is not None:
        metrics.write_text(as_metrics(found), encoding="utf-8")
    say(
        as_json,
        found,
        "\n".join([*lines(found), *(f"→ {file}" for file in (out, metrics) if file is not None)]),
    )
