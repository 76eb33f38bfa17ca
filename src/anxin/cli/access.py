"""Who may see what, and the proof of it: token, audit."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from anxin.cli.terms import OPERATOR, Actor, AsJson, as_date, now, open_home, open_ledger, say

verbs = typer.Typer()
tokens = typer.Typer(help="访问令牌 · access tokens.", no_args_is_help=True)
audit = typer.Typer(help="台账校验 · proof of the ledger.", no_args_is_help=True)
verbs.add_typer(tokens, name="token")
verbs.add_typer(audit, name="audit")


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
