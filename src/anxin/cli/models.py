"""How models are made and which is live: train, promote, rollback."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from anxin.cli.terms import OPERATOR, Actor, AsJson, Kind, as_date, now, open_home, open_ledger, say, telling

verbs = typer.Typer()


@verbs.command()
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


@verbs.command()
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


@verbs.command()
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
