"""One commit of the lake: a JSON file that names everything the lake holds, and proves it by a hash.

The file appears by one atomic rename after all it names is on disk, so a reader sees the lake before it or
after it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from anxin.domain.errors import AnxinError

FORMAT = 1


@dataclass(frozen=True)
class StoredFile:
    """A file of the lake: its path below the lake, its rows and its sha256."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class FeedState:
    """What the lake holds of a feed: files, rows, next `_row`, watermarks, delivered files taken."""

    data: tuple[StoredFile, ...] = ()
    superseded: tuple[StoredFile, ...] = ()
    rows: int = 0
    next_row: int = 0
    last_event: date | None = None
    last_received: datetime | None = None
    delivered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    """All the lake holds after one ingest; number 0 is the empty lake."""

    number: int = 0
    parent: str = ""
    feeds: Mapping[str, FeedState] = field(default_factory=dict)
    quarantine: tuple[StoredFile, ...] = ()
    deliveries: tuple[StoredFile, ...] = ()

    @property
    def hash(self) -> str:
        """The sha256 over the commit's canonical JSON (sorted keys, no spaces), parent included."""
        return hashlib.sha256(_canonical(self.content()).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return the commit as plain JSON values."""
        content = asdict(self)
        for state in content["feeds"].values():
            for mark in ("last_event", "last_received"):
                state[mark] = state[mark].isoformat() if state[mark] is not None else None
        return {"format": FORMAT, **content}

    def paths(self) -> set[str]:
        """Return every path the commit names."""
        stored = [*self.quarantine, *self.deliveries]
        for state in self.feeds.values():
            stored += [*state.data, *state.superseded]
        return {file.path for file in stored}


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def commit_path(lake: Path, number: int) -> Path:
    """Return where a commit of a lake is, or would be."""
    return lake / "commits" / f"{number:08d}.json"


def latest(lake: Path) -> int:
    """Return the number of the lake's newest commit; 0 where nothing was ever ingested."""
    folder = lake / "commits"
    if not folder.is_dir():
        return 0
    return max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), default=0)


def load(lake: Path, number: int) -> Commit:
    """Read a commit and check its hash; AnxinError if it is not there, damaged or from a newer Anxin."""
    if number == 0:
        return Commit()
    path = commit_path(lake, number)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        claimed = content.pop("hash")
        form = content.pop("format")
    except FileNotFoundError as missing:
        raise AnxinError(
            f"数据湖没有第 {number} 次提交（最新为 {latest(lake)}）",
            f"the lake has no commit {number}, the last is {latest(lake)}",
        ) from missing
    except (json.JSONDecodeError, KeyError) as broken:
        raise _damaged(path) from broken
    if form != FORMAT:
        raise AnxinError(
            f"数据湖提交 {path.name} 的格式是 {form}，本版本只识别 {FORMAT}；请升级 Anxin",
            f"lake commit {path.name} has format {form}, this version reads {FORMAT}; upgrade Anxin",
        )
    commit = Commit(
        number=content["number"],
        parent=content["parent"],
        feeds={name: _state(state) for name, state in content["feeds"].items()},
        quarantine=_files(content["quarantine"]),
        deliveries=_files(content["deliveries"]),
    )
    if commit.hash != claimed:
        raise _damaged(path)
    return commit


def _damaged(path: Path) -> AnxinError:
    return AnxinError(
        f"数据湖提交 {path.name} 已损坏（校验不符）；请从备份恢复",
        f"lake commit {path.name} is damaged, its hash does not match; restore it from a backup",
    )


def _files(entries: list[dict[str, Any]]) -> tuple[StoredFile, ...]:
    return tuple(StoredFile(**entry) for entry in entries)


def _state(state: dict[str, Any]) -> FeedState:
    event, received = state["last_event"], state["last_received"]
    return FeedState(
        data=_files(state["data"]),
        superseded=_files(state["superseded"]),
        rows=state["rows"],
        next_row=state["next_row"],
        last_event=date.fromisoformat(event) if event else None,
        last_received=datetime.fromisoformat(received) if received else None,
        delivered=tuple(state["delivered"]),
    )


def publish(lake: Path, commit: Commit) -> None:
    """Make the commit the lake's newest: all or nothing, and on disk when this returns."""
    path = commit_path(lake, commit.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(_canonical({**commit.content(), "hash": commit.hash}))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries (new names) survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
