"""The exceptions and warnings of the package. Each message names the problem and the remedy.

Input errors are ``ValueError`` too, so that code written for scikit-learn catches them.
"""

INSTALL_TENSORFLOW = "pip install '.[tensorflow]'"
INSTALL_PLOT = "pip install '.[plot]'"


class RegressError(Exception):
    """Base of every exception that the package raises on purpose."""


class InputError(RegressError, ValueError):
    """Arguments or data that cannot be used."""


class TableError(InputError):
    """A table that cannot be read. The message names file, line and column if they are known."""


class UnknownOptionError(InputError, TypeError):
    """A keyword argument that a function does not have."""


class LearningRateError(InputError):
    """A learning rate above the stability limit, refused before the first step."""


class MissingDependencyError(RegressError, ImportError):
    """An optional package is required and not installed."""


class ConvergenceWarning(UserWarning):
    """Training stopped before the gradient reached its tolerance. The parameters are the last good ones."""


class DataWarning(UserWarning):
    """The result may differ from what you expect, for example because columns are constant or depend on each other."""
