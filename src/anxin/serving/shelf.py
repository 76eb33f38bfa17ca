"""The published lists of a home, as far as the ledger says they are published."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

from anxin.domain.errors import AnxinError
from anxin.ledger import Ledger, published
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.reports.facts import Trend

_log = logging.getLogger("anxin.serving")

# A list of a big city holds some megabytes of rows; two weeks of them are what readers turn to.
_KEPT = 16
_TREND_LISTS = 14
_DAYS = 400


@dataclass(frozen=True)
class Past:
    """A subject's row of ``scores.parquet`` on one list."""

    published: Published
    scored: dict[str, Any]


class Shelf:
    """Finds published lists; a folder without its ledger entry does not exist here.

    Lists made in hindsight are not on it: nobody was told them.
    """

    def __init__(self, home: Home, ledger: Ledger) -> None:
        self._home = home
        self._ledger = ledger
        self._open: OrderedDict[tuple[date, str], Published] = OrderedDict()
        self._lock = Lock()

    def days(self, count: int = _DAYS) -> list[date]:
        """Return the last `count` days that have a list, newest first."""
        return [entry.day for entry in published.recent(self._ledger, count)]

    def on(self, day: date) -> Published | None:
        """Return the list published for `day`; raises `AnxinError` if it is not the one the ledger names."""
        entry = published.of(self._ledger, day)
        return None if entry is None else self._opened(entry)

    def before(self, day: date) -> Published | None:
        """Return the list of the last earlier day that has one, None where it cannot be read."""
        entry = published.before(self._ledger, day)
        try:
            return None if entry is None else self._opened(entry)
        except AnxinError as error:
            _log.error("the list before %s cannot be read: %s", day, error)
            return None

    def history(self, kind: str, subject_id: str, until: date, lists: int) -> list[Past]:
        """Return the subject's scores on the last `lists` lists up to `until`, newest first."""
        entries = [entry for entry in published.recent(self._ledger, _DAYS) if entry.day <= until]
        found = []
        for entry in entries[:lists]:
            try:
                opened = self._opened(entry)
                scored = opened.score(kind, subject_id)
            except AnxinError as error:  # a past list that is broken must not hide today's
                _log.error("left out of a history: %s", error)
                continue
            if scored is not None:
                found.append(Past(opened, scored))
        return found

    def trend(self, current: Published, kind: str, subject_id: str) -> list[Trend]:
        """Return the subject's grade and p90 on the lists before `current`, oldest first."""
        past = [
            Trend(earlier.published.as_of, earlier.scored["grade"], earlier.scored["p90"])
            for earlier in self.history(kind, subject_id, current.as_of, _TREND_LISTS + 1)
            if earlier.published.as_of < current.as_of
        ]
        return past[::-1]

    def _opened(self, entry: published.Published) -> Published:
        key = (entry.day, entry.list_id)
        with self._lock:
            known = self._open.get(key)
            if known is not None:
                self._open.move_to_end(key)
                return known
        opened = Published.of_entry(self._home.root, entry)
        with self._lock:
            self._open[key] = opened
            while len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return opened
