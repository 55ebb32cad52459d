"""The exceptions and warnings of the package, each one sentence for people: what is wrong, and what to do.

Input errors are ``ValueError`` too, so that code written for scikit-learn catches them.
"""

INSTALL_TENSORFLOW = "pip install '.[tensorflow]'"
INSTALL_PLOT = "pip install '.[plot]'"


class RegressError(Exception):
    """Base of every exception that the package raises on purpose."""


class InputError(RegressError, ValueError):
    """Arguments or data that cannot be used."""


class TableError(InputError):
    """A table that cannot be read as it is: the text names file, line and column where they are known."""


class UnknownOptionError(InputError, TypeError):
    """A keyword argument that a function does not have."""


class LearningRateError(InputError):
    """A learning rate above the stability limit, refused before the first step."""


class MissingDependencyError(RegressError, ImportError):
    """An optional package was asked for and is not installed."""


class ConvergenceWarning(UserWarning):
    """Training stopped before the gradient reached its tolerance; the parameters are the last good ones."""


class DataWarning(UserWarning):
    """The data admit an answer, but not the one that most people expect (dependent or constant columns)."""
