"""Prints the progress and the result of a run."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, TextIO

from tools.mutate.code import Mutant
from tools.mutate.trials import MISSED, UNTESTED

PAUSE: Final = 20.0
"""Between two lines of progress where lines cannot be overwritten.  Unit: seconds."""


class Progress:
    """Says how far a run is, and when it will end if it goes on like this."""

    def __init__(self, screen: TextIO, total: int, missed: int, done: int) -> None:
        self._screen = screen
        self._total, self._missed, self._done = total, missed, done
        self._tried, self._seconds = 0, 0.0
        self._printed = time.monotonic()

    def tried(self, verdict: str, seconds: float) -> None:
        self._missed += verdict in MISSED
        self._done += 1
        self._tried += 1
        self._seconds += seconds
        interactive, left = self._screen.isatty(), self._total - self._done
        if left and not interactive and time.monotonic() - self._printed < PAUSE:
            return
        self._printed = time.monotonic()
        each = self._seconds / self._tried
        line = f"{self._done} of {self._total} tried, {self._missed} survived, {each:.1f} s each"
        line += f", about {math.ceil(each * left / 60)} min left"
        if interactive:
            line = f"\r{line:<78}"
        print(line, end="" if interactive and left else "\n", file=self._screen, flush=True)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share."""
    z = 1.96
    share, centre = hits / of, z * z / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (share + centre - half) / (1 + z * z / of), (share + centre + half) / (1 + z * z / of)


def print_result(verdicts: Mapping[Mutant, str], of: int) -> float:
    """Prints the survivors and a table of the modules.  Returns the share that was killed."""
    by_module: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for mutant in sorted(verdicts, key=lambda one: (one.file, one.line, one.name)):
        verdict = verdicts[mutant]
        by_module[mutant.file][verdict] += 1
        if verdict in MISSED:
            why = "  no test runs it" if verdict == UNTESTED else ""
            print(
                f"\n{mutant.file}:{mutant.line}  {mutant.name}{why}", *mutant.diff.splitlines(), sep="\n    "
            )
    print(f"\n{'module':<40}{'mutants':>8}{'killed':>8}{'survived':>10}{'share':>8}")
    for file, count in by_module.items():
        missed = sum(count[verdict] for verdict in MISSED)
        killed = count.total() - missed
        print(f"{file:<40}{count.total():>8}{killed:>8}{missed:>10}{killed / count.total():>8.0%}")
    killed = sum(verdict not in MISSED for verdict in verdicts.values())
    low, high = wilson(killed, len(verdicts))
    share = killed / len(verdicts)
    print(f"\n{killed} of {len(verdicts)} mutants were killed: {share:.1%}")
    print(f"With 95 % confidence, the tests kill {low:.1%} to {high:.1%} of all {of:,}.")
    return share
