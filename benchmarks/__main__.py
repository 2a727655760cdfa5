"""python -m benchmarks [--quick] [--json]: the exit status is 1 if a figure misses its bar.

`--quick` only shows that everything runs.  Its figures mean nothing, and its exit status ignores the bars.
"""

import argparse
import json
import sys
from dataclasses import asdict
from statistics import median
from typing import Final

from benchmarks import hot, lifecycle, memory
from benchmarks.life_cycles import Market
from benchmarks.measure import Figure, Runs, p99

GROWN: Final = Market(orders=2_000, skus=40)
"""100 order lines per SKU: about as many as the demo's marketplace sells in its four weeks."""
YOUNG: Final = Market(orders=2_000, skus=200)
"""20 order lines per SKU."""
FEW: Final = Market(orders=100, skus=40)


def _figures(runs: Runs, young: Runs, *, quick: bool) -> list[Figure]:
    return [
        *lifecycle.figures(runs),
        *lifecycle.figures_young(young),
        *hot.figures(many=500 if quick else 20_000, rounds=2 if quick else 9),
        *memory.figures(FEW if quick else GROWN),
    ]


def _line(figure: Figure) -> str:
    low, high = figure.spread
    line = (
        f"{figure.part}  {figure.what:<66} {figure.value:>10,.1f} / {figure.beside:>10,.1f} {figure.unit:<12}"
        f" = {figure.ratio:>6.2f}  ({low:.2f} to {high:.2f})"
    )
    if figure.bar is None:
        return line
    sign = "at least" if figure.at_least else "at most"
    return f"{line}  bar: {sign} {figure.bar:g}  {'PASS' if figure.passed else 'FAIL'}"


def _side(name: str, runs: Runs) -> str:
    done = runs[name]
    speed = median(run.per_second for run in done)
    cpu = median(1_000 * run.cpu_s / run.pieces for run in done)
    commits = [took for run in done for took in run.commits_ms]
    return (
        f"   {name:<40} {speed:>8,.0f} orders/s   {cpu:>6.2f} ms CPU an order"
        f"   commit p50 {median(commits):.1f} ms, p99 {p99(commits):.1f} ms of {len(commits):,}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few orders and one round, only to see that it runs"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    quick: bool = options.quick
    runs = lifecycle.measured(FEW if quick else GROWN, rounds=1 if quick else 5)
    young = lifecycle.measured_young(FEW if quick else YOUNG, rounds=1 if quick else 5)
    figures = _figures(runs, young, quick=quick)
    if options.json:
        print(json.dumps([{**asdict(figure), "passed": figure.passed} for figure in figures], indent=1))
    else:
        print("\n".join(_side(name, runs) for name in runs))
        print("\n".join(_line(figure) for figure in figures))
    missed = any(figure.passed is False for figure in figures)
    return int(missed and not quick)


if __name__ == "__main__":
    sys.exit(main())
