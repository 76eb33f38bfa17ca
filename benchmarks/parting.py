"""A delivery parted in two: all but the rows received on its last day, and that day.

python -m benchmarks.parting FEEDS FIRST LAST

A process of its own, so that what it holds is not counted as the memory of what is measured later.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anxin.feeds.contract import RECEIVED_AT


def part(feeds: Path, first: Path, last: Path) -> None:
    """Write both parts; files without a row of the last day are linked, the others cut."""
    files = [file for feed in sorted(feeds.iterdir()) for file in sorted(feed.glob("*.parquet"))]
    newest = {file: _newest(file) for file in files}
    end = max(mark for mark in newest.values() if mark is not None)
    day = datetime.combine(end.date(), datetime.min.time())
    for file, mark in newest.items():
        place = first / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if mark is None or mark < day:
            place.hardlink_to(file.resolve())
            continue
        rows = pq.read_table(file)
        late = pc.greater_equal(rows[RECEIVED_AT], pa.scalar(day, rows[RECEIVED_AT].type))
        pq.write_table(rows.filter(pc.invert(late)), place, compression="zstd", store_schema=False)
        new = last / file.parent.name / file.name
        new.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.filter(late), new, compression="zstd", store_schema=False)


def _newest(file: Path) -> datetime | None:
    """Return when the last row of a file was received; None if it has none."""
    received: datetime | None = pc.max(pq.read_table(file, columns=[RECEIVED_AT])[RECEIVED_AT]).as_py()
    return received


if __name__ == "__main__":
    part(*(Path(argument) for argument in sys.argv[1:4]))
