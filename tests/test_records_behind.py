"""The records behind a finding: one step from the page, within the scope, remembered, and never a person's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from running import CITY_DAY, City

from anxin.ledger import Ledger, access
from anxin.ledger.access import Role, Scope
from anxin.serving.api import create_app
from anxin.serving.evidence import Evidence
from anxin.serving.published import Published, Row
from anxin.serving.reports.facts import facts_of
from anxin.serving.reports.html import to_html
from anxin.serving.reports.pdf import to_pdf
from anxin.serving.scorer import open_scorer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("city")]

AT = datetime(2026, 2, 1, 8).astimezone()


@pytest.fixture(scope="module")
def ledger(city: City) -> Iterator[Ledger]:
    with city.ledger() as opened:
        yield opened


@pytest.fixture(scope="module")
def client(city: City, ledger: Ledger) -> TestClient:
    app = create_app(city.home, ledger, open_scorer(city.home, ledger), lambda: AT)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def rows(city: City) -> tuple[Row, ...]:
    return Published(city.published(CITY_DAY)).rows


def _token(ledger: Ledger, scope: Scope) -> dict[str, str]:
    secret = access.create_token(ledger, "张三", "南川区人力社保局", Role.INSPECTOR, scope, AT)
    return {"Authorization": f"Bearer {secret}"}


def test_every_reason_of_a_row_has_records_of_the_day(
    client: TestClient, ledger: Ledger, rows: tuple[Row, ...]
) -> None:
    headers = _token(ledger, Scope.everything())
    seen = 0
    for row in rows[:4]:
        for reason in row.reasons[:2]:
            path = f"/v1/records/{CITY_DAY}/{quote(row.subject_id, safe='')}/{reason.feature}"
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert found["subject_id"] == row.subject_id
            assert "worker_id" not in json.dumps(found)
            for feed in found["feeds"]:
                names = [name for name, _ in feed["columns"]]
                assert all(zh for _, zh in feed["columns"])
                if "received_at" in names:
                    received = [cells[names.index("received_at")] for cells in feed["rows"]]
                    assert all(each < CITY_DAY.isoformat() for each in received)
                seen += len(feed["rows"])
            page = client.get(f"{path}?format=html&kind={row.kind}", headers=headers)
            assert page.status_code == 200
            assert found["zh"] in page.text
    assert seen, "no records were found, so nothing was tested"


def test_outside_the_scope_there_are_none_and_a_read_is_remembered(
    client: TestClient, ledger: Ledger, rows: tuple[Row, ...]
) -> None:
    row = rows[0]
    path = f"/v1/records/{CITY_DAY}/{quote(row.subject_id, safe='')}/{row.reasons[0].feature}"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=_token(ledger, Scope())).status_code == 404
    headers = _token(ledger, Scope.everything())
    what = f"records/{CITY_DAY}/{row.kind}/{row.subject_id}/{row.reasons[0].feature}"
    before = len(list(ledger.entries(subject=what)))
    assert client.get(path, headers=headers).status_code == 200
    assert len(list(ledger.entries(subject=what))) == before + 1
    unknown = f"/v1/records/{CITY_DAY}/{quote(row.subject_id, safe='')}/no_such_feature"
    assert client.get(unknown, headers=headers).status_code == 404


def test_the_annex_of_a_report_holds_the_newest_records(city: City, rows: tuple[Row, ...]) -> None:
    published = Published(city.published(CITY_DAY))
    facts = Evidence(city.home).annex(published, facts_of(published, rows[0]))
    assert facts.records
    page = to_html(facts)
    assert "所依据的记录" in page
    for table in facts.records:
        assert table.zh in page
        assert table.told()
    assert to_pdf(facts).startswith(b"%PDF")
