"""A home with three published lists, people with tokens, and a scorer that needs no model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger, access, published
from anxin.ledger.access import Role, Scope
from anxin.serving.api import create_app
from anxin.serving.home import Home
from anxin.serving.published import Reason
from anxin.serving.scorers import Explained, FeatureRow, Place, Scored

from . import made_up

AT = datetime(2026, 1, 12, 8, 30, tzinfo=timezone(timedelta(hours=8)))
SCOPES: dict[str, tuple[Role, Scope]] = {
    "centre": (Role.DISPATCHER, Scope.everything()),
    "nanchuan": (Role.INSPECTOR, Scope.of_districts("500119")),
    "housing": (Role.DISPATCHER, Scope.of_regulator("住房城乡建委", districts=None)),
    "one_site": (Role.INSPECTOR, Scope.of_projects("2403-500106-04-01-123456")),
    "nobody": (Role.INSPECTOR, Scope()),
}


def published_home(root: Path) -> tuple[Home, Ledger, dict[str, str]]:
    """Make a home with lists of three days, and one token per scope above."""
    home = Home(root)
    ledger = Ledger.open(home.ledger_url)
    tokens = {
        name: access.create_token(ledger, f"{name}员", "南川区人力社保局", role, scope, AT)
        for name, (role, scope) in SCOPES.items()
    }
    previous = None
    for back in (2, 1, 0):
        day = made_up.DAY - timedelta(days=back)
        list_id = f"L-{day:%Y%m%d}-7f3a"
        folder = made_up.publish(home.lists, day, list_id, previous)
        digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
        where = folder.relative_to(root).as_posix()
        published.record(
            ledger,
            day,
            list_id,
            folder=where,
            manifest_sha256=digest,
            previous_list_id=previous,
            facts={"rows": 40},
            actor="daily",
            at=AT,
        )
        previous = list_id
    return home, ledger, tokens


@dataclass
class FakeScorer:
    """Knows two employers and one project, and scores everything alike."""

    scored: list[str] = field(default_factory=list)

    def places(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Mapping[str, Place]:
        known = {
            "91500000MA5U00000X": Place("500106", ("经济信息委",)),
            "91500000UNLISTED0X": Place("500119", ("商务委",)),
        }
        return {one: known[one] for one in subject_ids if one in known}

    def score(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Scored]:
        if as_of < date(2020, 1, 1):
            raise AnxinError("当日没有生效的模型", "no model was live on that day")
        self.scored += subject_ids
        return [_scored(one) for one in subject_ids]

    def score_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Scored]:
        if any("no_such_feature" in row for row in rows):
            raise AnxinError("没有指标 no_such_feature", "no feature no_such_feature")
        return [_scored(str(position)) for position in range(len(rows))]

    def explain(self, kind: str, as_of: date, subject_ids: Sequence[str]) -> Sequence[Explained]:
        return [_explained(one) for one in self.score(kind, as_of, subject_ids)]

    def explain_rows(self, kind: str, rows: Sequence[FeatureRow]) -> Sequence[Explained]:
        return [_explained(one) for one in self.score_rows(kind, rows)]


def _scored(key: str) -> Scored:
    return Scored(
        key, 0.1, 0.2, 0.3, -1.4, 2, 12.0, 5.0, 30.0, 2e5, 1e5, 4e5, 0.3, "employer-2025-12-01-a1b2c3"
    )


def _explained(scored: Scored) -> Explained:
    reason = Reason(
        "overdue_days", "credit", 0.6, 58.0, 0.0, AT.date(), "credit", "条例 38", "逾期58天", "58 days"
    )
    return Explained(scored, -2.0, (reason,))


@dataclass
class City:
    """A running application in this process, and the keys to it."""

    home: Home
    ledger: Ledger
    tokens: dict[str, str]
    scorer: FakeScorer
    client: TestClient

    def bearer(self, who: str = "centre", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}", **more}

    def reads(self) -> list[str]:
        return [entry.subject for entry in self.ledger.entries("read")]


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    home, ledger, tokens = published_home(tmp_path_factory.mktemp("home"))
    scorer = FakeScorer()
    app = create_app(home, ledger, scorer, clock=lambda: AT)
    with ledger:
        yield City(home, ledger, tokens, scorer, TestClient(app, raise_server_exceptions=False))


@pytest.fixture
def city(_made: City) -> City:
    _made.client.cookies.clear()
    _made.scorer.scored.clear()
    return _made
