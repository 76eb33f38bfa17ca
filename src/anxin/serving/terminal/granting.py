"""Tokens from the command line: what may be seen is what was said, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Make a token and return its secret; AnxinError if nothing was granted, which would be a token for nothing."""
    if everything:
        scope = Scope.everything()
    elif regulator is not None:
        scope = Scope.of_regulator(regulator, districts=tuple(districts) or None)
    elif districts:
        scope = Scope.of_districts(*districts)
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
