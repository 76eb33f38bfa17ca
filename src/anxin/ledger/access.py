"""Who may see what: tokens of named persons, their scope, and a record of every read.

A token is ``anx_<id>_<secret>`` with 256 random bits; the ledger holds the sha256 of it, so neither the
database nor a backup can give one back. The bits are uniform, so a fast hash is enough; there is no
password to guess.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from anxin.domain import divisions
from anxin.domain.errors import AnxinError
from anxin.ledger.chain import Entry, Ledger, instant

_CREATED = "token_created"
_REVOKED = "token_revoked"
_READ = "read"
_TOKEN = re.compile(r"anx_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class Role(StrEnum):
    """What a person does here; what each role may do is decided where it is served."""

    DISPATCHER = "dispatcher"
    INSPECTOR = "inspector"
    ANALYST = "analyst"
    ADMIN = "admin"

    @property
    def zh(self) -> str:
        """The role's Chinese name."""
        return {"dispatcher": "调度", "inspector": "监察", "analyst": "数据", "admin": "管理"}[self.value]


@dataclass(frozen=True)
class Scope:
    """What a token opens: districts crossed with regulators, and single projects besides.

    None is all, ``()`` is none, and none is the default: a row is seen if its district *and* one of its
    regulators are granted, or if its project is. A granted code of two digits is a province, of six a
    district (through the effective-dated table), of nine or twelve a town or village and nothing around it.
    """

    districts: tuple[str, ...] | None = ()
    regulators: tuple[str, ...] | None = ()
    projects: tuple[str, ...] = ()

    @classmethod
    def everything(cls) -> "Scope":
        """Give all districts and regulators: a city's dispatch centre."""
        return cls(None, None)

    @classmethod
    def of_districts(cls, *codes: str) -> "Scope":
        """Give whole districts or towns, whoever regulates: the place's leg of a dispatch."""
        return cls(codes, None)

    @classmethod
    def of_regulator(cls, *names: str, districts: tuple[str, ...] | None) -> "Scope":
        """Give the sectors of a line regulator in some districts, or with None in all: the other leg."""
        return cls(districts, names)

    @classmethod
    def of_projects(cls, *project_ids: str) -> "Scope":
        """Give single projects and nothing else."""
        return cls((), (), project_ids)


@dataclass(frozen=True)
class Grant:
    """A token that was accepted: who it is and what may be seen, on the day it was shown."""

    token_id: str
    person: str
    unit: str
    role: Role
    scope: Scope
    on: date

    def may_see(self, district: str, regulator: str | Iterable[str], project_id: str | None = None) -> bool:
        """Tell whether a row may be shown.

        ``district`` is the row's code as delivered; ``regulator`` its regulator, or all of them with the
        copied ones; ``project_id`` its project if it has one (a grant of a project covers its bid
        sections).
        """
        scope = self.scope
        if project_id and any(
            project_id == granted or project_id.startswith(f"{granted}#") for granted in scope.projects
        ):
            return True
        place = scope.districts is None or any(_covers(code, district, self.on) for code in scope.districts)
        named = {regulator} if isinstance(regulator, str) else set(regulator)
        return place and (scope.regulators is None or not named.isdisjoint(scope.regulators))


@dataclass(frozen=True)
class Token:
    """What the ledger knows of a token; its secret is not among it."""

    id: str
    person: str
    unit: str
    role: Role
    scope: Scope
    created_at: datetime
    created_by: str
    expires: datetime | None
    revoked_at: datetime | None = None
    sha256: str = field(default="", repr=False)


def create_token(
    ledger: Ledger,
    person: str,
    unit: str,
    role: Role | str,
    scope: Scope,
    at: datetime,
    expires: datetime | None = None,
    actor: str = "operator",
) -> str:
    """Make a token for a named person of a unit and return its secret, which is never shown again.

    Raises AnxinError if the person or unit is empty, the role unknown, or ``expires`` not after ``at``.
    """
    if not person.strip() or not unit.strip():
        raise AnxinError("令牌须属于具名的个人和单位", "a token belongs to a named person and unit")
    if role not in list(Role):
        known = ", ".join(Role)
        raise AnxinError(f"没有角色“{role}”，可选：{known}", f"no role {role!r}, one of: {known}")
    if expires is not None and instant(expires) <= instant(at):
        raise AnxinError(
            f"令牌到期时间 {expires.isoformat()} 不晚于签发时间 {at.isoformat()}",
            f"the token would expire at {expires.isoformat()}, not after {at.isoformat()}",
        )
    token_id = secrets.token_hex(8)
    secret = f"anx_{token_id}_{secrets.token_urlsafe(32)}"
    payload = {
        "person": person,
        "unit": unit,
        "role": str(role),
        "districts": scope.districts,
        "regulators": scope.regulators,
        "projects": scope.projects,
        "expires": None if expires is None else expires.isoformat(),
        "sha256": _digest(secret),
    }
    ledger.append(_CREATED, actor, token_id, payload, at)
    return secret


