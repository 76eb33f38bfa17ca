"""What was done, for ever: an append-only hash chain, and what is read out of it.

Lists published, models promoted, tokens given, rows read: each is an entry (`anxin.ledger.chain`).
Nothing here reads a clock; every act is given its instant.
"""

from anxin.ledger.chain import GENESIS, Entry, Ledger, Verification

__all__ = ["GENESIS", "Entry", "Ledger", "Verification"]
