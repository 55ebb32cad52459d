"""Options of single functions and commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regress.options.declare import Correction, CovType, HandleUnknown, TableFormat, option


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Options of single functions and commands: each takes some of these."""

    target: Any = option(None, "Column to predict.", "Data", "COL")
    cov_type: CovType = option(
        "nonrobust",
        "Standard errors: classical (nonrobust), or White's HC0 or HC1, which allow unequal variances.",
        "Model",
    )
    level: float = option(0.95, "Coverage of confidence intervals, such as 0.99.", "Model", "P")
    sample: int = option(20_000, "Training rows to keep for plots of residuals and smearing; 0 for none.", "Model", "N")
    points: bool = option(
        False, "List the residual of each row in the model and its page, of up to 2,000 rows.", "Output"
    )
    retransform: Correction | None = option(
        None,
        "Correction of predictions if the target is log(y), sqrt(y) or the like: by the residuals (smearing), for "
        "normal errors, or none (naive). Default: smearing, or normal if no rows are kept.",
        "Model",
    )
    digits: float = option(6.0, "Correct digits required of every coefficient.", "Output", "D")
    estimators: Mapping[str, Any] | None = option(
        None,
        "Estimators to compare as well, by name.",
        "Model",
        "CLASS",
        text="Another estimator to compare: a class of an installed package, such as "
        "sklearn.linear_model.HuberRegressor. May be repeated.",
    )
    metrics: Sequence[Any] | None = option(
        None,
        "Metrics on held-out rows: these names, or scorers of scikit-learn. Default: r2,rmse,mae,mape,max_error.",
        "Model",
        "NAMES",
    )
    cv: int | None = option(None, "Cross-validate with K folds, in place of one set of held-out rows.", "Data", "K")
    split_time: str | None = option(
        None,
        "Column of times: hold out the latest rows. A fold tests the rows that follow its training rows. The column is "
        "a feature only if the features name it.",
        "Data",
        "COL",
    )
    handle_unknown: HandleUnknown = option(
        "error", "Categories that training did not see: stop, or predict as the reference level.", "Data"
    )
    keep: Sequence[str] = option((), "Columns of TABLE to write next to the predictions.", "Data", "COLS")
    interval: float | None = option(None, "Add a prediction interval with coverage P, such as 0.95.", "Output", "P")
    cluster: Any = option(
        None,
        "Sum files on a Dask cluster whose workers can all read them. ADDRESS is that of the scheduler, such as "
        "tcp://host:8786, or local:2 for two processes of this machine.",
        "Computing",
        "ADDRESS",
    )
    cluster_timeout: float = option(300.0, "Stop if the cluster makes no progress for S seconds.", "Computing", "S")
    subtract: Mapping[str, Any] | None = option(
        None, "Subtract the rows of this file of moments. May be repeated.", "Data", "FILE"
    )
    allow_equal: bool = option(False, "Merge also parts with equal rows, and count all of them.", "Data")
    n_jobs: int | None = option(None, "Number of threads. Default: one for each CPU.", "Computing", "N")
    vif: bool = option(False, "Show variance inflation factors.", "Output")
    json: bool = option(False, "Print the result as one JSON object and nothing else.", "Output")
    save: str | None = option(None, "Save the model as JSON, for predict and other commands.", "Output", "M.json")
    report: str | None = option(None, "Write the result as one HTML page.", "Output", "PAGE.html")
    descent: Sequence[str] | None = option(
        None, "Draw the descent over these two coefficients on the page.", "Output", "A,B"
    )
    names: Sequence[str] | None = option(
        None, "What the models are called in the head of the table. Default: (1), (2) and so on.", "Output", "NAMES"
    )
    intervals: bool = option(
        False, "Show confidence intervals in brackets below the coefficients, instead of standard errors.", "Output"
    )
    stars: bool = option(False, "Mark p-values below 0.05, 0.01 and 0.001 by stars.", "Output")
    to: TableFormat | None = option(
        None, "Format of the table. Default: that of the output's name, or text for people.", "Output"
    )
    output: str | None = option(None, "File to write.", "Output", "FILE", short="-o")
