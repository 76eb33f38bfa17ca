"""How models are made and which is live: train, promote, rollback."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from anxin.cli.terms import OPERATOR, Actor, AsJson, Kind, as_date, now, open_home, open_ledger, say, telling

if TYPE_CHECKING:
    from anxin.serving.home import Home
    from anxin.training.registering import Place

verbs = typer.Typer()


@verbs.command()
def train(
    through: Annotated[
        date, typer.Option(parser=as_date, metavar="D", help="只用此日之前收到的数据 rows received before D")
    ],
    kind: Annotated[Kind | None, typer.Option(help="只训练一类 one kind only")] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="先调参：试这么多次，可重复 tune first: so many trials, repeatable"),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help="先调参：至多这么多分钟，每类 tune first: so many minutes a kind"),
    ] = None,
    ablation: Annotated[
        bool,
        typer.Option("--ablation", help="逐族去除再评，费时数倍 refit without each family, takes far longer"),
    ] = False,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """训练、回测、登记模型 · train, backtest, log to MLflow, register; the first becomes champion.

    What --trials or --minutes found stays in var/settings and is used by later trainings of this home.

    Example: anxin train --through 2026-03-31 --trials 30
    """
    from anxin.training import session
    from anxin.training.tuning import Budget

    home = open_home()
    budget = Budget(trials, minutes) if trials is not None or minutes is not None else None
    asked = session.Asked(home.settings, budget, ablation)
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
            asked=asked,
            say=tell.say,
        )
    say(as_json, found, "\n".join(session.lines(found)))


@verbs.command()
def promote(
    model_id: Annotated[str, typer.Argument(help="模型编号 model id")],
    effective: Annotated[str | None, typer.Option(metavar="D", help="生效日 effective date")] = None,
    why: Annotated[str, typer.Option(help="理由 reason")] = "",
    despite: Annotated[
        str | None, typer.Option(metavar="REASON", help="未过关口仍放行的理由 promote though a gate failed")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="只过关口，不生效 run the gates only")] = False,
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """过关口后让模型自某日起生效 · through the gates, then live from a day on (its --through unless given).

    Example: anxin promote employer-2026-03-31-0123456789abcdef --why "better on both groups"
    """
    from anxin.training.promoting import lines
    from anxin.training.registering import promote_model, standing

    home = open_home()
    with open_ledger(home) as ledger, telling() as tell:
        done = promote_model(
            home.view(),
            ledger,
            _place(home),
            model_id,
            as_date(effective) if effective else None,
            actor,
            why,
            now,
            despite=despite,
            check=check,
            on_progress=tell,
        )
    say(as_json, done, "\n".join([*lines(done), standing(done)]))


@verbs.command()
def shadow(
    model_id: Annotated[str, typer.Argument(help="模型编号 model id")],
    since: Annotated[
        str | None, typer.Option("--from", metavar="D", help="自此日起 from this day on")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="D", help="至此日（含），早于 --from 即撤下 last day; before --from ends it"),
    ] = None,
    why: Annotated[str, typer.Option(help="理由 reason")] = "",
    actor: Actor = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """让备选模型影子运行：同日另出名单，不发布 · score a challenger beside the champion, never published.

    Example: anxin shadow employer-2026-03-31-0123456789abcdef --until 2026-05-31
    """
    from anxin.training.registering import put_in_shadow

    home = open_home()
    with open_ledger(home) as ledger:
        first, last = (as_date(day) if day else None for day in (since, until))
        done = put_in_shadow(ledger, _place(home), model_id, first, last, actor, why, now())
    ending = f"至 {done['until']} (until)" if done["until"] else "未定止日 (no end stated)"
    say(
        as_json,
        done,
        f"{done['kind']}: {done['model_id']} 自 {done['since']} 起影子运行 (in the shadow)，{ending}",
    )


def _place(home: Home) -> Place:
    from anxin.training.registering import Place

    return Place(home.root, home.models, home.mlruns)


@verbs.command()
def rollback(
    kind: Kind,
    effective: Annotated[str | None, typer.Option(metavar="D", help="自此日起 from this day on")] = None,
    gone: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="只退回此模型，若已不在用则不动 only if this model is the live one",
        ),
    ] = None,
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
        done = roll_back(ledger, home.mlruns, kind.value, day, actor, why, now(), gone)
    say(
        as_json,
        done,
        f"{done['kind']}: {done['replaces']} → {done['model_id']}，自 {done['effective']} 起生效 (live)",
    )
