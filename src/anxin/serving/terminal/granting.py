"""Tokens from the command line: what may be seen is what was said, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.ledger.access import Scope, create_token, tokens
from anxin.ledger.chain import Ledger


def create(
    ledger: Ledger,
    person: str,
    unit: str,
    role: str,
    districts: Sequence[str],
    regulator: str | None,
    projects: Sequence[str],
    everything: bool,
    last_day: date | None,
    actor: str,
    at: datetime,
) -> str:
    """Make a token and return its secret; single projects are granted besides.

    AnxinError if nothing was granted, which would be a token for nothing, or everything and a part of it.
    """
    if everything and (districts or regulator is not None or projects):
        raise AnxinError(
            "--everything 已含全部，不能与 --district、--regulator、--project 同时给出",
            "--everything is all there is: give it, or --district, --regulator and --project, not both",
        )
    if everything:
        scope = Scope.everything()
    elif regulator is not None:
        scope = replace(
            Scope.of_regulator(regulator, districts=tuple(districts) or None), projects=tuple(projects)
        )
    elif districts:
        scope = replace(Scope.of_districts(*districts), projects=tuple(projects))
    elif projects:
        scope = Scope.of_projects(*projects)
    else:
        raise AnxinError(
            "没有授予任何范围，请给出 --district、--regulator、--project 或 --everything",
            "nothing was granted: give --district, --regulator, --project or --everything",
        )
    expires = None if last_day is None else datetime.combine(last_day + timedelta(days=1), time(), at.tzinfo)
    return create_token(ledger, person, unit, role, scope, at, expires, actor)


def listing(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the tokens there are, without their secrets and what secrets are checked by."""
    return [
        {key: str(value) for key, value in vars(token).items() if key != "sha256"} for token in tokens(ledger)
    ]
