"""What people get: run, scores, list, report, serve."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from anxin.cli.terms import (
    OPERATOR,
    Actor,
    AsJson,
    Day,
    Hindsight,
    Kind,
    ListFormat,
    ReportFormat,
    exported,
    form_of,
    now,
    open_home,
    open_ledger,
    say,
    telling,
)

verbs = typer.Typer()


@verbs.command()
def run(
    day: Day,
    retrospective: Annotated[
        bool, typer.Option(help="允许用更晚训练的模型，清单另作标记 allow a later model")
    ] = False,
    again: Annotated[
        bool, typer.Option(help="该日已有清单时再出一版 a further version for a day that has a list")
    ] = False,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """每日运行：评分、分级、解释、发布清单 · snapshot, score, grade, explain, publish the list of D.

    Example: anxin run 2026-04-01
    """
    from anxin.serving.daily import run as publish
    from anxin.serving.shadowing import run_shadows
    from anxin.serving.shadowing import said as said_of

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        entry, is_new = publish(
            home, ledger, day, now(), actor, retrospective=retrospective, again=again, on_progress=tell
        )
        beside = [] if retrospective else run_shadows(home, ledger, entry, now(), actor)
    counts = entry.facts["counts"]
    said = "已发布 published" if is_new else "此前已发布，未改变 was published before, unchanged"
    grades = counts["grades"]
    say(
        as_json,
        {
            "list_id": entry.list_id,
            "day": day.isoformat(),
            "new": is_new,
            "folder": entry.folder,
            "counts": counts,
            "shadow": beside,
        },
        f"{day} 清单 {entry.list_id} {said}: 红 {grades['4']} 橙 {grades['3']} 黄 {grades['2']} 蓝 {grades['1']}, "
        f"新发现 new {counts['new_finds']}, 已解除 cleared {counts['cleared']}{_visits(counts)}"
        + said_of(beside),
    )


def _visits(counts: Mapping[str, Any]) -> str:
    """Say what the districts do today; nothing for a list made before there were visits."""
    if "visits" not in counts:
        return ""
    made = counts["visits"]
    return f"; 检查 checks {made['check']}, 走访 calls {made['call']}, 超出力量 beyond {counts['beyond']}"


@verbs.command()
def scores(
    day: Day,
    out: Annotated[Path, typer.Option("--out", help="Parquet 文件 file to write")],
    retrospective: Annotated[bool, typer.Option(help="允许用更晚训练的模型 allow a later model")] = False,
    actor: Actor = OPERATOR,
) -> None:
    """导出该日全部评分 · every scored subject of a day (published if there is a list, else computed).

    Example: anxin scores 2026-04-01 --out scores.parquet
    """
    from anxin.serving.terminal.files import write_scores

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        exported(ledger, actor, f"scores/{day}.parquet", retrospective=retrospective)
        rows = write_scores(home, ledger, day, out, retrospective=retrospective, on_progress=tell)
    typer.echo(f"{rows:,} 行 rows → {out}")


@verbs.command("list")
def list_(
    day: Day,
    form: Annotated[
        ListFormat | None, typer.Option("--format", help="不给则打印表头部分 a table if not given")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件 file; standard output if not given")
    ] = None,
    district: Annotated[str | None, typer.Option(help="区县代码 district code")] = None,
    regulator: Annotated[str | None, typer.Option(help="行业主管部门 regulator, Chinese name")] = None,
    grade: Annotated[str | None, typer.Option(help="红 橙 黄 蓝 or red orange yellow blue")] = None,
    kind: Annotated[Kind | None, typer.Option()] = None,
    visit: Annotated[
        str | None, typer.Option(help="今日出动 检查 走访 超出力量 or check call beyond rest")
    ] = None,
    head: Annotated[int, typer.Option(help="表中行数 rows of the table")] = 20,
    retrospective: Hindsight = False,
    actor: Actor = OPERATOR,
) -> None:
    """已发布的清单 · the published list.

    Example: anxin list 2026-04-01 --format xlsx --out list.xlsx --district 500103
    """
    from anxin.serving.exports.files import as_file
    from anxin.serving.selection import select
    from anxin.serving.terminal.files import published_on
    from anxin.serving.terminal.tables import filters, show

    home = open_home()
    if form is None and out is not None:
        form = form_of(out)
    with open_ledger(home) as ledger:
        published = published_on(home, ledger, day, retrospective=retrospective)
        wanted = filters(district, regulator, grade, kind.value if kind else None, visit)
        rows = select(published.rows, wanted, lambda *_: True, day)
        exported(
            ledger,
            actor,
            f"list/{day}.{form or 'txt'}",
            list_id=published.list_id,
            retrospective=retrospective,
            district=district,
            regulator=regulator,
            grade=grade,
            kind=kind,
            visit=visit,
        )
    if form is None:
        show(rows, published, head)
        return
    content = as_file(form.value, rows, published)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"{len(rows)} 行 rows → {out}", err=True)


@verbs.command()
def report(
    day: Day,
    subject: Annotated[str, typer.Argument(help="用人单位代码或项目代码 employer or project id")],
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.html,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件 file; standard output if not given")
    ] = None,
    retrospective: Hindsight = False,
    actor: Actor = OPERATOR,
) -> None:
    """风险研判报告 · the explanation report of a subject on a day's list.

    Example: anxin report 2026-04-01 91500103MA5U0ABC12 --format pdf --out report.pdf
    """
    from anxin.serving.terminal.files import listed_on, published_on, report_of

    home = open_home()
    with open_ledger(home) as ledger:
        published = published_on(home, ledger, day, retrospective=retrospective)
        row = listed_on(published, subject)
        what = f"report/{day}/{row.kind}/{subject}.{form}"
        exported(ledger, actor, what, list_id=published.list_id, retrospective=retrospective)
        content = report_of(home, ledger, published, row, form.value, retrospective=retrospective)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"报告 report → {out}", err=True)


@verbs.command()
def serve(
    host: Annotated[str, typer.Option(help="监听地址 address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 port")] = 3000,
) -> None:
    """启动服务与网页 · the service with its pages.

    Example: anxin serve --port 3000
    """
    from anxin.serving.serve import serve as start

    start(open_home(), host, port)
