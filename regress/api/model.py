"""The fitted model: what predicts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

from regress.api.predicting import Predicting
from regress.blocks import Array
from regress.design.plain import plain_of
from regress.design.terms import Design
from regress.fit_record import Trained
from regress.inference.prediction_intervals import Uncertainty
from regress.inference.retransform import sentence
from regress.messages import aligned, paragraph, shortened, visible


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearModel(Predicting):
    """A linear model, which predicts ŷ = (x − center)ᵀw + b_center.

    Attributes
    ----------
    w : array of shape (n,)
        Coefficients: the change of the target per unit of each column.
    center : array of shape (n,)
        The columns' training means, or zeros without intercept. Predictions about them keep digits that xᵀw + b
        loses if a column is far from zero.
    b : float
        The intercept: the prediction at x = 0.
    b_center : float
        The prediction at `center`.
    design : Design
        How columns of a table become columns of X.
    trained : Trained
        The target, the options, and how training ended.
    uncertainty : Uncertainty or None
        Covariances for prediction intervals, kept for at most 200 columns.
    target, options : str, mapping
        Name of the target, and how it was trained.
    n_rows, loss : int, float
        The number of training rows, and Σ(ŷ − y)² + α‖w‖² over them.
    status, versions : str, mapping
        How training ended, and the versions of the packages that computed it.

    Examples
    --------
    >>> import regress
    >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
    >>> model = regress.fit(table, "y").model
    >>> model
    LinearModel(y ~ 1 column, 4 rows, converged)
    >>> model.w.round(2).tolist(), round(model.b, 2), model.names
    ([1.94], -0.85, ('x',))
    """

    w: Array
    center: Array
    b: float
    b_center: float
    design: Design
    trained: Trained
    uncertainty: Uncertainty | None = None

    def __post_init__(self) -> None:
        self.w.setflags(write=False)  # else the table of coefficients may differ from what predicts

    def __repr__(self) -> str:
        return f"LinearModel({described(self)})"

    def __str__(self) -> str:
        return self.summary()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.design.names

    @property
    def target(self) -> str:
        """Name of the target."""
        return self.trained.target

    @property
    def options(self) -> dict[str, Any]:
        """How it was trained."""
        return asdict(self.trained.options)

    @property
    def n_rows(self) -> int:
        """Rows that it was trained on."""
        return self.trained.n_rows

    @property
    def loss(self) -> float:
        """Σ(ŷ − y)² + α‖w‖² over those rows; NaN where it is unknown."""
        return nan if self.trained.loss is None else self.trained.loss

    @property
    def status(self) -> str:
        """How training ended."""
        return self.trained.status

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of what computed it."""
        return self.trained.versions

    def summary(self) -> str:
        """Return the model as text: a table of its coefficients.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> print(regress.fit(table, "y").model.summary())
        y on 4 rows: converged, loss 0.082
                      coef
        (intercept)  -0.85
        x             1.94
        """
        rows = [("(intercept)", self.b)] if self.options["fit_intercept"] else []
        rows += zip(self.names, self.w.tolist(), strict=True)
        lines = [f"{self.target} on {self.n_rows:,} rows: {self.status}, loss {self.loss:.10g}"]
        lines += aligned(["", "coef"], [[name, f"{value:.10g}"] for name, value in rows])
        lines += [f"  {name}: reference level {level!r}" for name, level in self.design.references.items()]
        lines += [] if self.trained.retransform is None else [sentence(self.trained.retransform)]
        return paragraph(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values, as the file of a fit holds them.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> known = regress.fit(table, "y").model.to_dict()
        >>> known["target"], known["names"], known["status"]
        ('y', ['x'], 'converged')
        """
        return {
            "target": self.target,
            "names": list(self.names),
            "w": self.w.tolist(),
            "b": self.b,
            "center": self.center.tolist(),
            "b_center": self.b_center,
            "design": asdict(plain_of(self.design)),
            **{name: value for name, value in asdict(self.trained).items() if name != "target"},
            "uncertainty": None if self.uncertainty is None else self.uncertainty.to_dict(),
        }


def described(model: LinearModel) -> str:
    """Return target, columns, rows and status in one line."""
    n, rows = len(model.names), model.n_rows
    of_rows = f"{rows:,} row{'s' * (rows != 1)}"
    return f"{shortened(visible(model.target), 60)} ~ {n:,} column{'s' * (n != 1)}, {of_rows}, {model.status}"
