"""Mutation testing of `domain/`: changes one thing in the code at a time and runs the tests.

A change that no test notices has survived; it shows what the tests do not check. Only a sample of all
changes is tried. Verdicts are kept in mutants/, so a run that was stopped goes on where it stopped:
a killed mutant stays killed until its function changes; a survivor is tried again after any change.
"""

import argparse
import fcntl
import json
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tools.mutate.code import OUTPUT, Mutant, hash_of_code, sha256, write_mutants
from tools.mutate.report import Progress, print_result
from tools.mutate.trials import MISSED, Failed, run

BAR: Final = 0.9
VERDICTS: Final = OUTPUT / "verdicts.jsonl"
EXAMPLES: Final = """
examples:
  make mutate                                       1,000 mutants
  make mutate ARGS="--sample 60 --seed 2"           60 other ones, for a first look
  make mutate ARGS="--only domain.order.place"      all mutants of a module, or of one function of it
  make mutate ARGS="--again"                        forget all verdicts first

exit code: 0 if at least 90 % were killed, else 1; 2 if it could not run; 130 if it was stopped
"""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "make mutate", None, __doc__, EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=1_000, metavar="N", help="mutants to try (1000)")
    parser.add_argument("--seed", type=int, default=1, help="draws another sample (1)")
    parser.add_argument("--only", default="", metavar="NAME", help="only mutants whose name starts with this")
    parser.add_argument("--again", action="store_true", help="forget the verdicts of earlier runs")
    return parser.parse_args()


@contextmanager
def lock() -> Generator[None]:
    """Raises: SystemExit, if another run holds the lock."""
    OUTPUT.mkdir(exist_ok=True)
    with (OUTPUT / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            print(f"make mutate is running here already (process {file.read()}); wait for it, or stop it.")
            raise SystemExit(2) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def sample(mutants: list[Mutant], seed: int, size: int) -> list[Mutant]:
    """With the same seed, a larger sample contains a smaller one, and new code changes little of it."""
    return sorted(mutants, key=lambda mutant: sha256(f"{seed} {mutant.name}".encode()))[:size]


def stored_verdicts(code: str) -> dict[tuple[str, str], str]:
    """By mutant and hash of its function."""
    verdicts: dict[tuple[str, str], str] = {}
    for line in VERDICTS.read_text("utf-8").splitlines() if VERDICTS.exists() else ():
        mutant, function_hash, verdict, tried_on, _ = json.loads(line)
        if verdict not in MISSED or tried_on == code:
            verdicts[mutant, function_hash] = verdict
        else:
            verdicts.pop((mutant, function_hash), None)
    return verdicts


def mutate(parameters: argparse.Namespace) -> int:
    print("Writing the mutants and measuring the tests ...", flush=True)
    if parameters.again:
        VERDICTS.unlink(missing_ok=True)
    mutants = [one for one in write_mutants() if one.name.startswith(parameters.only)]
    chosen = sample(mutants, parameters.seed, len(mutants) if parameters.only else parameters.sample)
    if not chosen:
        print(f"no mutant has a name that starts with {parameters.only}")
        return 2
    code = hash_of_code()
    stored = stored_verdicts(code)
    verdicts = {one: stored[key] for one in chosen if (key := (one.name, one.function_hash)) in stored}
    left = [one for one in chosen if one not in verdicts]
    stopped = try_all(code, left, verdicts, len(chosen)) if left else False
    share = print_result(verdicts, len(mutants)) if verdicts else 0.0
    if stopped:
        print("Stopped. The same command goes on from here.")
        return 130
    return 0 if share >= BAR else 1


def try_all(code: str, mutants: list[Mutant], verdicts: dict[Mutant, str], total: int) -> bool:
    """Adds the verdicts of `mutants` to `verdicts` and to the file.  Returns whether the run was stopped."""
    missed = sum(verdict in MISSED for verdict in verdicts.values())
    with VERDICTS.open("a", encoding="utf-8") as file, os.fdopen(os.dup(1), "w") as screen:
        progress = Progress(screen, total, missed, len(verdicts))

        def tried(mutant: Mutant, verdict: str, seconds: float) -> None:
            verdicts[mutant] = verdict
            file.write(
                json.dumps([mutant.name, mutant.function_hash, verdict, code, round(seconds, 2)]) + "\n"
            )
            file.flush()
            progress.tried(verdict, seconds)

        try:
            run(code, mutants, tried)
        except KeyboardInterrupt:
            return True
    return False


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parameters = options()
    try:
        with lock():
            return mutate(parameters)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.")
        return 130
    except Failed as failed:
        print(failed)
        return 2


if __name__ == "__main__":
    sys.exit(main())
