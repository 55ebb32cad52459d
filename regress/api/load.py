"""Read a fit from its file, whose loading executes nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from regress.api.json_schema import read_json
from regress.api.model import LinearModel
from regress.api.model_file import FORMAT, VERSION, check_agreement, record_of, schema
from regress.api.result import Fit
from regress.design.plain import design_of
from regress.errors import InputError
from regress.inference.prediction_intervals import Uncertainty
from regress.messages import by_interface


def load(path: str | Path) -> Fit:
    """Read a fit that `Fit.save` or ``--save`` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the file is no model, or of another version.

    Examples
    --------
    >>> import regress
    >>> regress.fit("data/diabetes.csv", "progression").save("diabetes.json")
    >>> fit = regress.load("diabetes.json")
    >>> fit.target, round(fit.r2, 3)
    ('progression', 0.518)
    """
    path = Path(path)
    return fit_of(read_json(path), path)


def fit_of(held: Any, path: Path) -> Fit:
    """Build a fit from what its file holds.

    Raises
    ------
    InputError
        If that could not have been saved.
    """
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a model of this package. Write one with {by_interface('fit.save(path)', '--save')}."
        )
    if (version := held.get("version")) != VERSION or type(version) is not int:
        remedy = "Fit the table again" if type(version) is int and version < VERSION else "Update the package"
        raise InputError(f"{path} is a model of version {version!r}; this release reads {VERSION}. {remedy}.")
    try:
        held = schema()(held, "")
        design = design_of(held["design"], held["options"].fit_intercept, len(held["w"]))
        check_agreement(held, design)
    except ValueError as error:
        raise InputError(f"{path} is not a valid model: {error}. Fit it again, and save it.") from None
    known = record_of(held)
    model = LinearModel(
        w=np.array(held["w"]),
        center=np.array(held["center"]),
        b=held["b"],
        b_center=held["b_center"],
        design=design,
        trained=known.trained,
        uncertainty=None if held["uncertainty"] is None else Uncertainty.of_dict(held["uncertainty"]),
    )
    return Fit(_bare=model, _held=known)
