"""The ledger's table as SQLAlchemy sees it, its engine, and bringing a database up to date.

Migrations are in ``migrations/``; SQLite and PostgreSQL get the same table and the same refusals.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from anxin.domain.errors import AnxinError

HEAD_REVISION = "0001"
"""The newest migration; a test holds it to the folder, so an open ledger need not load Alembic."""

BUSY_SECONDS = 60

entries = sa.Table(
    "entries",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.Text),
    sa.Column("actor", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("payload", sa.Text),
    sa.Column("prev", sa.Text),
    sa.Column("hash", sa.Text),
)

# The advisory lock of this ledger on PostgreSQL: a number of ours, and the schema, so that two ledgers in one
# database do not wait for each other. The commit must be on disk before an append returns, whatever the
# server's default is.
_POSTGRESQL_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(20200501, hashtext(current_schema())),"
    " set_config('synchronous_commit', 'on', true)"
)


def engine(url: str) -> sa.Engine:
    """Return an engine for ``sqlite:///…`` or ``postgresql+psycopg://…``; nothing is opened yet.

    Raises AnxinError for any other kind of database.
    """
    try:
        return _engine(sa.make_url(url))
    except (ArgumentError, ImportError, ValueError) as fault:
        # The address may hold a password: it is not repeated.
        raise AnxinError(
            "无法识别 ANXIN_LEDGER_URL 的账本地址，请使用 sqlite:///文件 或 postgresql+psycopg://",
            "the ledger's address in ANXIN_LEDGER_URL is none, use sqlite:///file or postgresql+psycopg://",
        ) from fault


def _engine(parsed: sa.URL) -> sa.Engine:
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        made = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    if backend == "postgresql":
        return sa.create_engine(parsed, isolation_level="READ COMMITTED", pool_pre_ping=True)
    shown = parsed.render_as_string(hide_password=True)
    raise AnxinError(
        f"账本不支持 {shown}，请使用 sqlite:///文件 或 postgresql+psycopg://",
        f"no ledger on {shown}, use sqlite:///file or postgresql+psycopg://",
    )


@contextmanager
def writing(made: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that no other writer of this ledger shares; commits at the end or leaves nothing."""
    with told(made), made.connect().execution_options(anxin_writes=True) as connection, connection.begin():
        if made.dialect.name == "postgresql":
            connection.execute(_POSTGRESQL_LOCK)
        yield connection


@contextmanager
def reading(made: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection for reading."""
    with told(made), made.connect() as connection:
        yield connection


@contextmanager
def told(made: sa.Engine) -> Iterator[None]:
    """Turn a fault of the database into an AnxinError that names it."""
    try:
        yield
    except SQLAlchemyError as fault:
        shown = made.url.render_as_string(hide_password=True)
        cause = str(fault.orig if isinstance(fault, DBAPIError) else fault).strip().splitlines()
        said = cause[0] if cause else type(fault).__name__
        raise AnxinError(
            f"账本 {shown} 操作失败：{said}；未写入任何内容，请检查数据库后重试",
            f"the ledger {shown} failed: {said}; nothing was written, check the database and try again",
        ) from fault


def migrate(made: sa.Engine) -> None:
    """Bring the database to `HEAD_REVISION`; safe when several processes open a new ledger at once."""
    with reading(made) as connection:
        if _revision(connection) == HEAD_REVISION:
            return
    with writing(made) as connection:
        if _revision(connection) != HEAD_REVISION:
            _upgrade(connection)


def _upgrade(connection: sa.Connection) -> None:
    # Alembic is loaded only for a ledger that is new or old.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "anxin.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by us (`_begin_sqlite`), not guessed by the driver from the statement.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes can fail under another writer; IMMEDIATE waits.
    writes = connection.get_execution_options().get("anxin_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
