"""A certificate of coefficients: the number of correct digits, and whether that is enough."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

from regress.blocks import Array
from regress.messages import aligned, paragraph, shortened, table_html, visible
from regress.numerics.atomic_write import strict
from regress.numerics.digits import MOST_DIGITS
from regress.records import CertificateRecord, ClaimLine, known

EFFECT = 1e-6  # of the spread of y: errors that change a prediction by less do not count
_HEAD = ("", "claimed", "true", "correct digits")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Certificate:
    """The correct digits of coefficients, computed in exact arithmetic, whatever tool fitted them.

    Attributes
    ----------
    names : tuple of str
        The columns.
    w, b : array of shape (n,), float
        The coefficients and intercept that were claimed.
    predicting_b : float or None
        The intercept that the claim predicts with, where that is not b.
    true_w, true_b : array of shape (n,), float
        The true ones, each rounded once; where columns depend on each other, those of the nearest minimizer.
    distance, distance_at_center : array of shape (n,), float
        δ = w − w*, and what it adds to the prediction at the center of the claim, each rounded once.
    digits : dict of float
        Correct digits, by column.
    intercept_digits, intercept_distance : float or None, float
        Digits and distance from the truth of b or of `predicting_b`, the worse of the two; None and 0 where no
        intercept is fitted.
    scaled_by_y : tuple of str
        Coefficients that are zero except for rounding, so that their errors are measured against the scale of y.
    gradient_norm : float
        ‖∇L‖ at the claim, columns about their means where b is fitted.
    excess_loss, loss : float
        L above its minimum at the claim, and the minimum.
    equations : tuple of str
        Those that dependent columns obey: then there are many minimizers.
    min_norm_digits : dict of float or None
        Digits shared with the minimizer of least ‖w‖, where there are many.
    rows : int
        Rows that were summed.
    trained_rows : int or None
        Rows that the model was trained on, if it says so.
    spread : float
        Of y: the smaller of sd(y) and IQR(y)/1.349, sd(y) where the IQR is 0. A constant y has |ȳ| instead.
    off, rounding : float
        √ of the excess loss per unit of weight: the root mean square error of the predictions, in units of y. The
        second is the part that rounding of the true coefficients to float64 may explain.
    asked : float
        Digits required.
    moved : float or None
        Maximum change of a prediction by δ, in units of `spread`; None where the error is too small to need a check.
    space : str
        What the coefficients belong to, if not to the table's own columns.
    source, target, objective : str
        Where they were summed, what they predict, and what is least at the true ones.

    Examples
    --------
    >>> import regress
    >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
    >>> certificate = regress.certify(([1.93], -0.85), table, "y")
    >>> certificate.passed, round(certificate.digits["x"], 1), certificate.true_w.tolist()
    (False, 2.3, [1.94])
    """

    names: tuple[str, ...]
    w: Array
    b: float
    predicting_b: float | None
    true_w: Array
    true_b: float
    distance: Array
    distance_at_center: float
    digits: dict[str, float]
    intercept_digits: float | None
    intercept_distance: float
    scaled_by_y: tuple[str, ...]
    gradient_norm: float
    excess_loss: float
    loss: float
    equations: tuple[str, ...]
    min_norm_digits: dict[str, float] | None
    rows: int
    spread: float
    off: float
    rounding: float
    trained_rows: int | None = None
    asked: float = 6.0
    moved: float | None = None
    space: str = ""
    source: str = ""
    target: str = ""
    objective: str = "Σ(ŷ − y)²"

    @property
    def worst(self) -> float:
        """Digits of the worst coefficient, the intercept included."""
        all_of_them = [*self.digits.values(), *([] if self.intercept_digits is None else [self.intercept_digits])]
        return min(all_of_them, default=MOST_DIGITS)

    @property
    def effect(self) -> float:
        """Error of predictions, in units of `spread`: the maximum, or else the root mean square."""
        mean = self.off / self.spread if self.spread > 0 else inf if self.off else 0.0
        return max(self.moved or 0.0, mean)

    @property
    def allowed(self) -> float:
        """Allowed error of predictions, in units of `spread`: 1e-6, or more where fewer than 6 digits are required."""
        return max(EFFECT, float(10.0**-self.asked))

    @property
    def passed(self) -> bool:
        """Whether predictions are correct, and so are all required digits, or else the intercept.

        Predictions are correct if they are off by at most `allowed`, or by no more than rounding of correct
        coefficients.
        """
        if self.worst >= self.asked:
            right = self.effect <= self.allowed or self.off <= self.rounding
            return right and not (self.predicting_b is not None and self._intercept_wrong)
        return self.moved is not None and self.effect <= EFFECT and not self._intercept_wrong

    @property
    def _intercept_wrong(self) -> bool:
        """Whether the intercept has no correct digit or contradicts the predictions, by more than rounding."""
        odd = self.intercept_digits == 0.0 or self.predicting_b is not None
        return odd and abs(self.intercept_distance) > EFFECT * self.spread

    @property
    def undecided(self) -> bool:
        """Whether only a pass over the rows can show how far predictions are off: `moved`."""
        most = self.off * sqrt(self.rows)  # of a row of mean weight
        return self.worst < self.asked or (most > EFFECT * self.spread and self.off > self.rounding)

    @property
    def table(self) -> Any:
        """Claimed and true coefficients and correct digits, one row per coefficient, as a pandas DataFrame."""
        from regress.sources.frames import to_frame

        return to_frame(self.lines(), ["name", "claimed", "true", "digits"], index="name")

    @property
    def record(self) -> CertificateRecord:
        """What is shown of it, as plain values."""
        least = self.min_norm_digits
        return CertificateRecord(
            source=self.source,
            target=self.target,
            objective=self.objective,
            space=self.space,
            rows=self.rows,
            passed=self.passed,
            asked=self.asked,
            worst=self.worst,
            moved=known(self.moved),
            allowed=self.allowed,
            gradient_norm=known(self.gradient_norm),
            excess_loss=known(self.excess_loss),
            loss=known(self.loss),
            lines=tuple(ClaimLine(*line) for line in self.lines()),
            equations=self.equations,
            min_norm_digits=None if least is None else min(least.values()),
            notes=tuple(self.notes),
        )

    def __repr__(self) -> str:
        verdict = "passed" if self.passed else "not passed"
        target = shortened(visible(self.target), 60)
        columns = f"{len(self.names):,} column{'s' * (len(self.names) != 1)}"
        return f"Certificate({target}: {columns}, {self.worst:.1f} digits or more, {verdict})"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        title, rows, foot = self._text()
        return table_html([title], _HEAD, rows, foot)

    def summary(self) -> str:
        """Return the certificate as text: claimed and true coefficients, and the verdict.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> print(regress.certify(([1.94], -0.85), table, "y").summary())
        Computed in exact arithmetic over 4 rows
        <BLANKLINE>
                                  claimed                  true  correct digits
        (intercept)  -0.84999999999999998  -0.84999999999999987            15.9
        x              1.9399999999999999    1.9399999999999999            15.9
        <BLANKLINE>
        ‖∇L‖ 8.88e-16; loss 4.93e-32 above its minimum 0.082
        Certified: the worst coefficient has 15.9 correct digits; 6 were required.
        """
        title, rows, foot = self._text()
        return paragraph([title, "", *aligned(_HEAD, rows), "", *foot])

    def _text(self) -> tuple[str, list[list[str]], list[str]]:
        """Return what was summed, the rows of the table, and the verdict."""
        rows = [[name, *(f"{v:.17g}" for v in (claimed, true)), f"{d:.1f}"] for name, claimed, true, d in self.lines()]
        figures = f"‖∇L‖ {self.gradient_norm:.3g}; loss {self.excess_loss:.3g} above its minimum {self.loss:.10g}"
        verdict = f"{'Certified' if self.passed else 'Not certified'}: {self.reason}"
        title = f"Computed in exact arithmetic over {self.rows:,} rows{', ' * bool(self.space)}{self.space}"
        return title, rows, [figures, *self.notes, *self._dependent(), verdict]

    def _dependent(self) -> list[str]:
        if self.min_norm_digits is None:
            return []
        return [
            f"Columns depend on each other ({'; '.join(self.equations[:5])}). Digits are counted to the nearest of "
            f"many minimizers. To the minimum-norm solution they are {min(self.min_norm_digits.values()):.1f}."
        ]

    @property
    def reason(self) -> str:
        """Why the claim passes or not."""
        worst = f"the worst coefficient has {self.worst:.1f} correct digits"
        asked = f"{self.asked:g} were required"
        size = f"{self.effect:.2g} of the spread of y"
        off = f"off by {size}" if self.moved is None else f"off by up to {size}"
        if self.worst >= self.asked:
            if self._intercept_wrong:
                return "the intercept contradicts the predictions."
            most = f"predictions are {off}; {self.allowed:g} is allowed"
            return f"{worst}; {asked}." if self.passed else f"{most}. {worst.capitalize()}."
        if self.passed:
            return f"{worst}, but predictions are only {off}; {EFFECT:g} is allowed."
        return f"{worst}; {asked}. Predictions are {off}." + self._intercept_wrong * " The intercept is wrong."

    @property
    def notes(self) -> list[str]:
        """Notes on the claim, in sentences."""
        said = []
        if self.predicting_b is not None:
            said.append(f"The intercept is given as {self.b!r}, but the model predicts with {self.predicting_b!r}.")
        if self.trained_rows not in (None, self.rows):
            said.append(f"The model was trained on {self.trained_rows:,} rows; this table has {self.rows:,}.")
        if self.scaled_by_y:
            shown = ", ".join([*self.scaled_by_y[:5], *["…"] * (len(self.scaled_by_y) > 5)])
            said.append(f"Zero except for rounding, so measured against the scale of y: {shown}.")
        return said

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return (name, claimed, true, digits) for the intercept, if any, and every column.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> [(line[0], round(line[3], 1)) for line in regress.certify(([1.93], -0.85), table, "y").lines()]
        [('(intercept)', 15.9), ('x', 2.3)]
        """
        first = [] if self.intercept_digits is None else [("(intercept)", self.b, self.true_b, self.intercept_digits)]
        columns = self.w.tolist(), self.true_w.tolist(), self.digits.values()
        return first + list(zip(self.names, *columns, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain values: what ``regress certify --json`` prints.

        Examples
        --------
        >>> import regress
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8]}
        >>> known = regress.certify(([1.93], -0.85), table, "y").to_dict()
        >>> known["passed"], known["coef"], known["true_coef"]
        (False, {'x': 1.93}, {'x': 1.94})
        """
        claimed, true = (dict(zip(self.names, v.tolist(), strict=True)) for v in (self.w, self.true_w))
        figures = "passed asked gradient_norm excess_loss loss moved spread min_norm_digits space trained_rows notes"
        held = {name: getattr(self, name) for name in figures.split()} | {
            "version": 1,
            "source": self.source,
            "target": self.target,
            "objective": self.objective,
            "digits": {"coef": self.digits, "intercept": self.intercept_digits},
            "coef": claimed,
            "intercept": self.b,
            "predicting_intercept": self.predicting_b,
            "true_coef": true,
            "true_intercept": self.true_b,
            "scaled_by_y": list(self.scaled_by_y),
            "equations": list(self.equations),
            "n_rows": self.rows,
        }
        return dict(strict(held))
