"""What holds for every test."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(request, monkeypatch):
    """Give each test a fresh generator in place of its module's `random`, which other tests have drawn from."""
    if isinstance(getattr(request.module, "random", None), np.random.Generator):
        monkeypatch.setattr(request.module, "random", np.random.default_rng(2024))
