"""What came true: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anxin.cli.terms import AsJson, open_home, open_ledger, say, telling

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
