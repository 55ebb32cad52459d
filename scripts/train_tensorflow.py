"""An optimizer of Keras takes the steps, on gradients of TensorFlow: copy it and change what you like.

python scripts/train_tensorflow.py data/diabetes.csv progression
"""

import sys

import numpy as np
import pandas as pd

import regress

if len(sys.argv) != 3:
    sys.exit("Usage: python scripts/train_tensorflow.py TABLE TARGET")
try:
    import tensorflow as tf
except ImportError:
    sys.exit("This script needs TensorFlow. Run: pip install '.[tensorflow]'")

table, target = sys.argv[1:]
try:
    frame = pd.read_csv(table).dropna()
    spread = frame.std(numeric_only=True).get(target, 1.0)  # regress.fit refuses a target that is not a number
    fit = regress.fit(
        frame,
        target,
        gradient="autodiff",
        optimizer=tf.keras.optimizers.Adam(0.01 * spread),  # a step changes w by about the learning rate
        batch_size=32,
        epochs=50,
    )
except (OSError, ValueError, regress.RegressError) as error:
    sys.exit(f"{table}: {error}")
print(fit.summary())

model = regress.to_keras(fit)  # one Dense layer, in float64
X = regress.to_sklearn(fit)[0].transform(frame)  # text becomes columns of 0 and 1
print(f"Keras predicts the same, to {np.abs(model(X).numpy()[:, 0] - fit.predict(frame)).max():.2g}.")
