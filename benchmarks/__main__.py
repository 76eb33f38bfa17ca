"""`python -m benchmarks VERB`: the records of others, simulated cities, features, models, cost.

Without a verb (`make bench`) the cost at full scale, of watching for drift, and the city, and the real records too if
`$ANXIN_CALIFORNIA` and `$ANXIN_YANGZHONG` name their feeds. `ablation` and `models` take most of an hour and are asked
for by name.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import ablation, california, city, contributions, drift, rules, scale, scale_doc, yangzhong


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
    verbs.add_parser("drift", help="watching 200 features of 100,000 subjects")
    verbs.add_parser("scale-doc", help="write docs/scale.md from the results")
    return parser.parse_args()


def main() -> None:
    """Run the benchmarks asked for on the command line."""
    asked = _asked()
    if asked.verb == "california":
        california.main(asked.feeds)
    elif asked.verb == "yangzhong":
        yangzhong.main(asked.feeds)
    elif asked.verb == "city":
        city.main(asked.scale, asked.months, asked.seed)
    elif asked.verb == "ablation":
        ablation.main(asked.seeds, asked.scale, asked.months, asked.fits)
    elif asked.verb == "rules":
        rules.main(asked.homes)
    elif asked.verb == "models":
        # Only here scikit-learn is needed.
        from benchmarks import models

        models.main(asked.seeds, asked.scale, asked.months, asked.homes)
    elif asked.verb == "scale":
        scale.main(asked.scale, asked.cities)
    elif asked.verb == "spark":
        # Only here pyspark is needed.
        from benchmarks import spark

        spark.main(asked.scale, asked.larger, asked.months, asked.seed, asked.memory)
    elif asked.verb == "contributions":
        contributions.main(asked.home)
    elif asked.verb == "drift":
        drift.main()
    elif asked.verb == "scale-doc":
        scale_doc.main()
    else:
        _everything()


def _everything() -> None:
    """Run what `make bench` does: the cost, the real records that are named, and a city."""
    scale.main(1.0, None)
    drift.main()
    contributions.main(None)
    for records, where in ((california, "ANXIN_CALIFORNIA"), (yangzhong, "ANXIN_YANGZHONG")):
        feeds = os.environ.get(where)
        if feeds:
            records.main(Path(feeds))
    city.main(0.1, 36, 1)


if __name__ == "__main__":
    main()
