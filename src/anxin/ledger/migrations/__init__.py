"""Alembic's folder; it ships with the package and is run by `Ledger.open`."""
