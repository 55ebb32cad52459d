"""How training ended, in sentences."""

from regress.fit_record import FitRecord

_SOLVERS = {
    "gd": "gradient descent",
    "accelerated": "accelerated gradient descent",
    "cg": "conjugate gradients",
    "newton": "Newton's method",
}
_ENDS = {
    "early_stopping": "Stopped early after",
    "max_seconds": "Stopped at the time limit, after",
    "callback": "Stopped by a callback, after",
    "callback_error": "Stopped by an error in a callback, after",
    "interrupted": "Interrupted after",
}


def sentences(known: FitRecord) -> list[str]:
    """Return how the coefficients were computed, how that ended, and how far from the minimum."""
    outcome, status = known.outcome, known.trained.status
    if outcome.precision == "exact":
        return ["Solved directly (exact)."]
    if known.epochs is None:
        how = f"{_SOLVERS.get(outcome.solver, outcome.solver)}, float64"
    else:
        how = f"{outcome.solver}, batches of {min(known.trained.options.batch_size, known.trained.n_rows):,}"
    if status == "converged":
        begin = "Converged in" if known.epochs is None else "Converged after"
    else:
        begin = "Ran" if status == "epochs" else _ENDS.get(status, "Stopped before convergence, after")
    why = ""
    if status == "early_stopping" and outcome.best_epoch is not None:
        waited = outcome.history[-1].epoch - outcome.best_epoch
        last = _count(waited, known) if waited > 1 else _one(known)
        why = f": the {outcome.tested_on} loss did not fall in the last {last}"
    return [f"{begin} {reached(known)} ({how}){why}.", *_best(known), *_gap(known)]


def reached(known: FitRecord) -> str:
    """Return the epochs or iterations that ran."""
    return _count(known.outcome.n_iter if known.epochs is None else known.epochs, known)


def gap(value: float | None) -> list[str]:
    """Return a sentence on the distance of a loss from its minimum, where that is known."""
    if value is None:
        return []
    return [f"The loss is {value:.2g} above its minimum." if value else "The loss is at its minimum, up to rounding."]


def _one(known: FitRecord) -> str:
    return "iteration" if known.epochs is None else "epoch"


def _count(count: int, known: FitRecord) -> str:
    return f"{count:,} {_one(known)}{'s' * (count != 1)}"


def _best(known: FitRecord) -> list[str]:
    rows, best = known.outcome.validation_rows, known.outcome.best_epoch
    if best is None:  # the account of rows has those held out
        return [f"Validated on {rows:,} rows."] if rows and not known.outcome.rows.held_out else []
    tested = f"{rows:,} {known.outcome.tested_on} rows"
    return [f"The coefficients are those of {_one(known)} {best:,}, with the lowest loss on {tested}."]


def _gap(known: FitRecord) -> list[str]:
    if known.trained.status == "converged":
        return []
    proof = known.certificate
    return gap(known.outcome.gap if proof is None or proof.excess_loss is None else proof.excess_loss)
