"""The hash chain: entries that can be added and read and nothing else.

    hash = sha256(prev ‖ canonical JSON of seq, at, actor, kind, subject, payload)

Canonical JSON has sorted keys, no spaces, UTF-8. The payload is stored as that text, so what was hashed is
what is read back, byte for byte, on SQLite and PostgreSQL alike. Whoever can rewrite the whole database can
rewrite the whole chain: what proves the past is a head printed elsewhere (each bulletin prints it), see
`verify`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from anxin.domain.errors import AnxinError
from anxin.ledger import schema
from anxin.ledger.schema import entries as table

GENESIS = "0" * 64
"""What the first entry has for ``prev``, and the head of an empty ledger."""

_PAGE = 2000
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: when (+08:00), by whom, of what kind, about what, and its place in the chain."""

    seq: int
    at: datetime
    actor: str
    kind: str
    subject: str
    payload: dict[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found: whether it is whole, how far, and the first entry that is wrong."""

    ok: bool
    entries: int
    head: str
    broken_seq: int | None = None
    zh: str = "账本完整"
    en: str = "the ledger is whole"


class Ledger:
    """An append-only ledger in a database; open it with `Ledger.open`, close it with `close` or ``with``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Open the ledger at a database URL, creating or migrating it.

        ``sqlite:///file`` (the folder is made) or ``postgresql+psycopg://…``. Raises AnxinError if the
        database is of another kind or does not answer.
        """
        engine = schema.engine(url)
        schema.migrate(engine)
        return cls(engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head(self) -> str:
        """The hash of the last entry, `GENESIS` if there is none; print it where the ledger cannot reach."""
        with schema.reading(self._engine) as connection:
            return _end(connection)[1]

    def append(
        self,
        kind: str,
        actor: str,
        subject: str,
        payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        at: datetime,
    ) -> Entry:
        """Add one entry and return it once it is on disk.

        ``payload`` is JSON; ``at`` is aware. Writers queue, in this process and in others. A payload that follows from
        earlier entries is given as a function: it is called once nobody else can write, may read this ledger, and what
        it raises leaves nothing behind. Raises AnxinError if the database fails, and then nothing was written.
        """
        moment = instant(at).isoformat(timespec="microseconds")
        text = None if callable(payload) else _canonical(payload)
        with schema.writing(self._engine) as connection:
            if callable(payload):
                text = _canonical(payload())
            last, prev = _end(connection)
            row = {
                "seq": last + 1,
                "at": moment,
                "actor": actor,
                "kind": kind,
                "subject": subject,
                "payload": text,
                "prev": prev,
            }
            row["hash"] = _hash(row)
            connection.execute(table.insert().inline(), row)
        return _entry(row)

    def entries(self, kind: str | None = None, subject: str | None = None, after: int = 0) -> Iterator[Entry]:
        """Yield entries in order, of a kind or subject if given, ``seq`` above ``after``; read in pages."""
        query = sa.select(table).order_by(table.c.seq).limit(_PAGE)
        if kind is not None:
            query = query.where(table.c.kind == kind)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        while page := self._rows(query.where(table.c.seq > after)):
            yield from (_entry(row) for row in page)
            after = page[-1]["seq"]

    def newest(
        self, kinds: Sequence[str], *, subject: str | None = None, below: str | None = None, limit: int = 1
    ) -> list[Entry]:
        """Return the newest entry of each subject among some kinds, subjects in descending order.

        ``subject`` takes one alone, ``below`` those that sort before it, ``limit`` so many subjects.
        """
        last = sa.select(sa.func.max(table.c.seq).label("seq")).where(table.c.kind.in_(kinds))
        if subject is not None:
            last = last.where(table.c.subject == subject)
        if below is not None:
            last = last.where(table.c.subject < below)
        last = last.group_by(table.c.subject).order_by(table.c.subject.desc()).limit(limit)
        found = last.subquery()
        query = sa.select(table).join(found, table.c.seq == found.c.seq).order_by(table.c.subject.desc())
        return [_entry(row) for row in self._rows(query)]

    def verify(self, printed: Iterable[str] = ()) -> Verification:
        """Walk the whole chain and say whether every entry still is what was hashed.

        ``printed`` are heads that were written down elsewhere: with them a ledger that was cut short or
        rewritten as a whole is found out too. Stops at the first wrong entry and names it.
        """
        awaited = set(printed) - {GENESIS}
        count, prev = 0, GENESIS
        query = sa.select(table).order_by(table.c.seq).limit(_PAGE)
        while page := self._rows(query.where(table.c.seq > count)):
            for row in page:
                fault = _fault(row, count + 1, prev)
                if fault is not None:
                    return Verification(False, count, prev, count + 1, *fault)
                count, prev = count + 1, row["hash"]
                awaited.discard(prev)
        if awaited:
            gone = min(awaited)
            return Verification(
                False,
                count,
                prev,
                None,
                f"公布过的链头 {gone} 不在账本中，账本曾被截短或重写",
                f"the printed head {gone} is not in the ledger, which was cut short or rewritten",
            )
        return Verification(True, count, prev)

    def _rows(self, query: sa.Select[Any]) -> list[Mapping[str, Any]]:
        with schema.reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def instant(at: datetime) -> datetime:
    """Return an aware time in +08:00; raises AnxinError for a naive one."""
    if at.tzinfo is None:
        raise AnxinError(
            f"账本时间 {at.isoformat()} 缺少时区，请使用带时区的时间",
            f"the ledger takes aware times, {at.isoformat()} has no zone",
        )
    return at.astimezone(_CHINA)


def _end(connection: sa.Connection) -> tuple[int, str]:
    query = sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return (0, GENESIS) if row is None else (int(row.seq), str(row.hash))


def _entry(row: Mapping[str, Any]) -> Entry:
    at, payload = datetime.fromisoformat(row["at"]), json.loads(row["payload"])
    return Entry(row["seq"], at, row["actor"], row["kind"], row["subject"], payload, row["prev"], row["hash"])


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(row: Mapping[str, Any]) -> str:
    # Keys in order and the payload already canonical: this is the canonical JSON of the entry, and any
    # other text in the payload column gives another hash.
    actor, at, kind, subject = (_canonical(row[name]) for name in ("actor", "at", "kind", "subject"))
    text = (
        f'{{"actor":{actor},"at":{at},"kind":{kind},"payload":{row["payload"]},'
        f'"seq":{row["seq"]},"subject":{subject}}}'
    )
    return hashlib.sha256((row["prev"] + text).encode()).hexdigest()


def _fault(row: Mapping[str, Any], seq: int, prev: str) -> tuple[str, str] | None:
    if row["seq"] != seq:
        return f"第 {seq} 条缺失", f"entry {seq} is missing"
    if row["prev"] != prev:
        return f"第 {seq} 条与前一条不相接", f"entry {seq} does not follow the one before it"
    if row["hash"] != _hash(row):
        return f"第 {seq} 条内容已被改动", f"entry {seq} is not what was hashed"
    return None
