"""`python -m benchmarks VERB`: the records of others, simulated cities, features, models, cost.

Without a verb (`make bench`) the cost at full scale, of watching for drift, and the city, and the real records too if
`$ANXIN_CALIFORNIA` and `$ANXIN_YANGZHONG` name their feeds. `ablation` and `models` take most of an hour and are asked
for by name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import (
    ablation,
    california,
    city,
    contributions,
    dead_feeds,
    drift,
    rules,
    scale,
    scale_doc,
    unread,
    withheld,
    yangzhong,
)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb")
    docket = verbs.add_parser("california", help="dockets of the California Labor Commissioner")
    docket.add_argument("feeds", type=Path)
    load = verbs.add_parser("yangzhong", help="daily electricity of the enterprises of Yangzhong")
    load.add_argument("feeds", type=Path)
    simulated = verbs.add_parser("city", help="a simulated city")
    simulated.add_argument("--scale", type=float, default=0.1)
    simulated.add_argument("--months", type=int, default=36)
    simulated.add_argument("--seed", type=int, default=1)
    features = verbs.add_parser(
        "ablation", help="what the features are worth, by family, on simulated cities"
    )
    features.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    features.add_argument("--scale", type=float, default=0.1)
    features.add_argument("--months", type=int, default=36)
    features.add_argument("--fits", type=int, default=1, help="fits per set of features, to even out chance")
    flagged = verbs.add_parser("rules", help="what each red flag hits, and how often a case follows")
    flagged.add_argument("homes", type=Path, nargs="+", help="homes of ingested simulated cities, only read")
    killed = verbs.add_parser("dead-feeds", help="what the list makes of a feed that died")
    killed.add_argument("homes", type=Path, nargs="+", help="homes of ingested simulated cities, only read")
    untold = verbs.add_parser("withheld", help="whom red flags accuse of what was not told")
    untold.add_argument("home", type=Path, help="home of an ingested simulated city, only read")
    untold.add_argument("--feeds", nargs="+", default=[], help="these feeds alone")
    compared = verbs.add_parser("models", help="our model beside others and the truth, on simulated cities")
    compared.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    compared.add_argument("--scale", type=float, default=0.1)
    compared.add_argument("--months", type=int, default=36)
    compared.add_argument(
        "--homes", type=Path, help="folder of ingested homes s1, s2, …, each with its city beside"
    )
    cost = verbs.add_parser("scale", help="what a full city costs, beside reading its files and SQL by hand")
    cost.add_argument("--scale", type=float, default=1.0)
    cost.add_argument("--cities", type=Path, help="folder of simulated cities, kept and used again")
    clustered = verbs.add_parser("spark", help="one snapshot on DuckDB and on Spark with one and two workers")
    clustered.add_argument("--scale", type=float, default=0.05)
    clustered.add_argument("--larger", type=float, default=0.2)
    clustered.add_argument("--months", type=int, default=24)
    clustered.add_argument("--seed", type=int, default=1)
    clustered.add_argument("--memory", default="4g", help="of each worker")
    taken_apart = verbs.add_parser(
        "contributions", help="contributions in bulk beside LightGBM, shap and woodelf"
    )
    taken_apart.add_argument("--home", type=Path, help="home of an ingested simulated city, only read")
    left_out = verbs.add_parser("unread", help="which columns the trees of several lakes gain nothing by")
    left_out.add_argument("lakes", nargs="+", metavar="HOME:THROUGH", help="ingested homes, only read")
    verbs.add_parser("drift", help="watching 200 features of 100,000 subjects")
    verbs.add_parser("scale-doc", help="write docs/scale.md from the results")
    return parser.parse_args()


def main() -> None:
    """Run the benchmarks asked for on the command line."""
    asked = _asked()
    _VERBS.get(asked.verb, _everything)(asked)


def _models(asked: argparse.Namespace) -> None:
    # Only here scikit-learn is needed.
    from benchmarks import models

    models.main(asked.seeds, asked.scale, asked.months, asked.homes)


def _spark(asked: argparse.Namespace) -> None:
    # Only here pyspark is needed.
    from benchmarks import spark

    spark.main(asked.scale, asked.larger, asked.months, asked.seed, asked.memory)


def _everything(_: argparse.Namespace) -> None:
    """Run what `make bench` does: the cost, the real records that are named, and a city."""
    scale.main(1.0, None)
    drift.main()
    contributions.main(None)
    for records, where in ((california, "ANXIN_CALIFORNIA"), (yangzhong, "ANXIN_YANGZHONG")):
        feeds = os.environ.get(where)
        if feeds:
            records.main(Path(feeds))
    city.main(0.1, 36, 1)


_VERBS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "california": lambda asked: california.main(asked.feeds),
    "yangzhong": lambda asked: yangzhong.main(asked.feeds),
    "city": lambda asked: city.main(asked.scale, asked.months, asked.seed),
    "ablation": lambda asked: ablation.main(asked.seeds, asked.scale, asked.months, asked.fits),
    "unread": lambda asked: unread.main(asked.lakes),
    "rules": lambda asked: rules.main(asked.homes),
    "dead-feeds": lambda asked: dead_feeds.main(asked.homes),
    "withheld": lambda asked: withheld.main(asked.home, asked.feeds),
    "models": _models,
    "scale": lambda asked: scale.main(asked.scale, asked.cities),
    "spark": _spark,
    "contributions": lambda asked: contributions.main(asked.home),
    "drift": lambda _: drift.main(),
    "scale-doc": lambda _: scale_doc.main(),
}


if __name__ == "__main__":
    main()
