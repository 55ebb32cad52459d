"""Train on a table, saved all the while. Stop or kill it at any time: when it runs again, it goes on.

python scripts/resume.py data/diabetes.csv progression run.ckpt
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import regress

if len(sys.argv) not in (3, 4):
    sys.exit("Usage: python scripts/resume.py TABLE TARGET [CHECKPOINT]")
table, target, checkpoint = (*sys.argv[1:], "run.ckpt")[:3]


def show(state: regress.State, record: Any) -> None:
    """Print how far training is."""
    print(f"epoch {record.epoch:3d}  loss {record.loss:.10g}  above the minimum {record.gap:.3g}", flush=True)


warnings.simplefilter("ignore", regress.ConvergenceWarning)  # the status is printed
try:
    fit = regress.fit(
        table,
        target,
        missing="drop",
        solver="averaged-sgd",
        tol=1e-8,  # so small that all epochs are run, also on large tables
        epochs=300,  # a larger number goes on from the same checkpoint
        callbacks=[show],
        checkpoint=checkpoint,
        checkpoint_seconds=1.0,  # the default is a minute
        resume=Path(checkpoint).exists(),
    )
except regress.RegressError as error:
    sys.exit(f"error: {error}")
print(f"{fit.status.message}\nb {fit.b}")
print("\n".join(f"{name} {w}" for name, w in zip(fit.model.names, fit.w, strict=True)))
