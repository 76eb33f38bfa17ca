"""The chain of entries, and the triggers that let it only grow.

The triggers stand in the database so that they also hold for whoever opens it with another program. The one
on insert is needed beside those on update and delete: SQLite's ``INSERT OR REPLACE`` removes a row without
firing a delete trigger.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)
      OR NEW.prev <> coalesce((SELECT hash FROM entries ORDER BY seq DESC LIMIT 1), '{genesis}')
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows at its end'); END
    """,
    """
    CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no update'); END
    """,
    """
    CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no delete'); END
    """,
)

_POSTGRESQL = (
    """
    CREATE FUNCTION entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'the ledger is append-only: no %', lower(TG_OP) USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE FUNCTION entries_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last_seq bigint; last_hash text;
    BEGIN
      EXECUTE format('SELECT seq, hash FROM %I.entries ORDER BY seq DESC LIMIT 1', TG_TABLE_SCHEMA)
        INTO last_seq, last_hash;
      IF NEW.seq <> coalesce(last_seq, 0) + 1 OR NEW.prev <> coalesce(last_hash, '{genesis}') THEN
        RAISE EXCEPTION 'the ledger only grows at its end' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER entries_follow BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_follow()",
    """
    CREATE TRIGGER entries_no_change BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_refuse()
    """,
    "CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries EXECUTE FUNCTION entries_refuse()",
)


def upgrade() -> None:
    """Create the table, its index and its triggers."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    # Days are compared as text; a locale must not decide what comes before what.
    text = sa.Text(collation="C") if postgresql else sa.Text()
    op.create_table(
        "entries",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("at", text, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("payload", text, nullable=False),
        sa.Column("prev", text, nullable=False),
        sa.Column("hash", text, nullable=False, unique=True),
    )
    op.create_index("entries_by_subject", "entries", ["kind", "subject", "seq"])
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        # A literal and not a bind: triggers take none. It is the constant of 64 zeros.
        op.execute(statement.replace("{genesis}", "0" * 64))


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise NotImplementedError("the ledger has no way back; restore a backup instead")
