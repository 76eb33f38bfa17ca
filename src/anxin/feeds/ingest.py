"""A delivery into the lake: checked row by row, versions decided, then one commit for all feeds.

Everything is written to files no commit names yet. Whatever stops an ingest before its commit, the lake stays
as it was, and the next ingest sweeps what was left behind.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anxin.domain.errors import AnxinError
from anxin.feeds.casting import CHINA
from anxin.feeds.commits import Commit, FeedState, StoredFile, publish
from anxin.feeds.contract import RECEIVED_AT, Feed, contract
from anxin.feeds.engine import Engine
from anxin.feeds.lake import Lake
from anxin.feeds.locking import alone
from anxin.feeds.reading import SUFFIXES, Flags, fingerprint, open_file
from anxin.feeds.refusals import QUARANTINE, FileRefusedError
from anxin.feeds.summary import FeedSummary, FileRefusal, IngestSummary
from anxin.feeds.versions import OVERLAY, decide
from anxin.feeds.writing import Draft, ahead, keep, rows_of

Progress = Callable[[str, int, int], None]
"""Called with the feed being read, the bytes of the delivery done, and the bytes in all."""

_Mark = TypeVar("_Mark", date, datetime)
STAGING = "staging"


def ingest(
    lake: Lake,
    delivery: Path,
    delivered_at: datetime,
    *,
    on_progress: Progress | None = None,
    engine: Engine | None = None,
) -> IngestSummary:
    """Add a delivery to the lake and return what became of it.

    `delivery` is a folder `<feed>/*.parquet|*.csv`, or one that holds such a folder as `feeds/`;
    `delivered_at` (naive is +08:00) is when its rows were learned where a file does not say. Files taken
    before are skipped; a delivery that brings nothing new makes no commit; refused files are told each time.
    Raises AnxinError if the folder is no delivery, the machine fails or another ingest is running.
    """
    root = _root(delivery)
    naive = delivered_at.astimezone(CHINA).replace(tzinfo=None) if delivered_at.tzinfo else delivered_at
    name = delivery.resolve().name if delivery.resolve().name != "feeds" else delivery.resolve().parent.name
    with _told(), alone(lake.path / "lock", _busy(lake.path)):
        staging = lake.path / STAGING
        _sweep(lake, staging)
        engine = engine or Engine()
        engine = replace(engine, spill=engine.spill or staging / "spill")
        with (
            duckdb.connect(config=engine.settings()) as connection,
            ThreadPoolExecutor(1) as reader,
            ThreadPoolExecutor(1) as writer,
        ):
            summary = IngestSummary(delivery=name, delivered_at=f"{naive.isoformat()}+08:00")
            ingesting = _Ingesting(
                Lake(lake.path),
                staging,
                connection,
                (reader, writer),
                delivered_at=naive,
                summary=summary,
                on_progress=on_progress,
            )
            ingesting.run(root)
        shutil.rmtree(staging)
    return summary


def _root(delivery: Path) -> Path:
    if not delivery.is_dir():
        raise AnxinError(f"找不到交付文件夹 {delivery}", f"there is no delivery folder {delivery}")
    for root in (delivery, delivery / "feeds"):
        if any((root / feed).is_dir() for feed in contract()):
            return root
    raise AnxinError(
        f"{delivery} 里没有任何数据源文件夹（如 employers/）；请指向交付的 feeds 文件夹",
        f"{delivery} holds no folder of a feed (such as employers/); point at the delivery's feeds folder",
    )


def _busy(lake: Path) -> AnxinError:
    return AnxinError(
        f"另一个接入任务正在写入数据湖 {lake.name}；请等它结束后再试",
        f"another ingest is writing to the lake {lake.name}; try again when it is done",
    )


@contextmanager
def _told() -> Iterator[None]:
    """Say a fault of the machine (disk, memory) in one line; nothing was committed."""
    try:
        yield
    except (OSError, duckdb.Error, pa.ArrowException, MemoryError) as fault:
        detail = " ".join(str(fault).split())[:200]
        raise AnxinError(
            f"接入中断，数据湖没有变化：{detail}；请排除后重新接入同一交付",
            f"the ingest stopped, the lake is unchanged: {detail}; clear the cause and ingest it again",
        ) from fault


def _sweep(lake: Lake, staging: Path) -> None:
    """Remove what an ingest that did not reach its commit left behind. Readers see committed files only."""
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(parents=True)
    named = Lake(lake.path).state.paths()
    for folder in ("data", "superseded", "quarantine", "deliveries"):
        for path in (lake.path / folder).rglob("*"):
            if path.is_file() and path.relative_to(lake.path).as_posix() not in named:
                path.unlink()


@dataclass
class _Reading:
    """What has been read of one feed: drafts of its good rows, and what the watermarks become."""

    state: FeedState
    drafts: list[Draft] = field(default_factory=list)
    refused: list[Draft] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    next_row: int = 0
    last_event: date | None = None
    last_received: datetime | None = None


class _Ingesting:
    """One ingest under the lock: a thread reads and checks, this one numbers, another writes."""

    def __init__(
        self,
        lake: Lake,
        staging: Path,
        connection: duckdb.DuckDBPyConnection,
        hands: tuple[Executor, Executor],
        *,
        delivered_at: datetime,
        summary: IngestSummary,
        on_progress: Progress | None,
    ) -> None:
        self._before = lake.state
        self._lake = lake.path
        self._number = self._before.number + 1
        self._staging = staging
        self._connection = connection
        self._reader, self._writer = hands
        self._flags = Flags()
        self._delivered_at = delivered_at
        self._summary = summary
        self._on_progress = on_progress
        self._names = 0
        self._done = 0
        self._total = 0

    def run(self, root: Path) -> None:
        files = self._files(root)
        self._total = sum(path.stat().st_size for paths in files.values() for path in paths)
        feeds = dict(self._before.feeds)
        refused: list[Draft] = []
        changed = False
        for name, paths in files.items():
            feed, summary = contract()[name], FeedSummary()
            self._summary.feeds[name] = summary
            reading = self._read(feed, paths, summary)
            if reading.delivered:
                changed = True
                refused += reading.refused
                feeds[name] = self._stored(feed, reading, summary)
        self._summary.commit = self._before.number
        if changed:
            self._commit(feeds, refused)

    def _files(self, root: Path) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for entry in sorted(root.iterdir()):
            if entry.name.startswith((".", "_")):
                continue
            if entry.name not in contract() or not entry.is_dir():
                self._summary.note(
                    f"忽略了 {entry.name}：不是契约中的数据源", f"ignored {entry.name}: not a feed"
                )
                continue
            files[entry.name] = []
            for path in sorted(entry.iterdir()):
                if path.is_file() and path.suffix.lower() in SUFFIXES:
                    files[entry.name].append(path)
                elif not path.name.startswith((".", "_")):
                    label = f"{entry.name}/{path.name}"
                    self._summary.note(
                        f"忽略了 {label}：不是 Parquet 或 CSV 文件",
                        f"ignored {label}: neither Parquet nor CSV",
                    )
        return {name: files[name] for name in contract() if name in files}

    def _read(self, feed: Feed, paths: Sequence[Path], summary: FeedSummary) -> _Reading:
        state = self._before.feeds.get(feed.name, FeedState())
        reading = _Reading(state, [], [], [], state.next_row, state.last_event, state.last_received)
        taken = set(state.delivered)
        for path in paths:
            label, size = f"{feed.name}/{path.name}", path.stat().st_size
            try:
                file = fingerprint(path)
                if file.sha256 in taken:
                    summary.skipped_files += 1
                    continue
                self._read_file(feed, path, reading, summary, utf8=file.utf8)
                taken.add(file.sha256)
                reading.delivered.append(file.sha256)
                summary.files += 1
            except FileRefusedError as refused:
                self._summary.refused_files.append(FileRefusal(feed.name, label, refused.zh, refused.en))
            finally:
                self._done += size
                self._progress(feed, 0)
        return reading

    def _progress(self, feed: Feed, part: int) -> None:
        if self._on_progress is not None:
            self._on_progress(feed.name, min(self._done + part, self._total), self._total)

    def _read_file(
        self, feed: Feed, path: Path, reading: _Reading, summary: FeedSummary, *, utf8: bool
    ) -> None:
        """Read one file into drafts of its own, so that a file that breaks half-way leaves nothing."""
        label = f"{feed.name}/{path.name}"
        delivered = open_file(path, label, feed, self._delivered_at, flags=self._flags, utf8=utf8)
        good = self._draft(_stored_schema(feed), passing=True)
        bad = self._draft(QUARANTINE, passing=True)
        counts = FeedSummary()
        next_row, event, received = reading.next_row, reading.last_event, reading.last_received
        try:
            for batch in ahead(self._reader, delivered.batches):
                numbers = pa.array(np.arange(next_row, next_row + batch.rows.num_rows))
                next_row += batch.rows.num_rows
                good.write(batch.rows.append_column("_row", numbers))
                bad.write(batch.refused)
                counts.refuse(Counter(batch.refused.column("reason").to_pylist()))
                counts.flagged += batch.flagged
                event = _later(event, pc.max(batch.rows.column(feed.event)).as_py())
                received = _later(received, pc.max(batch.rows.column(RECEIVED_AT)).as_py())
                self._progress(feed, int(path.stat().st_size * batch.share))
        except BaseException:
            good.drop()
            bad.drop()
            raise
        for draft, kept in ((good, reading.drafts), (bad, reading.refused)):
            draft.close()
            if draft.rows:
                kept.append(draft)
        reading.next_row, reading.last_event, reading.last_received = next_row, event, received
        summary.refuse(counts.refused)
        summary.flagged += counts.flagged
        fresh = [name for name in delivered.ignored if name not in summary.ignored_columns]
        summary.ignored_columns += fresh

    def _draft(self, schema: pa.Schema, *, passing: bool = False) -> Draft:
        self._names += 1
        return Draft(self._staging / f"{self._names:06d}.parquet", schema, self._writer, passing=passing)

    def _stored(self, feed: Feed, reading: _Reading, summary: FeedSummary) -> FeedState:
        """Decide versions and put the feed's files in their places."""
        state = reading.state
        data, superseded = list(state.data), list(state.superseded)
        rows = sum(draft.rows for draft in reading.drafts)
        if rows:
            for draft in reading.drafts:
                draft.finish()
            fresh = [draft.path for draft in reading.drafts]
            stored = [self._lake / file.path for file in state.data]
            decision = decide(self._connection, feed, fresh, stored)
            summary.duplicate = len(decision.duplicates)
            summary.taken = rows - summary.duplicate
            summary.corrected = decision.corrected
            data += self._kept_data(feed, reading.drafts, decision.duplicates)
            if decision.overlay.num_rows:
                draft = self._draft(OVERLAY)
                draft.write(decision.overlay)
                draft.close()
                superseded.append(self._keep(f"superseded/{feed.name}", draft))
        return FeedState(
            data=tuple(data),
            superseded=tuple(superseded),
            rows=state.rows + summary.taken,
            next_row=reading.next_row,
            last_event=reading.last_event,
            last_received=reading.last_received,
            delivered=(*state.delivered, *reading.delivered),
        )

    def _kept_data(self, feed: Feed, drafts: list[Draft], duplicates: pa.Array) -> list[StoredFile]:
        folder = f"data/{feed.name}"
        if not len(duplicates) and not any(draft.plain for draft in drafts):
            return [self._keep(folder, draft) for draft in drafts]
        merged = self._draft(_stored_schema(feed))
        for rows in rows_of([draft.path for draft in drafts], duplicates):
            merged.write(rows)
        merged.close()
        return [self._keep(folder, merged)] if merged.rows else []

    def _keep(self, folder: str, draft: Draft) -> StoredFile:
        self._names += 1
        draft.finish()
        return keep(self._lake, folder, f"{self._number:08d}-{self._names:04d}", draft.path, draft.rows)

    def _commit(self, feeds: dict[str, FeedState], refused: list[Draft]) -> None:
        quarantine = list(self._before.quarantine)
        if refused:
            merged = self._draft(QUARANTINE)
            for draft in refused:
                draft.finish()
            for rows in rows_of([draft.path for draft in refused]):
                merged.write(rows)
            merged.close()
            quarantine.append(self._keep("quarantine", merged))
        self._summary.commit, self._summary.changed = self._number, True
        text = self._staging / "summary.json"
        text.write_text(json.dumps(self._summary.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
        kept = keep(self._lake, "deliveries", f"{self._number:08d}", text, 1)
        commit = Commit(
            number=self._number,
            parent=self._before.hash,
            feeds=feeds,
            quarantine=tuple(quarantine),
            deliveries=(*self._before.deliveries, kept),
        )
        publish(self._lake, commit)


def _stored_schema(feed: Feed) -> pa.Schema:
    return feed.schema.append(pa.field("_row", pa.int64()))


def _later(one: _Mark | None, other: _Mark | None) -> _Mark | None:
    return other if one is None or (other is not None and other > one) else one
