"""Snapshots of both kinds on the lake of a home, as one process to be measured.

ANXIN_HOME=home python -m benchmarks.snapshot [--memory GIB] DAY...
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, connect
from anxin.feeds.engine import Engine
from anxin.feeds.lake import Lake


def main() -> None:
    """Make the snapshots and say how large they are and how long each kind took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("days", type=date.fromisoformat, nargs="+")
    parser.add_argument("--memory", type=float)
    asked = parser.parse_args()
    home = Path(os.environ["ANXIN_HOME"])
    spill = home / "spill"
    engine = Engine(spill=spill) if asked.memory is None else Engine(memory_gib=asked.memory, spill=spill)
    view = View(Lake(home / "var" / "lake"), connect(engine))
    said: dict[str, Any] = {}
    for kind in KINDS:
        started = time.perf_counter()
        table = snapshots(view, asked.days, kind)
        seconds = round(time.perf_counter() - started, 2)
        said[kind] = {"rows": len(table), "columns": table.num_columns, "wall_s": seconds}
        del table
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
