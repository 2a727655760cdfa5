"""Runs the quick tests against one mutant after another.

pytest collects the tests once. Each mutant is tried in a fork of that process, so nothing is imported again.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from tools.mutate.code import OUTPUT, Mutant, hash_of_code

SUITES: Final = ("tests/domain", "tests/cases", "tests/projections", "tests/test_golden.py")
OPTIONS: Final = (
    "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "tools.mutate.few_examples",
    "-o", f"pythonpath={OUTPUT} .",
)  # fmt: skip
TESTS: Final = OUTPUT / "tests.json"
LOG: Final = OUTPUT / "pytest.log"
MEMORY: Final = 6 * 2**30
"""Of a mutant.  Unit: bytes."""
KILLED, SURVIVED, TIMEOUT, UNTESTED = "killed", "survived", "timeout", "untested"
MISSED: Final = {SURVIVED, UNTESTED}


class Failed(Exception):
    """No verdict is possible."""


class Trials:
    """A pytest plugin that runs the mutants in place of the tests."""

    def __init__(self, code: str, mutants: list[Mutant], tried: Callable[[Mutant, str, float], None]) -> None:
        self._code = code
        self._mutants = mutants
        self._tried = tried
        self._items: dict[str, pytest.Item] = {}
        self._seconds: dict[str, float] = {}
        """By test."""
        self._tests: dict[str, list[str]] = {}
        """By function: the tests that call it, the fastest first."""
        self._files: dict[str, list[str]] = {}
        """By function: the test files whose import calls it.  All files, if the import of the domain does."""
        self._before_tests: frozenset[str] = frozenset()
        """Functions that the import of the domain calls."""
        self._in_child = False
        self.failure: BaseException | None = Failed(f"The tests cannot be collected: see {LOG}.")

    def pytest_collection(self) -> None:
        domain = importlib.import_module("domain")
        for module in pkgutil.walk_packages(domain.__path__, "domain."):
            importlib.import_module(module.name)
        self._files = {function: [*SUITES] for function in _calls()}
        self._before_tests = frozenset(self._files)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        for function in _calls() - self._before_tests:
            self._files.setdefault(function, []).append(collector.nodeid.partition("::")[0])
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            self._items = {item.nodeid: item for item in session.items}
            self._measure()
            for mutant in self._mutants:
                start = time.monotonic()
                verdict = self._try(mutant)
                self._tried(mutant, verdict, time.monotonic() - start)
            self.failure = None
        except (Failed, KeyboardInterrupt) as error:
            self.failure = error
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._in_child and report.failed:
            os._exit(1)
        if report.when == "call":
            self._seconds[report.nodeid] = report.duration

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        for function in _calls():
            self._tests.setdefault(function, []).append(item.nodeid)

    def _measure(self) -> None:
        """Which tests call which function, and how long they take."""
        content = _measured()
        if content.get("code") != self._code:
            if self._fork(lambda: self._run_and_write(self._items.values())) != 0:
                raise Failed(f"The tests fail although nothing was changed: see {LOG}.")
            content = _measured()
        self._seconds, self._tests, self._files = content["seconds"], content["tests"], content["files"]
        for tests in self._tests.values():
            tests.sort(key=self._seconds.__getitem__)

    def _run_and_write(self, items: Iterable[pytest.Item]) -> None:
        set_mutant_under_test("stats")
        _run(items)
        content = {"code": self._code, "seconds": self._seconds, "tests": self._tests, "files": self._files}
        TESTS.write_text(json.dumps(content), "utf-8")

    def _try(self, mutant: Mutant) -> str:
        tests = self._tests.get(mutant.function, [])

        def trial() -> None:
            _set_limits(self._limit(tests))
            set_mutant_under_test(mutant.name)
            _run(self._items[test] for test in tests)

        verdict = _verdict(self._fork(trial)) if tests else UNTESTED
        if verdict in MISSED and (files := self._files.get(mutant.function)):
            if hash_of_code() != self._code:  # the new process would run other tests
                raise Failed("Code or tests changed during the run. The same command goes on with them.")
            return _alone(mutant, files, 20 + self._limit(self._seconds))
        return verdict

    def _limit(self, tests: Iterable[str]) -> int:
        """Unit: seconds of processor time."""
        return 10 + 4 * round(sum(self._seconds[test] for test in tests))

    def _fork(self, work: Callable[[], None]) -> int:
        """The exit code of `work` in a process of its own; negative if a signal ended it."""
        gc.freeze()
        if not (child := os.fork()):
            self._in_child = True
            _work(work)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise


def _measured() -> dict[str, Any]:
    return json.loads(TESTS.read_text("utf-8")) if TESTS.exists() else {}


def _calls() -> set[str]:
    """The functions that were called since the last time."""
    calls = set(state()._stats)
    state()._stats.clear()
    return calls


def _work(work: Callable[[], None]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


def _run(items: Iterable[pytest.Item]) -> None:
    """Runs the tests in this order."""
    modules = [module for name, module in sys.modules.items() if name.startswith("domain.")]
    values = [value for module in modules for value in vars(module).values()]
    caches = [value for value in values if hasattr(value, "cache_clear")]
    tests = list(items)
    for test, following in zip(tests, [*tests[1:], None], strict=True):
        for cache in caches:
            cache.cache_clear()  # a value that was computed before would hide the mutant
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)


def _set_limits(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _verdict(exit_code: int) -> str:
    if exit_code in (-signal.SIGXCPU, -signal.SIGKILL):
        return TIMEOUT
    return KILLED if exit_code else SURVIVED


def _alone(mutant: Mutant, files: list[str], seconds: int) -> str:
    """Tries a mutant of a function that runs at import: in a new process."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", *OPTIONS, *files],
        env={**os.environ, "MUTANT_UNDER_TEST": mutant.name},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the parent
        preexec_fn=lambda: _set_limits(seconds),
        check=False,
    )
    return _verdict(done.returncode)


@contextlib.contextmanager
def _output_to(path: Path) -> Generator[None]:
    """Writes all that pytest prints to a file."""
    sys.stdout.flush()
    screen = [os.dup(1), os.dup(2)]
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, copy in enumerate(screen, 1):
            os.dup2(copy, number)
            os.close(copy)


def run(code: str, mutants: list[Mutant], tried: Callable[[Mutant, str, float], None]) -> None:
    """Tries each mutant and passes its verdict and its seconds to `tried`.

    Raises: Failed; KeyboardInterrupt.
    """
    trials = Trials(code, mutants, tried)
    set_mutant_under_test("stats")
    with _output_to(LOG):
        pytest.main([*OPTIONS, *SUITES], plugins=[trials])
    if trials.failure:
        raise trials.failure
