"""What predicts in a fit, by name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Unpack

from regress.api.model import LinearModel
from regress.api.statsmodels_names import NO_COVARIANCE
from regress.blocks import Array
from regress.errors import InputError
from regress.keywords import FileKeywords, takes
from regress.options import FileOptions, HandleUnknown
from regress.solvers.status import Status
from regress.term_records import Retransform


class ModelNames(ABC):
    """Attributes of the fit's model, and its predictions."""

    _bare: LinearModel

    @property
    @abstractmethod
    def model(self) -> LinearModel:
        """What predicts, with the uncertainty of its predictions."""

    @property
    @abstractmethod
    def statistics_missing(self) -> str:
        """Why there are no statistics; empty where there are."""

    @property
    def w(self) -> Array:
        """Coefficients (n,), in the user's units."""
        return self._bare.w

    @property
    def b(self) -> float:
        """The intercept; 0.0 without one."""
        return self._bare.b

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self._bare.names

    @property
    def target(self) -> str:
        """The column predicted."""
        return self._bare.target

    @property
    def options(self) -> dict[str, Any]:
        """How it was trained."""
        return self._bare.options

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over the training rows, of w and b as they are printed; `statistics.rss` is the minimum."""
        return self._bare.loss

    @property
    def retransform(self) -> Retransform | None:
        """How predictions of a transformed target get the units of its column; None of other targets."""
        return self._bare.trained.retransform

    @property
    def r2_original(self) -> float | None:
        """R² of predictions in the units of a transformed target's column, on a sample of the training rows."""
        return None if self.retransform is None else self.retransform.r2_original

    @property
    def r2_test_original(self) -> float | None:
        """R² of predictions in these units on held-out rows; None where they are only summed."""
        return None if self.retransform is None else self.retransform.r2_test_original

    @property
    def reference_levels(self) -> dict[str, str]:
        """The level of each text column with which its others are compared."""
        return self._bare.design.references

    @property
    def status(self) -> Status:
        """How training ended."""
        return Status(self._bare.status)

    @takes(FileOptions)
    def predict(self, table: Any, *, handle_unknown: HandleUnknown = "error", **files: Unpack[FileKeywords]) -> Array:
        """Return ŷ (m,) for every row of a table; see `LinearModel.predict`.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
        >>> fit.predict({"species": ["Adelie", "Gentoo"], "flipper_length_mm": [190, 220]}).round(1).tolist()
        [3702.5, 5190.5]
        >>> fit.predict("data/penguins.csv")[:4].round(1).tolist()  # a cell of the fourth row is missing
        [3336.2, 3539.7, 3906.1, nan]
        """
        return self._bare.predict(table, handle_unknown=handle_unknown, **files)

    def predict_one(self, row: Mapping[str, Any], *, handle_unknown: HandleUnknown = "error") -> float:
        """Return ŷ of one row, a dict; see `LinearModel.predict_one`.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
        >>> round(fit.predict_one({"species": "Gentoo", "flipper_length_mm": 220}), 1)
        5190.5
        """
        return self._bare.predict_one(row, handle_unknown=handle_unknown)

    @takes(FileOptions)
    def predict_interval(
        self,
        table: Any,
        level: float | None = None,
        *,
        handle_unknown: HandleUnknown = "error",
        **files: Unpack[FileKeywords],
    ) -> Any:
        """Return predictions and prediction intervals, as a DataFrame; see `LinearModel.predict_interval`.

        Examples
        --------
        >>> import regress
        >>> fit = regress.fit("data/penguins.csv", "body_mass_g ~ species + flipper_length_mm", missing="drop")
        >>> fit.predict_interval({"species": ["Gentoo"], "flipper_length_mm": [220]}, level=0.9).round()
           prediction  pi_low  pi_high
        0      5191.0  4568.0   5813.0
        """
        if self.model.uncertainty is None:
            raise InputError(f"This fit has no prediction intervals. {self.statistics_missing or NO_COVARIANCE}")
        return self.model.predict_interval(table, level, handle_unknown=handle_unknown, **files)


def bare_model(given: object, function: str, more: str = "") -> LinearModel:
    """Return what predicts, of a fit or as it is given, without uncertainty.

    Raises
    ------
    InputError
        If it is neither; the message names the function that was called, and ends with `more`.
    """
    model = given._bare if isinstance(given, ModelNames) else given
    if not isinstance(model, LinearModel):
        kind = type(model).__name__
        text = f"{function} takes a Fit or a LinearModel, such as regress.load returns; got {kind}. {more}"
        raise InputError(text.rstrip())
    return model
