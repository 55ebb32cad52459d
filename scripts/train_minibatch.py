"""Mini-batches on a table, watched and stopped early: copy it and change what you like.

python scripts/train_minibatch.py data/diabetes.csv progression
"""

import sys
from typing import Any

import regress

if len(sys.argv) != 3:
    sys.exit("Usage: python scripts/train_minibatch.py TABLE TARGET")


def show(state: regress.State, record: Any) -> None:
    """Print every tenth epoch. A callback that returns "stop" ends training."""
    if record.epoch % 10 == 0:
        print(f"epoch {record.epoch:4d}  loss {record.loss:.8g}  held out {record.val_loss:.8g}  gap {record.gap:.6g}")


try:
    fit = regress.fit(
        sys.argv[1],
        sys.argv[2],
        missing="drop",
        test_size=0.2,  # the rows of val_loss
        solver="adam",  # or sgd, averaged-sgd
        batch_size=32,
        epochs=200,
        schedule="cosine",
        callbacks=[show],
        early_stopping=20,  # epochs without a lower val_loss; the best weights are returned
        random_state=0,  # of the held-out rows, and of the order of the others
    )
except regress.RegressError as error:
    sys.exit(f"error: {error}")
print(fit.history[["epoch", "loss", "val_loss", "learning_rate", "gap"]].tail())  # a DataFrame, a row for each epoch
print(fit.summary())
