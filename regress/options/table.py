"""Which columns and rows of a table are used, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from regress.errors import InputError, check_choice, check_names, check_number, check_switch, check_text, check_whole
from regress.messages import by_interface, setting
from regress.options.declare import Missing, WeightType, option
from regress.options.files import FileOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(FileOptions):
    """Which columns and rows of a table are used, and how."""

    formula: str | None = option(
        None,
        "Model formula, such as 'price ~ area * C(zone) + poly(age, 2)'. It also names the target.",
        "Data",
        "TEXT",
    )
    features: Sequence[str] | None = option(
        None,
        "Columns that predict. Default: all but the target.",
        "Data",
        "COLS",
        text="Columns that predict, separated by commas. Default: all but the target.",
    )
    drop: Sequence[str] | None = option(
        (), "Columns to exclude.", "Data", "COLS", text="Columns to exclude, separated by commas."
    )
    weights: Any = option(
        None, "Column of row weights a ≥ 0, as in Σ a (ŷ − y)². Rows of weight 0 are not used.", "Data", "COL"
    )
    weight_type: WeightType = option(
        "analytic",
        "Meaning of the weights in standard errors: 1/variance (analytic, as in R's lm), or counts of equal rows "
        "(frequency).",
        "Data",
    )
    categorical: Sequence[str] | None = option((), "Columns to read as text, whatever they contain.", "Data", "COLS")
    ref: Mapping[str, Any] | None = option(
        None,
        "Reference level by text column: a level, or 'most-frequent'.",
        "Data",
        "COL=LEVEL",
        text="Reference level of a text column, such as zone=north or zone=most-frequent. May be repeated.",
    )
    max_categories: int = option(100, "Maximum number of categories in a text column.", "Data", "N")
    as_written: bool = option(
        False,
        "Read numbers as exact decimals: 0.1 is one tenth, not the nearest float64. Sums are exact.",
        "Data",
    )
    missing: Missing = option(
        "raise",
        "Rows with missing cells: stop (raise), drop them, or replace missing numbers with the training mean.",
        "Data",
    )
    test_size: float = option(
        0.0,
        "Fraction of the rows to hold out and test on, such as 0.2. It is approximate for files and split keys.",
        "Data",
        "F",
    )
    split_key: str | None = option(
        None,
        "Hold out rows with the same value in this column together. It is a feature only if the features name it.",
        "Data",
        "COL",
    )
    random_state: int = option(0, "Seed of the split, and of the order of mini-batches.", "Data", "N")
    rows: int | None = option(None, "Read only the first rows.", "Data", "N")

    def __post_init__(self) -> None:
        FileOptions.__post_init__(self)
        for name in ("features", "drop", "categorical"):
            names = None if getattr(self, name) is None else check_names(name, getattr(self, name))
            object.__setattr__(self, name, () if names is None and name != "features" else names)
        if self.formula is not None:
            check_text("formula", self.formula, "a formula")
            if self.features is not None:
                raise InputError(f"{setting('formula')} names the features. Remove {setting('features')}.")
        object.__setattr__(self, "ref", _references(self.ref))
        object.__setattr__(self, "as_written", check_switch("as_written", self.as_written))
        if self.split_key is not None:
            check_text("split_key", self.split_key, "a column's name")
        check_choice("missing", self.missing, get_args(Missing))
        if self.as_written and self.missing == "mean":
            raise InputError(
                f"A mean is not a decimal, so {setting('missing', 'mean')} excludes {setting('as_written')}. "
                f"Use {setting('missing', 'drop')}."
            )
        check_choice("weight_type", self.weight_type, get_args(WeightType))
        check_whole("max_categories", self.max_categories, 1)
        object.__setattr__(self, "test_size", check_number("test_size", self.test_size, at_least=0.0, below=1.0))
        object.__setattr__(self, "random_state", check_whole("random_state", self.random_state, 0))
        if self.rows is not None:
            check_whole("rows", self.rows, 1)


def _references(given: Any) -> dict[str, str] | tuple[str, ...]:
    """Return reference levels by column, or texts such as zone=north, which only the names of columns can divide.

    Raises
    ------
    InputError
        If they are something else.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping) and all(isinstance(name, str) and level is not None for name, level in given.items()):
        return {name: str(level) for name, level in given.items()}
    texts = given if isinstance(given, list | tuple) else [given]
    odd = [text for text in texts if not (isinstance(text, str) and "=" in text)]
    if texts is given and not odd:
        return tuple(given)
    wanted = by_interface(
        "must be levels by column, such as {'zone': 'north'}", "must be a column and a level, such as zone=north"
    )
    raise InputError(f"{setting('ref')} {wanted}; got {(odd or texts)[0]!r}.")
