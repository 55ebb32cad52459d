"""Train on a CSV file, saved all the while. Stop or kill it at any time: when it runs again, it goes on.

python scripts/resume.py data/diabetes.csv progression run.ckpt
"""

import sys
from pathlib import Path
from typing import Any

import regress

table, target, checkpoint = sys.argv[1:4] if len(sys.argv) == 4 else ("data/diabetes.csv", "progression", "run.ckpt")


def show(state: regress.State, record: Any) -> None:
    """Print how far training is; what runs long is worth a look."""
    print(f"epoch {record.epoch:3d}  loss {record.loss:.10g}  above the minimum {record.gap:.3g}", flush=True)


fit = regress.fit(
    table,
    target,
    solver="averaged-sgd",
    tol=2e-3,
    epochs=1000,
    callbacks=[show],
    checkpoint=checkpoint,
    checkpoint_seconds=1.0,  # the default is a minute
    resume=Path(checkpoint).exists(),
)
print(fit.status, "b", fit.b, "w", fit.w)
