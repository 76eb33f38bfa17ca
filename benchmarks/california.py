"""The main job on dockets nobody here wrote: train once, run seven dates, judged beside a plain model.

python -m benchmarks california DATA/california/feeds
"""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.plain import plain_lists
from benchmarks.recording import facts, run_step, table, write

_THROUGH = date(2019, 2, 1)
_DAYS = tuple(date(2019, month, 1) for month in range(2, 9))


def main(feeds: Path) -> None:
    """Run the whole way and write `results/california.*`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        plain = home / "plain.csv"
        plain_lists(feeds, _THROUGH, _DAYS).to_csv(plain, index=False)
        steps = [
            run_step("ingest", home, "ingest", str(feeds.resolve())),
            run_step("train", home, "train", "--through", _THROUGH.isoformat()),
        ]
        steps += [run_step(f"run-{day}", home, "run", day.isoformat()) for day in _DAYS]
        judged = run_step("evaluate", home, "evaluate", "--against", str(plain), "--json")
        said = run_step("evaluate-text", home, "evaluate", "--against", str(plain))
        last = home / "last"
        last.mkdir()
        full = [
            run_step("ingest-2", last, "ingest", str(feeds.resolve())),
            run_step("train-through-2019-08", last, "train", "--through", "2019-08-01"),
            run_step("run-2019-08", last, "run", "2019-08-01"),
            run_step("scores-2019-08", last, "scores", "2019-08-01", "--out", str(last / "scores.parquet")),
        ]
    found = json.loads(judged.output)["kinds"]["employer"]
    report = "\n".join(
        [
            "`against` is the plain LightGBM on fourteen counts (`benchmarks/plain.py`), trained through the same date.",
            "",
            "```",
            said.output.rstrip(),
            "```",
            "",
            table([*steps, judged, *full]),
            "",
        ]
    )
    figures = {"judged": found, "steps": [facts(step) for step in [*steps, judged, *full]]}
    write("california", "python -m benchmarks california DATA/california/feeds", figures, report)
