"""The lake: every row ever received, never changed, seen through one commit.

data/<feed>/…          contract columns and `_row`, unique per feed
superseded/<feed>/…    `_row`, `superseded_at`: when a later version of the key came; the smallest wins
quarantine/…           refused rows
deliveries/…           one summary per ingest
commits/NNNNNNNN.json  names all of the above; what no commit names does not exist
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anxin.feeds.commits import Commit, FeedState, latest, load
from anxin.feeds.contract import RECEIVED_AT, contract
from anxin.feeds.refusals import QUARANTINE


class Lake:
    """A lake on disk, at its newest commit or pinned to one by `at`."""

    def __init__(self, path: Path | str, commit: int | None = None) -> None:
        self.path = Path(path).absolute()
        self._pinned = commit
        self._load = cache(lambda number: load(self.path, number))
        if commit is not None:
            self._load(commit)

    @property
    def commit(self) -> int:
        """The number of the commit this lake is seen at; 0 is the empty lake."""
        return latest(self.path) if self._pinned is None else self._pinned

    @property
    def commit_hash(self) -> str:
        """The hash over all this commit names (and, through its parent, over all commits before it)."""
        return self.state.hash

    @property
    def state(self) -> Commit:
        """The whole commit."""
        return self._load(self.commit)

    def at(self, commit: int) -> Lake:
        """Return the lake as it was after that commit, whatever is ingested later."""
        return Lake(self.path, commit)

    def feeds(self) -> list[str]:
        """Return the feeds that have rows, in contract order."""
        states = self.state.feeds
        return [name for name in contract() if name in states and states[name].rows]

    def feed(self, name: str) -> FeedState:
        """Return rows, watermarks and files of a feed; an empty state if it never came."""
        return self.state.feeds.get(name, FeedState())

    def watermarks(self) -> Mapping[str, FeedState]:
        """Return the state of every feed of the contract, silent ones included."""
        return {name: self.feed(name) for name in contract()}

    def files(self, feed: str, since: datetime | None = None) -> list[Path]:
        """Return the data files of a feed; with `since` without those all of whose rows were received before it."""
        paths = [self.path / file.path for file in self.feed(feed).data]
        if since is None:
            return paths
        lasts = {path: _range(path, RECEIVED_AT)[1] for path in paths}
        return [path for path, last in lasts.items() if last is None or last >= since]

    def first_received(self, feed: str) -> datetime | None:
        """Return when the first row of a feed was received, from what the files say of themselves."""
        firsts = [_range(path, RECEIVED_AT)[0] for path in self.files(feed)]
        return min((first for first in firsts if first is not None), default=None)

    def overlay(self, feed: str) -> list[Path]:
        """Return the files that say which rows of the feed were superseded, and when."""
        return [self.path / file.path for file in self.feed(feed).superseded]

    def quarantine_files(self) -> list[Path]:
        """Return the files of refused rows."""
        return [self.path / file.path for file in self.state.quarantine]

    def quarantine(self) -> pa.Table:
        """Return every refused row: feed, file, row, column, value, reason, zh, en."""
        tables = [pq.read_table(path, schema=QUARANTINE) for path in self.quarantine_files()]
        return pa.concat_tables([QUARANTINE.empty_table(), *tables])

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the summary of every ingest that changed the lake, oldest first."""
        return [
            json.loads((self.path / file.path).read_text(encoding="utf-8")) for file in self.state.deliveries
        ]


@cache
def _range(path: Path, column: str) -> tuple[datetime | None, datetime | None]:
    """Return the least and the greatest value of a column by the statistics of its row groups; files never change.

    Without statistics of some group both are nothing.
    """
    found = pq.read_metadata(path)
    place = found.schema.names.index(column)
    groups = [found.row_group(i).column(place).statistics for i in range(found.num_row_groups)]
    if any(group is None or not group.has_min_max for group in groups):
        return None, None
    return min((group.min for group in groups), default=None), max(
        (group.max for group in groups), default=None
    )