def authenticate(ledger: Ledger, secret: str, at: datetime) -> Grant | None:
    """Return what a token opens at an instant, or None if it is unknown, wrong, expired or revoked.

    One indexed look-up by the id inside the token; the secret is compared in constant time. A revocation
    counts at once, whatever the instant given.
    """
    at = instant(at)
    shape = _TOKEN.fullmatch(secret)
    token = None if shape is None else _find(ledger, shape[1])
    # An unknown id takes the same comparison as a wrong secret.
    known = "" if token is None else token.sha256
    right = hmac.compare_digest(known.ljust(64, "-"), _digest(secret))
    if token is None or not right or token.revoked_at is not None:
        return None
    if token.expires is not None and at >= token.expires:
        return None
    return Grant(token.id, token.person, token.unit, token.role, token.scope, at.date())


def revoke(ledger: Ledger, token_id: str, actor: str, why: str, at: datetime) -> None:
    """End a token, at once and for ever; raises AnxinError if there is none of this id."""
    if _find(ledger, token_id) is None:
        raise AnxinError(
            f"没有编号为 {token_id} 的令牌，请用 anxin token list 查看编号",
            f"no token has the id {token_id}, see anxin token list for the ids",
        )
    ledger.append(_REVOKED, actor, token_id, {"why": why}, at)


def tokens(ledger: Ledger) -> list[Token]:
    """Return every token ever made, oldest first, with its revocation."""
    revoked: dict[str, Entry] = {}
    for entry in ledger.entries(_REVOKED):
        revoked.setdefault(entry.subject, entry)
    return [_token(entry, revoked.get(entry.subject)) for entry in ledger.entries(_CREATED)]


def record_read(ledger: Ledger, grant: Grant, what: str, at: datetime) -> Entry:
    """Record that a person read or exported something; ``what`` names it, ``list/2025-06-01``."""
    payload = {"token_id": grant.token_id, "unit": grant.unit, "role": str(grant.role)}
    return ledger.append(_READ, grant.person, what, payload, at)


def record_export(ledger: Ledger, actor: str, what: str, asked: Mapping[str, str], at: datetime) -> Entry:
    """Record that somebody at the machine itself read or exported something; the machine says who may be there.

    ``what`` names it as `record_read` does, ``asked`` says what of it. Raises AnxinError if nobody is named.
    """
    if not actor.strip():
        raise AnxinError(
            "没有操作人，请给出 --actor 或 ANXIN_ACTOR", "nobody is named; give --actor or set ANXIN_ACTOR"
        )
    return ledger.append(_READ, actor.strip(), what, {"by": "command line", "asked": dict(asked)}, at)


def _covers(granted: str, district: str, on: date) -> bool:
    if not granted:
        return False
    if len(granted) in (9, 12):
        return district.startswith(granted)
    resolved = divisions.district(district, on)
    if len(granted) == 2 and divisions.province(granted):
        return divisions.province(resolved) is not None and resolved.startswith(granted)
    return divisions.district(granted, on) == resolved


def _find(ledger: Ledger, token_id: str) -> Token | None:
    # A token is made before it is revoked: one look-up tells a standing token, which is nearly every call.
    last = ledger.newest([_CREATED, _REVOKED], subject=token_id)
    if not last or last[0].kind == _CREATED:
        return _token(last[0], None) if last else None
    return _token(ledger.newest([_CREATED], subject=token_id)[0], last[0])


def _token(created: Entry, revoked: Entry | None) -> Token:
    payload = created.payload
    return Token(
        id=created.subject,
        person=payload["person"],
        unit=payload["unit"],
        role=Role(payload["role"]),
        scope=Scope(
            _tuple(payload["districts"]), _tuple(payload["regulators"]), tuple(payload["projects"] or ())
        ),
        created_at=created.at,
        created_by=created.actor,
        expires=None if payload["expires"] is None else datetime.fromisoformat(payload["expires"]),
        revoked_at=None if revoked is None else revoked.at,
        sha256=payload["sha256"],
    )


def _tuple(values: list[Any] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(str(value) for value in values)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
