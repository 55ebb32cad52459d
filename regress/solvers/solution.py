"""What training returns."""

from dataclasses import dataclass, field
from math import nan

from regress.blocks import Array
from regress.solvers.course import Iteration
from regress.solvers.exact.refinement import Minimum
from regress.solvers.status import Status


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Training:
    """A trained linear model and how it was reached.

    Attributes
    ----------
    w : array of shape (n,)
        Coefficients in the user's units.
    center : array of shape (n,)
        The point about which predictions are computed: ŷ = (x − center)ᵀw + b_center keeps the digits that
        xᵀw + b would lose where a column is far from zero.
    b : float
        The intercept.
    b_center : float
        The prediction at `center`.
    loss : float
        L(w, b) + P(w) on the training rows, with P = α‖w‖² unless a penalty is given.
    gradient_norm, stationarity : float
        ‖∇L‖ in the coordinates of the descent, and the scale-free figure that the stop rule compares with tol; both at
        w and b, as float64 sees them.
    status : Status
        How it ended.
    history : list of Iteration
        One row an evaluation that a descent made; empty where the minimum was taken directly.
    rank : int or None
        Rank of the columns, decided by the rounding of their values where sums are exact, else after scaling; None
        where that is unknown.
    solver, over : str
        What ran; the solver is "direct" where the exact minimum was taken without a descent.
    learning_rate : float or None
        The step on ∇L/Σa, for solvers that have one.
    precision : {"exact", "float64"}
        Whether w, b and the loss come from exact arithmetic, each rounded once.
    remaining : array of shape (n,)
        The remaining Newton step, in the user's units: the distance to the minimum. NaN where it is unknown.
    minimum : Minimum or None
        Where exact totals have their minimum, whichever solver ran.
    polished : bool
        Whether w and b were refined over the rows with twice the digits of a double.
    error : Exception or None
        What a callback raised.
    gap : float
        L + P above its exact minimum, after a descent; NaN where it is unknown.
    best_epoch : int or None
        The epoch of w and b, where they are those of the lowest loss on the validation rows.
    """

    w: Array
    center: Array
    b: float
    b_center: float
    loss: float
    gradient_norm: float
    stationarity: float
    status: Status
    rank: int | None
    solver: str
    over: str
    learning_rate: float | None
    precision: str
    remaining: Array
    history: list[Iteration] = field(default_factory=list)
    minimum: Minimum | None = None
    polished: bool = False
    error: Exception | None = None
    gap: float = nan
    best_epoch: int | None = None

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return self.history[-1].iteration if self.history else 0
