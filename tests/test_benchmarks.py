"""The benchmarks run from end to end.  Only `make bench` checks their bars: CI machines are too noisy."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BARS = {"a": 2, "b": 1, "c": 3, "d": 0}
"""The number of bars of each part."""
HOT_SKU = 1.5 * 3


def test_every_figure_is_there_and_a_hot_sku_stays_cheap() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    figures: list[dict[str, Any]] = json.loads(done.stdout)
    assert {part: sum(f["part"] == part and f["bar"] is not None for f in figures) for part in BARS} == BARS
    assert all(math.isfinite(figure["ratio"]) and figure["ratio"] > 0 for figure in figures)
    one_more = [figure["ratio"] for figure in figures if figure["bar"] == HOT_SKU / 3]
    assert len(one_more) == 2
    assert max(one_more) < HOT_SKU
