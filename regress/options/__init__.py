"""Every option once: its type, default, help text, group and check. Signatures, docstrings and flags are made of these.

A class holds the options that belong together, and checks their values where one is made.
"""

from regress.options.batches import BATCH_SOLVERS, BatchOptions
from regress.options.calls import CallOptions
from regress.options.declare import (
    Collinear,
    Correction,
    CovType,
    Decimal,
    Gradient,
    HandleUnknown,
    Header,
    LossName,
    Missing,
    OnBadLines,
    Over,
    Precision,
    Progress,
    Rate,
    Schedule,
    Solver,
    TableFormat,
    WeightType,
    option,
)
from regress.options.files import FileOptions
from regress.options.process import ProcessOptions
from regress.options.table import TableOptions
from regress.options.train import TrainOptions

__all__ = [
    "BATCH_SOLVERS",
    "BatchOptions",
    "CallOptions",
    "Collinear",
    "Correction",
    "CovType",
    "Decimal",
    "FileOptions",
    "Gradient",
    "HandleUnknown",
    "Header",
    "LossName",
    "Missing",
    "OnBadLines",
    "Over",
    "Precision",
    "ProcessOptions",
    "Progress",
    "Rate",
    "Schedule",
    "Solver",
    "TableFormat",
    "TableOptions",
    "TrainOptions",
    "WeightType",
    "option",
]
