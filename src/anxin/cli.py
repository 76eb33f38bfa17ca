"""`anxin`: one verb per thing a person does. Exit code 0, 1 (one line: what, why, what to do) or 2 (usage).

Rooms are imported inside the verbs, so that `anxin --help` answers at once.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from anxin.cli_terms import (
    OPERATOR,
    Actor,
    AsJson,
    Day,
    Hindsight,
    Kind,
    ListFormat,
    ReportFormat,
    as_date,
    as_instant,
    choose_engine,
    form_of,
    now,
    open_home,
    open_ledger,
    say,
    telling,
)
from anxin.domain.errors import AnxinError

app = typer.Typer(
    name="anxin",
    help="安薪：欠薪风险预警 · early warning of unpaid wages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
tokens = typer.Typer(help="访问令牌 · access tokens.", no_args_is_help=True)
audit = typer.Typer(help="台账校验 · proof of the ledger.", no_args_is_help=True)
app.add_typer(tokens, name="token")
app.add_typer(audit, name="audit")


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


@app.command()
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


@app.command()
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


@app.command()
def status(as_json: AsJson = False) -> None:
    """数据、模型、清单现状 · feeds with rows, watermarks, silence; live models; last lists.

    Example: anxin status
    """
    from anxin.serving.terminal.status import facts, lines

    home = open_home()
    with open_ledger(home) as ledger:
        found = facts(home, ledger, now().date())
    say(as_json, found, "\n".join(lines(found)))


@app.command()
def train(
    through: Annotated[
        date, typer.Option(parser=as_date, metavar="D", help="只用此日之前收到的数据 rows received before D")
    ],
    kind: Annotated[Kind | None, typer.Option(help="只训练一类 one kind only")] = None,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """训练、回测、登记模型 · train, backtest, log to MLflow, register; the first becomes champion.

    Example: anxin train --through 2026-03-31
    """
    from anxin.training import session

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        found = session.train_kinds(
            home.view(),
            home.models,
            home.mlruns,
            ledger,
            through,
            [kind.value] if kind else None,
            actor,
            now(),
            tell,
        )
    say(as_json, found, "\n".join(session.lines(found)))


@app.command()
def promote(
    model_id: Annotated[str, typer.Argument(help="模型编号 model id")],
    effective: Annotated[str | None, typer.Option(metavar="D", help="生效日 effective date")] = None,
    why: Annotated[str, typer.Option(help="理由 reason")] = "",
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """让模型自某日起生效 · make a model live from a day on (its --through unless given).

    Example: anxin promote employer-2026-03-31-0123456789abcdef --why "better on both groups"
    """
    from anxin.training.registering import promote_model

    home = open_home()
    with open_ledger(home) as ledger:
        day = as_date(effective) if effective else None
        done = promote_model(ledger, home.mlruns, home.models, model_id, day, actor, why, now())
    say(
        as_json,
        done,
        f"{done['kind']}: {done['replaces']} → {done['model_id']}，自 {done['effective']} 起生效 (live)",
    )


@app.command()
def rollback(
    kind: Kind,
    effective: Annotated[str | None, typer.Option(metavar="D", help="自此日起 from this day on")] = None,
    why: Annotated[str, typer.Option(help="理由 reason")] = "",
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """退回上一个模型 · go back to the model before.

    Example: anxin rollback employer --why "list shakes"
    """
    from anxin.training.registering import roll_back

    home = open_home()
    with open_ledger(home) as ledger:
        day = as_date(effective) if effective else now().date()
        done = roll_back(ledger, home.mlruns, kind.value, day, actor, why, now())
    say(
        as_json,
        done,
        f"{done['kind']}: {done['replaces']} → {done['model_id']}，自 {done['effective']} 起生效 (live)",
    )


@app.command()
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

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        entry, is_new = publish(
            home, ledger, day, now(), actor, retrospective=retrospective, again=again, on_progress=tell
        )
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
        },
        f"{day} 清单 {entry.list_id} {said}: 红 {grades['4']} 橙 {grades['3']} 黄 {grades['2']} 蓝 {grades['1']}, "
        f"新发现 new {counts['new_finds']}, 已解除 cleared {counts['cleared']}",
    )


@app.command()
def scores(
    day: Day,
    out: Annotated[Path, typer.Option("--out", help="Parquet 文件 file to write")],
    retrospective: Annotated[bool, typer.Option(help="允许用更晚训练的模型 allow a later model")] = False,
) -> None:
    """导出该日全部评分 · every scored subject of a day (published if there is a list, else computed).

    Example: anxin scores 2026-04-01 --out scores.parquet
    """
    from anxin.serving.terminal.files import write_scores

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        rows = write_scores(home, ledger, day, out, retrospective=retrospective, on_progress=tell)
    typer.echo(f"{rows:,} 行 rows → {out}")


@app.command("list")
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
    head: Annotated[int, typer.Option(help="表中行数 rows of the table")] = 20,
    retrospective: Hindsight = False,
) -> None:
    """已发布的清单 · the published list.

    Example: anxin list 2026-04-01 --format xlsx --out list.xlsx --district 500103
    """
    from anxin.serving.exports.files import as_file
    from anxin.serving.selection import select
    from anxin.serving.terminal.files import published_on
    from anxin.serving.terminal.tables import filters, show

    home = open_home()
    with open_ledger(home) as ledger:
        published = published_on(home, ledger, day, retrospective=retrospective)
    wanted = filters(district, regulator, grade, kind.value if kind else None)
    rows = select(published.rows, wanted, lambda *_: True, day)
    if form is None and out is not None:
        form = form_of(out)
    if form is None:
        show(rows, published, head)
        return
    content = as_file(form.value, rows, published)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"{len(rows)} 行 rows → {out}", err=True)


@app.command()
def report(
    day: Day,
    subject: Annotated[str, typer.Argument(help="用人单位代码或项目代码 employer or project id")],
    form: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.html,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件 file; standard output if not given")
    ] = None,
    retrospective: Hindsight = False,
) -> None:
    """风险研判报告 · the explanation report of a subject on a day's list.

    Example: anxin report 2026-04-01 91500103MA5U0ABC12 --format pdf --out report.pdf
    """
    from anxin.serving.terminal.files import report_of

    home = open_home()
    with open_ledger(home) as ledger:
        content = report_of(home, ledger, day, subject, form.value, retrospective=retrospective)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"报告 report → {out}", err=True)


@app.command()
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
    as_json: AsJson = False,
) -> None:
    """评判任意清单 · judge any list by the same measures; without one, this home's published scores.

    Example: anxin evaluate --against plain.csv
    """
    from anxin.serving.terminal.evaluation import evaluate as judge_lists
    from anxin.serving.terminal.evaluation import lines

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        found = judge_lists(home, ledger, lists or [], against, truth, tell, mature_only=mature_only)
    say(as_json, found, "\n".join(lines(found)))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="监听地址 address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 port")] = 3000,
) -> None:
    """启动服务与网页 · the service with its pages.

    Example: anxin serve --port 3000
    """
    from anxin.serving.serve import serve as start

    start(open_home(), host, port)


@tokens.command("create")
def token_create(
    person: Annotated[str, typer.Option(help="姓名 the person it belongs to")],
    unit: Annotated[str, typer.Option(help="单位 the person's unit")],
    role: Annotated[
        str, typer.Option(help="dispatcher 调度, inspector 监察, analyst 数据, admin 管理")
    ] = "dispatcher",
    district: Annotated[
        list[str] | None, typer.Option(help="可见区县，可重复 districts that may be seen")
    ] = None,
    regulator: Annotated[str | None, typer.Option(help="可见主管行业 a regulator's sectors")] = None,
    project: Annotated[list[str] | None, typer.Option(help="可见项目 single projects")] = None,
    everything: Annotated[bool, typer.Option(help="可见全部 may see everything")] = False,
    expires: Annotated[str | None, typer.Option(metavar="D", help="到期日 last day")] = None,
    actor: Actor = OPERATOR,
) -> None:
    """建立令牌，只显示一次 · create a token; it is shown once. Nothing is granted unless given.

    Example: anxin token create --person 张三 --unit 渝中区人社局 --district 500103
    """
    from anxin.serving.terminal.granting import create

    home = open_home()
    with open_ledger(home) as ledger:
        last = as_date(expires) if expires else None
        secret = create(
            ledger,
            person,
            unit,
            role,
            district or [],
            regulator,
            project or [],
            everything,
            last,
            actor,
            now(),
        )
    typer.echo(secret)


@tokens.command("list")
def token_list(as_json: AsJson = False) -> None:
    """现有令牌 · the tokens there are.

    Example: anxin token list
    """
    from anxin.serving.terminal.granting import listing

    with open_ledger(open_home()) as ledger:
        found = listing(ledger)
    say(as_json, found, "\n".join(" ".join(str(value) for value in one.values()) for one in found))


@tokens.command("revoke")
def token_revoke(
    token_id: Annotated[str, typer.Argument(help="令牌编号 token id")],
    why: Annotated[str, typer.Option(help="理由 reason")] = "",
    actor: Actor = OPERATOR,
) -> None:
    """停用令牌 · revoke a token.

    Example: anxin token revoke 4f2a
    """
    from anxin.ledger.access import revoke

    with open_ledger(open_home()) as ledger:
        revoke(ledger, token_id, actor, why, now())
    typer.echo(f"{token_id} 已停用 revoked")


@audit.command("verify")
def audit_verify(as_json: AsJson = False) -> None:
    """校验台账链 · verify the hash chain of the ledger.

    Example: anxin audit verify
    """
    with open_ledger(open_home()) as ledger:
        found = ledger.verify()
    say(
        as_json,
        asdict(found),
        f"{found.zh} {found.en}: {found.entries:,} 条 entries, head {found.head}",
    )
    if not found.ok:
        sys.exit(1)


if __name__ == "__main__":
    main()
