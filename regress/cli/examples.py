"""What help pages show of each command: one line in the list of commands, and examples at the end."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Shown(NamedTuple):
    """The line of a command in the list of all, and commands to copy."""

    line: str
    examples: Sequence[str]


COMMANDS: Mapping[str, Shown] = {  # in the order of use
    "inspect": Shown(
        "Describe a table before any fit.",
        ("regress inspect penguins.csv", "regress inspect penguins.csv --target body_mass_g"),
    ),
    "fit": Shown(
        "Fit a table and print the coefficients.",
        (
            "regress fit penguins.csv --target body_mass_g --missing drop",
            "regress fit penguins.csv --formula 'body_mass_g ~ species * sex' --missing drop",
            "regress fit penguins.csv --target body_mass_g --missing drop --test-size 0.2 \\\n"
            "  --save penguins.json --report penguins.html",
        ),
    ),
    "predict": Shown(
        "Predict the rows of a table with a saved model.",
        (
            "regress predict penguins.json new.csv -o predicted.csv",
            "regress predict penguins.json new.csv --keep island --interval 0.95",
        ),
    ),
    "report": Shown(
        "Write a saved model as an HTML page.",
        ("regress report penguins.json", "regress report penguins.json -o page.html"),
    ),
    "relevel": Shown(
        "Change the reference levels of a saved model.",
        ("regress relevel penguins.json species=Gentoo --save gentoo.json",),
    ),
    "compare": Shown(
        "Compare with scikit-learn on the same rows.",
        (
            "regress compare penguins.csv --target body_mass_g --missing drop",
            "regress compare penguins.csv --target body_mass_g --missing drop --cv 5 \\\n"
            "  --with sklearn.linear_model.LassoCV",
        ),
    ),
    "certify": Shown(
        "Count the correct digits of a model's coefficients.",
        (
            "regress certify penguins.json penguins.csv",
            "regress certify coefficients.json penguins.csv --target body_mass_g --missing drop",
        ),
    ),
    "check": Shown(
        "Compute the gradient in five ways and compare them.",
        ("regress check penguins.csv --target body_mass_g --missing drop",),
    ),
    "verify": Shown(
        "Check that a model was fitted to the rows of a table.",
        ("regress verify penguins.json penguins.csv",),
    ),
    "moments": Shown(
        "Sum a table into a small file that can be merged and fitted.",
        (
            "regress moments monday.csv --target sales -o monday.moments",
            "regress merge monday.moments tuesday.moments -o week.moments",
            "regress fit week.moments",
        ),
    ),
    "merge": Shown(
        "Merge files of moments into one.",
        (
            "regress merge monday.moments tuesday.moments -o week.moments",
            "regress merge week.moments --subtract monday.moments -o rest.moments",
        ),
    ),
}

START = (
    "regress inspect penguins.csv",
    "regress fit penguins.csv --target body_mass_g --missing drop --save penguins.json",
    "regress predict penguins.json new.csv -o predicted.csv",
    "regress fit --help",
)
