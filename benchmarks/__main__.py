"""`python -m benchmarks california FEEDS` and `python -m benchmarks city`.

Without a verb (`make bench`) the city, and the dockets too if `$ANXIN_CALIFORNIA` names their feeds.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import california, city


def main() -> None:
    """Run the benchmarks asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb")
    docket = verbs.add_parser("california", help="dockets of the California Labor Commissioner")
    docket.add_argument("feeds", type=Path)
    simulated = verbs.add_parser("city", help="a simulated city")
    simulated.add_argument("--scale", type=float, default=0.1)
    simulated.add_argument("--months", type=int, default=36)
    simulated.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    dockets = os.environ.get("ANXIN_CALIFORNIA")
    if asked.verb == "california":
        california.main(asked.feeds)
    elif asked.verb == "city":
        city.main(asked.scale, asked.months, asked.seed)
    else:
        if dockets:
            california.main(Path(dockets))
        city.main(0.1, 36, 1)


if __name__ == "__main__":
    main()
