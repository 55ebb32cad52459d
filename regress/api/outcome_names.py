"""What a fit knows as soon as training has ended, by name."""

from abc import ABC, abstractmethod
from typing import Any

from regress.fit_record import HistoryRow, Outcome, RowAccount
from regress.records import number


class OutcomeNames(ABC):
    """Attributes that are those of the fit's outcome."""

    @property
    @abstractmethod
    def _outcome(self) -> Outcome: ...

    @property
    def source(self) -> str:
        """The table."""
        return self._outcome.source

    @property
    def read_as(self) -> str:
        """How the table's files are written; empty for tables in memory."""
        return self._outcome.read_as

    @property
    def command(self) -> str:
        """The command line that made the fit, if one did."""
        return self._outcome.command

    @property
    def tally(self) -> RowAccount:
        """Where every row of the table went."""
        return self._outcome.rows

    @property
    def nobs(self) -> float:
        """Training rows, or the sum of their frequency weights."""
        return self._outcome.nobs

    @property
    def r2(self) -> float:
        """R² on the training rows; NaN where that is undefined."""
        return number(self._outcome.r2)

    @property
    def r2_test(self) -> float | None:
        """R² on the rows held out, about their mean; None where none were scored."""
        return number(self._outcome.r2_test) if self._outcome.scored else None

    @property
    def huber_scale(self) -> float | None:
        """The scale of Huber's loss; None of another loss, or where least squares fits every row."""
        return self._outcome.huber_scale

    @property
    def outliers(self) -> int | None:
        """Training rows that Huber's loss takes for outliers: |y − ŷ| > epsilon · scale; None of another loss."""
        return self._outcome.outliers

    @property
    def n_iter(self) -> int:
        """Steps taken; 0 where the solution is exact."""
        return self._outcome.n_iter

    @property
    def history(self) -> Any:
        """One row an evaluation of the descent, as a pandas DataFrame; empty where there was no descent.

        Its columns are iteration, epoch, loss, batch_loss, val_loss, gradient_norm, step, learning_rate, gap and
        seconds; see `Fit`. What is unknown is NaN.
        """
        from regress.sources.frames import to_frame

        names = HistoryRow._fields
        frame = to_frame(self._outcome.history, names)
        return frame.astype({name: "int64" if name in ("iteration", "epoch") else "float64" for name in names})

    @property
    def solver(self) -> str:
        """What ran."""
        return self._outcome.solver

    @property
    def over(self) -> str:
        """Whether it ran over rows or moments."""
        return self._outcome.over

    @property
    def learning_rate(self) -> float | None:
        """The step on ∇L/Σa, of solvers that have one."""
        return self._outcome.learning_rate

    @property
    def precision(self) -> str:
        """Whether sums are exact or in float64."""
        return self._outcome.precision

    @property
    def precision_reason(self) -> str:
        """Why they are."""
        return self._outcome.precision_reason

    @property
    def rank(self) -> int | None:
        """Independent columns; None where float64 cannot tell."""
        return self._outcome.rank

    @property
    def rank_known(self) -> bool:
        """Whether the rank is known."""
        return self._outcome.rank is not None

    @property
    def constant(self) -> tuple[str, ...]:
        """Columns that are constant in the training rows."""
        return self._outcome.constant

    @property
    def dropped(self) -> tuple[str, ...]:
        """Dependent columns that are excluded from the model, with coefficient 0."""
        return self._outcome.dropped

    @property
    def equations(self) -> tuple[str, ...]:
        """The equations that dependent columns obey, as far as exact totals show; without constant columns."""
        return self._outcome.equations

    @property
    def near_equations(self) -> tuple[str, ...]:
        """The equations that columns obey except for rounding. They are still independent."""
        return self._outcome.near_equations

    @property
    def perfect(self) -> bool:
        """Whether the residuals are no more than rounding of the stored numbers."""
        return self._outcome.perfect
