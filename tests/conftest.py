"""What holds for every test."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from regress.objective import autodiff
from tests import browser
from tests.examples import ALL

os.environ.pop("FORCE_COLOR", None)  # outputs are compared as text
settings.register_profile("all", deadline=None, max_examples=ALL)  # no test rests on the speed of a machine
settings.register_profile("some", settings.get_profile("all"), max_examples=ALL // 5)
settings.load_profile("some")


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a fresh generator in place of its module's `random`, which other tests have drawn from."""
    if isinstance(getattr(request.module, "random", None), np.random.Generator):
        monkeypatch.setattr(request.module, "random", np.random.default_rng(2024))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the test's own, and return its path."""

    def make(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make TensorFlow a package that is not installed."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # what Python does for a package that is not there
    autodiff._tensorflow.cache_clear()
    yield
    autodiff._tensorflow.cache_clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that no page was opened in a browser: among other skips it goes unseen."""
    skipped = [str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", [])]
    untested = [reason for reason in skipped if browser.UNTESTED in reason]
    if untested:
        why = untested[0].partition(f"{browser.UNTESTED}: ")[2]
        terminalreporter.section("PAGES NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(untested)} tests of pages were skipped: {why}. {browser.HOW}", red=True)
