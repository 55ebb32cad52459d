"""scipy.linalg, imported on first use: this takes a tenth of a second."""

from typing import Any


def __getattr__(name: str) -> Any:
    import scipy.linalg

    found = globals()[name] = getattr(scipy.linalg, name)  # so that it is asked once a name
    return found
