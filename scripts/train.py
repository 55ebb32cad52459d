"""Gradient descent on a CSV file, written out: copy it and change what you like.

python scripts/train.py data/diabetes.csv progression
"""

import sys

import numpy as np

from regress.api.read import Reading, read_table
from regress.objective import gradient
from regress.objective.losses import SquaredError
from regress.options import TableOptions

table, target = sys.argv[1:3] if len(sys.argv) == 3 else ("data/diabetes.csv", "progression")
rows = read_table(table, target, TableOptions(), Reading("rows")).data.rows or ()  # "rows" keeps them
X, y = np.concatenate([block.X for block in rows]), np.concatenate([block.Y[:, 0] for block in rows])
m, n = X.shape
X = (X - X.mean(axis=0)) / X.std(axis=0)  # raw units would need a thousand times the steps

w, b = np.zeros(n), 0.0
eta = 0.9 * m / np.linalg.eigvalsh(X.T @ X)[-1]  # below the stability limit m/λmax
loss = SquaredError()
for step in range(1001):
    prediction = X @ w + b
    grad_w, grad_b = gradient.chain_rule(X, loss.gradient(prediction, y))  # 2Xᵀ(ŷ − y), 2Σ(ŷ − y)
    if step % 100 == 0:
        print(f"step {step:4d}  loss {loss.value(prediction, y):.10g}  |gradient| {np.linalg.norm(grad_w):.3g}")
    w -= eta / m * grad_w
    b -= eta / m * grad_b
print("b", b, "w", w)
