"""What every route works with: the shelf, the scorer, the clock, and the person asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fastapi import Request

from anxin.ledger import Ledger
from anxin.ledger.access import Grant, record_read
from anxin.serving.evidence import Evidence
from anxin.serving.published import Cleared, Published, Row
from anxin.serving.scorers import Scorer
from anxin.serving.selection import MaySee
from anxin.serving.shelf import Shelf
from anxin.serving.web.gate import GRANT, Clock
from anxin.serving.web.problems import Refused, not_found


@dataclass(frozen=True)
class Context:
    """Made once per app, handed to every router."""

    ledger: Ledger
    shelf: Shelf
    scorer: Scorer
    evidence: Evidence
    clock: Clock

    def published(self, day: date) -> Published:
        """Return the day's list, or answer 404."""
        found = self.shelf.on(day)
        if found is None:
            raise not_found()
        return found

    def listed(self, grant: Grant, published: Published, kind: str | None, subject_id: str) -> Row:
        """Return the row of a subject the person may see, or answer 404."""
        for each in (kind,) if kind else ("project", "employer"):
            row = published.find(each, subject_id)
            if row is not None and sees(grant)(row):
                return row
        raise not_found()

    def cleared(self, grant: Grant, published: Published) -> list[tuple[Cleared, Row]]:
        """Return the warnings that ended with this list, each with its last row, within the person's scope.

        Where a subject lies stands in the list before; without that row it stays hidden.
        """
        before = self.shelf.before(published.as_of) if published.cleared else None
        rows = [(one, before.find(one.kind, one.subject_id) if before else None) for one in published.cleared]
        return [(one, row) for one, row in rows if row is not None and sees(grant)(row)]

    def remember(self, grant: Grant, what: str) -> None:
        """Write the read into the ledger; called before anything is handed out."""
        record_read(self.ledger, grant, what, self.clock())


def grant_of(request: Request) -> Grant:
    """Return who is asking; the gate has made sure someone is."""
    grant: Grant | None = request.scope.get(GRANT)
    if grant is None:
        raise Refused(401)
    return grant


def may_see(grant: Grant, kind: str, subject_id: str, district: str, regulators: Iterable[str]) -> bool:
    """Tell whether the grant covers a subject: through any of its regulators, primary or co-operating."""
    return grant.may_see(district, regulators, subject_id if kind == "project" else None)


def sees(grant: Grant) -> MaySee:
    """Return the scope of a grant as a test of rows."""
    return lambda row: may_see(grant, row.kind, row.subject_id, row.district, row.regulators)
