"""What tests of pages share."""

from collections.abc import Callable

import pytest

from regress.api.result import Fit
from tests.report.situations import fitted


@pytest.fixture
def situation() -> Callable[[str], Fit]:
    """Fit one of the situations, once a process."""
    return fitted
