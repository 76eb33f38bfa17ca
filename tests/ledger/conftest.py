"""Every ledger test runs on SQLite and on PostgreSQL.

``ANXIN_TEST_POSTGRES`` is the URL of a PostgreSQL in which the user may make schemas, or ``off``. Without a
server that answers the tests fail: a guard that was not tried is not known to hold.
"""

import os
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from anxin.ledger import Ledger

POSTGRES = os.environ.get("ANXIN_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/test")
BACKENDS = ["sqlite"] if POSTGRES == "off" else ["sqlite", "postgresql"]
CHINA = timezone(timedelta(hours=8))


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/var/ledger.db"
        return
    schema = f"anxin_{secrets.token_hex(6)}"
    server = sa.create_engine(POSTGRES, connect_args={"connect_timeout": 5})
    try:
        with server.begin() as connection:
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    except OperationalError as fault:
        pytest.fail(
            f"no PostgreSQL answers at {server.url.render_as_string()} ({fault.orig}); start one, name "
            "another in ANXIN_TEST_POSTGRES, or set it to off to test SQLite alone",
            pytrace=False,
        )
    try:
        made = sa.make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
        yield made.render_as_string(hide_password=False)
    finally:
        with server.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def at() -> datetime:
    return datetime(2025, 6, 1, 8, 30, tzinfo=CHINA)
