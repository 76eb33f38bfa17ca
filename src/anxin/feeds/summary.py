"""What an ingest did, as plain facts: kept in the lake and printed by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class FeedSummary:
    """One feed of one delivery.

    `taken` rows entered the lake, `corrected` of them are not the first version of their key, `duplicate`
    rows were there already in every column, `refused` counts quarantined rows by reason, `flagged` rows were
    good although the check character of their employer_id is wrong.
    """

    files: int = 0
    skipped_files: int = 0
    taken: int = 0
    corrected: int = 0
    duplicate: int = 0
    flagged: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)

    def refuse(self, reasons: Mapping[str, int]) -> None:
        """Count refused rows by reason."""
        for reason, rows in sorted(reasons.items()):
            self.refused[reason] = self.refused.get(reason, 0) + rows


@dataclass(frozen=True)
class FileRefusal:
    """A file that was refused as a whole, with the reason."""

    feed: str
    file: str
    zh: str
    en: str


@dataclass
class IngestSummary:
    """One delivery: the commit after it (the one before, if nothing changed), and what became of it."""

    delivery: str
    delivered_at: str
    commit: int = 0
    changed: bool = False
    feeds: dict[str, FeedSummary] = field(default_factory=dict)
    refused_files: list[FileRefusal] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    def note(self, zh: str, en: str) -> None:
        """Remember something that is no error but should be seen."""
        self.notes.append({"zh": zh, "en": en})

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return asdict(self)
