"""scipy.linalg, imported on first use: this takes a tenth of a second, in which a table can be read."""

from threading import Thread
from typing import Any


def load() -> None:
    """Import it, and the distributions that statistics need."""
    import scipy.linalg
    import scipy.special  # noqa: F401  is there when it is needed


def load_ahead() -> None:
    """Import them in a thread of its own."""
    Thread(target=load, daemon=True).start()


def __getattr__(name: str) -> Any:
    import scipy.linalg

    found = globals()[name] = getattr(scipy.linalg, name)  # so that it is asked once a name
    return found
