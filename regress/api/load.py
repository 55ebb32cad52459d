"""Read a model from its file, whose loading executes nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from regress.api.json_schema import Malformed, read_json
from regress.api.model import FORMAT, VERSION, LinearModel
from regress.api.model_file import MODEL, check_agreement
from regress.design.terms import Design, Term, coded
from regress.errors import InputError
from regress.inference.prediction_intervals import Uncertainty
from regress.messages import by_interface
from regress.numerics.whole_sum import contradicts


def load(path: str | Path) -> LinearModel:
    """Read a model that `LinearModel.save` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the file is no model, or of another version.
    """
    path = Path(path)
    return model_of(read_json(path), path)


def model_of(held: Any, path: Path) -> LinearModel:
    """Build a model from what its file holds.

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
        held = MODEL(held, "")
        terms = [Term(term["name"], term["kind"], tuple(term["levels"])) for term in held["terms"]]
        design = Design(coded(terms, held["options"]["fit_intercept"]), held["training_means"])
        check_agreement(held, design.names)
    except Malformed as error:
        raise InputError(f"{path} is not a valid model: {error}. Fit it anew, and save it.") from None
    w, center = np.array(held["w"]), np.array(held["center"])
    if contradicts(held["b"], w, center, held["b_center"]):
        raise InputError(
            f"{path} contradicts itself: its intercept b is {held['b']!r}, but w, center and b_center give another "
            "one. Save the model again."
        )
    return LinearModel(
        w=w,
        center=center,
        b=held["b"],
        b_center=held["b_center"],
        design=design,
        target=held["target"],
        options=held["options"],
        n_rows=held["n_rows"],
        loss=float("nan") if held["loss"] is None else held["loss"],
        status=held["status"],
        versions=held["versions"],
        uncertainty=None if held["uncertainty"] is None else Uncertainty.of_dict(held["uncertainty"]),
        report=held["report"],
    )
