"""Real load of 1,315 enterprises: a factory that merely closes for Spring Festival must not show.

python -m benchmarks yangzhong DATA/yangzhong/feeds

Of the enterprises whose mean load of March 2016 is within a fifth of that of December 2015 (nothing has happened
to them), how many show on any date from 8 to 28 February 2016 (Spring Festival was the 8th) a festival-aligned
level below the 5th percentile of their own past, or near-zero days or a run of them above the 95th? Their past is
every date up to 24 January. Levels that are not aligned stand beside, as do enterprises that did fall.
"""

from __future__ import annotations

import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd

from anxin.features.energy import energy
from anxin.features.known import KEYS, Known
from anxin.feeds.asof import View
from anxin.feeds.ingest import ingest
from anxin.feeds.lake import Lake
from benchmarks.recording import write

FESTIVAL = date(2016, 2, 8)
PAST = (date(2015, 4, 1), date(2016, 1, 24))
"""From three months of readings on; before, hardly anything has a usual level."""
TESTED = (FESTIVAL, date(2016, 2, 28))
SPRING = (date(2016, 3, 1), date(2016, 3, 31))
STEADY = 0.2
ALIGNED = {"energy_level_year": -1, "energy_idle_days_28d": 1, "energy_idle_run_56d": 1}
"""Features that must stand the festival, and which way is worse."""
BESIDE = {"energy_level_28d": -1, "energy_level_7d": -1}
_ALLOWED = 0.05


def days(first: date, last: date) -> list[date]:
    """Return every date from the first to the last."""
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def view_of(feeds: Path, home: Path) -> View:
    """Return a view of a new lake in `home` after one delivery."""
    lake = Lake(home / "lake")
    ingest(lake, feeds, datetime(2016, 5, 1))
    return View(lake)


def features(view: View, dates: list[date]) -> pd.DataFrame:
    """Return the energy features of every enterprise on the dates, all in one call, indexed by subject and date."""
    parts = energy(Known(view, tuple(dates), "employer"))
    tables = [view.backend.to_pyarrow(part).to_pandas().set_index(list(KEYS)) for part in parts]
    return pd.concat(tables, axis=1).sort_index()[[*ALIGNED, *BESIDE]]


def loads(view: View) -> pd.DataFrame:
    """Return each enterprise's mean daily load of December 2015 and March 2016, and their ratio."""
    rows = view.history("energy_usage")
    means = rows.group_by("employer_id").aggregate(
        december=rows.kwh.mean(where=(rows.date >= date(2015, 12, 1)) & (rows.date < date(2016, 1, 1))),
        march=rows.kwh.mean(where=(rows.date >= date(2016, 3, 1)) & (rows.date < date(2016, 4, 1))),
    )
    table = view.backend.to_pyarrow(means).to_pandas().set_index("employer_id").astype(float)
    return table.assign(ratio=table.march / table.december)


def beyond(found: pd.DataFrame, within: tuple[date, date], *, both_ways: bool = False) -> pd.DataFrame:
    """Tell for each enterprise and feature whether it is beyond its own past on any date of `within`.

    Beyond is worse than 95 % of its past: below the 5th percentile of a level, above the 95th of idle days.
    `both_ways` counts the other side as well.
    """
    columns = {}
    for name, worse in (ALIGNED | BESIDE).items():
        wide = found[name].unstack("as_of")
        wide.columns = pd.to_datetime(wide.columns)
        past = wide.loc[:, pd.Timestamp(PAST[0]) : pd.Timestamp(PAST[1])]
        tested = wide.loc[:, pd.Timestamp(within[0]) : pd.Timestamp(within[1])]
        low, high = past.quantile(0.05, axis=1), past.quantile(0.95, axis=1)
        below, above = tested.lt(low, axis=0), tested.gt(high, axis=0)
        shown = (below | above) if both_ways else (below if worse < 0 else above)
        columns[name] = shown.any(axis=1)
    table = pd.DataFrame(columns)
    return table.assign(any_aligned=table[list(ALIGNED)].any(axis=1))


def shares(found: pd.DataFrame, load: pd.DataFrame) -> pd.DataFrame:
    """Return the share of enterprises that show, by feature and by group of enterprises and dates."""
    known = load[load.ratio.notna()].index
    steady = load[(load.ratio - 1).abs() <= STEADY].index
    fell = load[load.ratio <= 0.5].index
    groups = {
        "steady, festival": (steady, beyond(found, TESTED)),
        "steady, festival, both ways": (steady, beyond(found, TESTED, both_ways=True)),
        "fell by half, festival": (fell, beyond(found, TESTED)),
        "fell by half, March": (fell, beyond(found, SPRING)),
        "all, festival": (known, beyond(found, TESTED)),
    }
    table = pd.DataFrame(
        {name: shown.reindex(who).fillna(False).mean() for name, (who, shown) in groups.items()}
    )
    table.loc["enterprises"] = [len(who) for who, _ in groups.values()]
    return table


def main(feeds: Path) -> None:
    """Compute everything and write `results/yangzhong.*`."""
    with tempfile.TemporaryDirectory() as folder:
        view = view_of(feeds.resolve(), Path(folder))
        started = time.perf_counter()
        dates = [*days(*PAST), *days(*TESTED), *days(*SPRING)]
        found, load = features(view, dates), loads(view)
        seconds = time.perf_counter() - started
    table = shares(found, load)
    share = float(table.loc["any_aligned", "steady, festival"])
    lines = [
        __doc__.split("\n\n", 2)[2].strip(),
        "",
        f"**{share:.1%}** show (at most {_ALLOWED:.0%} are allowed): "
        + ("held." if share <= _ALLOWED else "not held."),
        "",
        "| feature | " + " | ".join(table.columns) + " |",
        "| --- |" + " --- |" * len(table.columns),
    ]
    for name, row in table.iterrows():
        cells = [f"{value:.0f}" if name == "enterprises" else f"{value:.1%}" for value in row]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", f"{len(dates)} dates in one call: {seconds:.0f} s.", ""]
    figures = {"share": share, "allowed": _ALLOWED, "shares": table.to_dict(), "seconds": round(seconds, 1)}
    write("yangzhong", "python -m benchmarks yangzhong DATA/yangzhong/feeds", figures, "\n".join(lines))
