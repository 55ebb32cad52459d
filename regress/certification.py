"""Certify anyone's coefficients on a table: exact sums, and the gradient at the claim."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from regress.claims import Claim, claim_of
from regress.errors import InputError
from regress.evidence.certificate import Certificate, certificate, largest_move, objective_text
from regress.numerics.threads import one_blas_thread, resolve_jobs
from regress.numerics.twofold import Array
from regress.preparation import Prepared, Progress, file_options, prepare, split_options
from regress.tables.opening import open_table
from regress.tables.source import ArraySource, find_column
from regress.training.exactly import exact_minimum
from regress.training.options import check_number

_OF_OBJECTIVE = ("fit_intercept", "alpha", "collinear", "weights", "weight_type", "missing", "test", "random_state")


def certify(
    other: Any,
    table: Any,
    target: Any = None,
    *,
    digits: float = 6.0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Certificate:
    """Say how many digits of anyone's coefficients are right on a table.

    One pass forms exact sums. Their gradient at the claim gives the distance to the true minimum, without rounding. A
    second pass, only where digits are missing, finds the fitted value that they move most.

    Parameters
    ----------
    other : object
        A `Fit`, a `LinearModel` or its file; a fitted LinearRegression, Ridge, RidgeCV, SGDRegressor (squared error) or
        `LinearRegressor`, or a Pipeline ending in one, certified in the space after ``pipeline[:-1].transform``; a
        statsmodels result of OLS or WLS; (w, b), with w by position or by name; a mapping or JSON file with "coef" and
        "intercept".
    table, target, n_jobs, progress
        As in `fit`; a model knows its target.
    digits : float
        Digits that every coefficient must have right.
    **options
        Of `fit`, those that say what was minimised: columns, weights, missing, fit_intercept, alpha, …. What `other`
        knows of itself need not be said.

    Returns
    -------
    Certificate
        `.digits`, `.intercept_digits`, `.gradient_norm`, `.excess_loss`, `.passed`, `.table`.

    Raises
    ------
    InputError
        If the table or the claim cannot be used, or minimises another loss.
    """
    check_number("digits", digits, at_least=0.0)
    claim = claim_of(other)
    options = {**claim.options, **options}
    if options.pop("weighted", False) and options.get("weights") is None:
        raise InputError("The model was fitted with weights given as values. Pass them again as weights.")
    space = ""
    if claim.steps is not None and len(claim.steps):
        table, target, options, claim = _transformed(claim, table, target, options)
        space = "after " + " → ".join(name for name, _ in claim.steps.steps)
    elif claim.design is None:
        claim, chosen = _chosen(claim, table, target, options)
        options = {**options, **chosen}
    table_options, train_options = split_options({"random_state": 0, **options})
    target = claim.target if target is None else target
    if target is None:
        raise InputError("Name the column to predict as target (--target).")
    if claim.b and not train_options.fit_intercept:
        raise InputError(
            f"The claim has the intercept {claim.b:g}, where none was fitted. Pass 0, or fit_intercept=True."
        )
    with one_blas_thread():
        jobs, design = resolve_jobs(n_jobs), claim.design
        prepared = prepare(table, target, table_options, "moments", jobs, progress, precision="exact", design=design)
        alpha = train_options.alpha + claim.alpha_per_row * prepared.data.summary.rows
        train_options = replace(train_options, alpha=alpha, precision="exact")
        minimum = exact_minimum(prepared.data, 0, train_options, prepared.names)
        assert minimum is not None  # precision="exact" raises instead
        w, center, b_center = _aligned(claim, prepared)
        result = certificate(minimum, prepared.names, w, center, b_center, claim.b)
        moved = None
        if result.worst < digits:
            spread = float(prepared.data.summary.target_norm[0] / np.sqrt(prepared.data.summary.weight))
            moved = largest_move(prepared.reader.blocks(), result, center, spread)
    reader = prepared.reader
    objective = objective_text(reader.weights is not None, alpha)
    result = replace(result, source=reader.source.label, target=reader.target.name, objective=objective)
    return replace(result, asked=digits, moved=moved, space=space)


def _chosen(claim: Claim, table: Any, target: Any, options: Mapping[str, Any]) -> tuple[Claim, dict[str, Any]]:
    """Choose the columns that a claim is about: by their names, or the names of their levels."""
    columns = [column.name for column in open_table(table, file_options(options)).columns]
    taken = [role for role in (target, options.get("weights")) if isinstance(role, str)]
    rest = [name for name in columns if name not in taken]
    if claim.constant is not None:
        name, at, coefficient = claim.constant
        if name in rest or (claim.names is None and len(rest) == len(claim.w) + 1):
            # the table holds the column of ones itself, so that its coefficient is one of w
            names = None if claim.names is None else (*claim.names[:at], name, *claim.names[at:])
            claim = replace(claim, w=np.insert(claim.w, at, coefficient), b=0.0, names=names)
            return claim, {"fit_intercept": False} | ({} if names is None else {"features": list(names)})
    if claim.names is None or "features" in options or "drop" in options:
        return claim, {}
    return claim, {"features": _used(rest, claim.names) or list(claim.names)}


def _used(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    return [c for c in columns if c in names or any(name.startswith(f"{c}=") for name in names)]


def _transformed(
    claim: Claim, table: Any, target: Any, options: Mapping[str, Any]
) -> tuple[Any, Any, dict[str, Any], Claim]:
    """Return a table as a Pipeline's first steps transform it, with target and weights as values."""
    from regress.tables.frames import frame_of

    kept = {name: value for name, value in options.items() if name in _OF_OBJECTIVE}
    if options.get("split_key") is not None:
        raise InputError("A Pipeline's space has no column for split_key. Pass the training rows as the table.")
    if not isinstance(table, np.ndarray):
        source = open_table(table, file_options(options))
        roles = {"target": target, "weights": options.get("weights")}
        named = {role: find_column(source, name, role).name for role, name in roles.items() if isinstance(name, str)}
        frame = frame_of(source)
        left_out = (*named.values(), *options.get("drop", ()))
        used = list(claim.columns) or options.get("features") or [c for c in frame.columns if c not in left_out]
        values = {role: frame[name].to_numpy(dtype=np.float64) for role, name in named.items()}
        table, target, kept = frame[used], values.pop("target", target), kept | values
        table = table if claim.columns else table.to_numpy()  # as the first step was fitted
    X = claim.steps.transform(table)
    X = X.toarray() if issparse(X) else np.asarray(X, dtype=np.float64)
    try:
        names = tuple(claim.steps.get_feature_names_out())
    except (AttributeError, TypeError):  # some steps have no names to give
        names = tuple(f"x{j}" for j in range(X.shape[1]))
    return ArraySource(X, names), target, kept, replace(claim, names=None)


def _aligned(claim: Claim, prepared: Prepared) -> tuple[Array, Array, float]:
    """Return w in the order of the columns that were read, and where the claim predicts what."""
    names, w = prepared.names, claim.w
    if claim.design is None and claim.names is not None:
        odd = sorted(set(names) ^ set(claim.names))
        if odd:
            raise InputError(
                f"The claim has coefficients for {len(claim.names)} columns and the table {len(names)}: "
                f"{', '.join(map(repr, odd[:5]))} {'is' if len(odd) == 1 else 'are'} in one of them only."
            )
        by_name = dict(zip(claim.names, w.tolist(), strict=True))
        w = np.array([by_name[name] for name in names])
    if len(w) != len(names):
        raise InputError(
            f"The claim has {len(w)} coefficients; the table has {len(names)} columns ({', '.join(names[:8])}). "
            "Name the columns with features."
        )
    center = np.zeros(len(w)) if claim.center is None else claim.center
    b_center = claim.b if claim.b_center is None else claim.b_center
    if not np.isfinite([*w, *center, claim.b, b_center]).all():
        raise InputError(
            "A coefficient or the intercept of the claim is not a finite number: there is no digit to count."
        )
    return w, center, b_center
