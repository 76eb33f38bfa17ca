"""`python -m benchmarks california FEEDS` and `python -m benchmarks city`; `make bench` runs what it has data for."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import california, city


def main() -> None:
    """Run the benchmarks asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    docket = verbs.add_parser("california", help="dockets of the California Labor Commissioner")
    docket.add_argument("feeds", type=Path)
    simulated = verbs.add_parser("city", help="a simulated city")
    simulated.add_argument("--scale", type=float, default=0.1)
    simulated.add_argument("--months", type=int, default=36)
    simulated.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.verb == "california":
        california.main(asked.feeds)
    else:
        city.main(asked.scale, asked.months, asked.seed)


if __name__ == "__main__":
    main()
