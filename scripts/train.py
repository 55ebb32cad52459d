"""Gradient descent written out, to copy and change: python scripts/train.py data/diabetes.csv progression"""

import sys

import numpy as np
import pandas as pd

import regress

if len(sys.argv) != 3:
    sys.exit("Usage: python scripts/train.py TABLE TARGET")
table, target = sys.argv[1:]
try:
    frame = pd.read_csv(table).dropna()
    y = frame.pop(target).to_numpy(float)
except (OSError, KeyError, ValueError) as error:
    sys.exit(f"{table} must be a CSV file with a column {target} of numbers: {error}")
if frame.empty:
    sys.exit(f"{table} must have another column than {target}, and a row without missing cells.")
frame = pd.get_dummies(frame, drop_first=True).astype(float)  # text becomes columns of 0 and 1
frame = (frame - frame.mean()) / frame.std(ddof=0).replace(0, 1)  # raw units would need far more steps
X, loss = frame.to_numpy(), regress.SquaredError()  # or a subclass of regress.Loss
m, w, b = len(X), np.zeros(X.shape[1]), 0.0
eta = 0.9 * m / np.linalg.eigvalsh(X.T @ X).max(initial=m)  # below the stability limit m/λmax([X 1]ᵀ[X 1])
for step in range(1001):
    prediction = X @ w + b
    slope = loss.gradient(prediction, y, 1.0)  # ∂L/∂ŷ = 2(ŷ − y)
    grad_w, grad_b = X.T @ slope, slope.sum()  # ∇L = 2Xᵀ(ŷ − y), ∂L/∂b = 2Σ(ŷ − y), by the chain rule
    if step % 100 == 0:
        print(f"step {step:4d}  loss {loss.value(prediction, y, 1.0, np):.10g}  ‖∇L‖ {np.linalg.norm(grad_w):.3g}")
    w, b = w - eta / m * grad_w, b - eta / m * grad_b
print(f"minimum    {regress.fit(X, y).loss:.10g}\nb {b:.6g}, and w of columns divided by their standard deviations:")
print(pd.Series(w, frame.columns).to_string())
