"""What came true, and whether what is scored is still what was learned: evaluate, lookback, labels, monitor."""

from __future__ import annotations

import re
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from anxin.cli.terms import (
    OPERATOR,
    Actor,
    AsJson,
    Day,
    as_date,
    exported,
    open_home,
    open_ledger,
    say,
    telling,
)

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
        Path | None,
        typer.Option(
            help="模拟城市的真相，只比其所载日期 truth.parquet of a simulated city, on its own dates"
        ),
    ] = None,
    mature_only: Annotated[
        bool, typer.Option(help="只评标签已成熟的日期 only dates whose labels are mature")
    ] = False,
    capacity: Annotated[
        int | None, typer.Option(min=1, help="力量：每期能处置的户数 how many can be seen to at a time")
    ] = None,
    selection: Annotated[
        bool,
        typer.Option(help="估计选择性：谁会被查到，逆倾向加权 what selection does: weighted beside plain"),
    ] = False,
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
    asked = Asked(lists or [], against, truth, mature_only, capacity, selection)
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


class LookbackFormat(StrEnum):
    """Forms a lookback is written in."""

    csv = "csv"
    xlsx = "xlsx"
    json = "json"
    html = "html"


@verbs.command()
def lookback(
    since: Annotated[date, typer.Argument(parser=as_date, metavar="FROM", help="起日 first day, YYYY-MM-DD")],
    until: Annotated[date, typer.Argument(parser=as_date, metavar="TO", help="止日（含）last day, included")],
    form: Annotated[
        LookbackFormat | None,
        typer.Option("--format", help="不给则打印汇总 the tallies are printed if not given"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件 file; standard output if not given")
    ] = None,
    district: Annotated[
        str | None, typer.Option(help="区划代码（前缀） district code or its beginning")
    ] = None,
    regulator: Annotated[str | None, typer.Option(help="行业主管部门 its Chinese name")] = None,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """回头看 · each case, petition, police call and public-opinion event: warned, late or missed.

    Example: anxin lookback 2026-01-01 2026-02-28 --format xlsx --out lookback.xlsx
    """
    from anxin.serving.exports.lookback import as_lookback_file, facts
    from anxin.serving.lookback import look_back
    from anxin.serving.terminal.lookback import lines

    if form is None and out is not None:
        if out.suffix.lstrip(".") not in list(LookbackFormat):
            raise typer.BadParameter(f"{out} 看不出格式，请给出 --format (give --format)")
        form = LookbackFormat(out.suffix.lstrip("."))
    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        found = look_back(
            home, ledger, since, until, district=district, regulator=regulator, on_progress=tell
        )
        exported(
            ledger,
            actor,
            f"lookback/{since}/{until}.{form or 'txt'}",
            district=district,
            regulator=regulator,
        )
    if form is None:
        say(as_json, facts(found), "\n".join(lines(found)))
        return
    content = as_lookback_file(form.value, found)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"{len(found.rows)} 件事件 events → {out}", err=True)


@verbs.command()
def labels(
    since: Annotated[
        str, typer.Argument(metavar="MONTH|FROM", help="月份 month YYYY-MM, or a day of knowledge")
    ],
    until: Annotated[
        date | None,
        typer.Argument(parser=as_date, metavar="[TO]", help="另一知识日 the other day of knowledge"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入的目录 folder; var/labels if not given")
    ] = None,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """标签变动 · the labels of which other is known a month later, and which row changed them.

    Example: anxin labels 2026-02
    """
    from anxin.serving.label_pages import lines, month_of, write_page

    name = None
    if until is None:
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", since) is None:
            raise typer.BadParameter(
                f"{since!r} 不是月份，应为 YYYY-MM；或给出两个日期 (not a month; or give two days)"
            )
        name, (first, last) = since, month_of(since)
    else:
        first, last = as_date(since), until
    home = open_home()
    with open_ledger(home) as ledger:
        exported(ledger, actor, f"labels/{first}/{last}.html")
    page = write_page(home, first, last, out, name)
    say(as_json, {**page.facts, "html": str(page.html), "json": str(page.json)}, "\n".join(lines(page)))
