"""Views over everyone on a day: ability, influences."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from anxin.cli.terms import (
    OPERATOR,
    Actor,
    AsJson,
    Day,
    Hindsight,
    Kind,
    exported,
    open_home,
    open_ledger,
    say,
)

verbs = typer.Typer()


class WatchFormat(StrEnum):
    """Forms the watch-list is written in."""

    csv = "csv"
    xlsx = "xlsx"
    json = "json"


class By(StrEnum):
    """Parts of a city."""

    district = "district"
    sector = "sector"


@verbs.command()
def ability(
    day: Day,
    form: Annotated[
        WatchFormat | None, typer.Option("--format", help="不给则打印表头部分 a table if not given")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入文件 file; standard output if not given")
    ] = None,
    district: Annotated[str | None, typer.Option(help="区县代码 district code")] = None,
    head: Annotated[int, typer.Option(min=1, help="表中行数 rows of the table")] = 20,
    retrospective: Hindsight = False,
    actor: Actor = OPERATOR,
) -> None:
    """工资支付能力困难的用人单位（重点监控） · employers in difficulty by signs of money alone.

    Example: anxin ability 2026-04-01 --format xlsx --out watch.xlsx
    """
    from anxin.serving.abilities import Abilities
    from anxin.serving.exports.watch import watch_list
    from anxin.serving.terminal.files import published_on
    from anxin.serving.terminal.views import show_watch_list

    if form is None and out is not None:
        try:
            form = WatchFormat(out.suffix.lstrip(".").lower())
        except ValueError:
            raise typer.BadParameter(f"{out} 看不出格式，请给出 --format (give --format)") from None
    home = open_home()
    with open_ledger(home) as ledger:
        abilities = Abilities(published_on(home, ledger, day, retrospective=retrospective))
        rows = abilities.watched(district)
        what = f"ability/{day}.{form or 'txt'}"
        exported(ledger, actor, what, retrospective=retrospective, district=district)
    if form is None:
        show_watch_list(rows, abilities, head)
        return
    content = watch_list(form.value, rows, abilities)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)
        typer.echo(f"{len(rows)} 户 employers → {out}", err=True)


@verbs.command()
def influences(
    day: Day,
    kind: Annotated[Kind | None, typer.Option()] = None,
    by: Annotated[By | None, typer.Option(help="并按属地或行业 also by district or sector")] = None,
    head: Annotated[int, typer.Option(min=1, help="特征数 features")] = 20,
    retrospective: Hindsight = False,
    as_json: AsJson = False,
) -> None:
    """全体评分受何影响 · what moves the scores of all subjects of a published day, by feature and family.

    Example: anxin influences 2026-04-01 --by district
    """
    from anxin.serving.influences import influences_of
    from anxin.serving.terminal.files import published_on
    from anxin.serving.terminal.views import show_influences

    home = open_home()
    with open_ledger(home) as ledger:
        published = published_on(home, ledger, day, retrospective=retrospective)
    kinds = [kind.value] if kind else [one.value for one in Kind]
    found = influences_of(home, published, kinds, by.value if by else None)
    if not as_json:
        show_influences(found, head)
        return
    facts = {
        "as_of": day.isoformat(),
        "list_id": published.list_id,
        "by": by.value if by else None,
        "kinds": {
            kind: {
                "model_id": published.manifest.model(kind),
                "all": parts[""].to_json(head),
                "parts": {part: one.to_json(head) for part, one in parts.items() if part},
            }
            for kind, parts in found.items()
        },
    }
    say(as_json, facts, "")
