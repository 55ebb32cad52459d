"""What is measured of training as a process: epochs, the way to the minimum, files in blocks, rows added."""

from collections.abc import Iterator

from bench.measure import Limit, Table, Tool, printed_json, run
from bench.place import PARSE, STOCHASTIC, Place, child


def task(place: Place, name: str, *words: object, **options: object) -> Tool:
    """Return a tool that times itself."""
    command = child("descents", words[0], *words[1:3], place.repeat, *words[3:])
    return Tool(name, command, inside=True, **options)  # type: ignore[arg-type]  # fields of Tool


def answer(place: Place, *words: object) -> list[float]:
    """Return what a task computes."""
    return list(printed_json(run(child("descents", words[0], *words[1:3], 0, *words[3:])).printed)["answer"])


def training(place: Place) -> Iterator[Table]:
    """Train by mini-batches: epochs in memory, the way to a gap of 1e-6, an epoch over a CSV file, and partial_fit."""
    n = 10
    m = place.rows(1_000_000, n)
    ours = "regress"
    plain = task(place, "plain NumPy", "epochs", m, n, 3, "plain NumPy", peer=True)
    limit = Limit(1.3, plain.name)
    tools = [plain, task(place, ours, "epochs", m, n, 3, ours, limits=(limit,))]
    reference = answer(place, "epochs", m, n, 3, plain.name)
    yield Table(f"{m:,} × {n}, 3 epochs of batches of 256", plain.name, tools, reference)
    looked = ((f"{ours}, watched", 1.01), (f"{ours}, saved every second", 1.02))
    tools = [task(place, ours, "epochs", m, n, 30, ours)]
    tools += [task(place, name, "epochs", m, n, 30, name, limits=(Limit(most, ours),)) for name, most in looked]
    yield Table(f"{m:,} × {n}, 30 epochs", ours, tools, answer(place, "epochs", m, n, 30, plain.name))
    loose, rivals = {"tolerance": STOCHASTIC}, ("SGDRegressor", "Keras")
    tools = [
        task(place, ours, "to_gap", m, n, ours, limits=tuple(Limit(0.5, name) for name in rivals), **loose),
        *(task(place, name, "to_gap", m, n, name, peer=True, **loose) for name in rivals),
    ]
    yield Table(f"{m:,} × {n}, to 1e-6 above the minimum", ours, tools, place.answer("memory", m, n, "exact"))
    tools = [
        task(place, PARSE, "csv_epoch", 0, 0, place.csv, PARSE, peer=True),
        task(place, ours, "csv_epoch", 0, 0, place.csv, ours, limits=(Limit(1.5, PARSE),)),
    ]
    yield Table(f"{place.title(place.csv)}, an epoch over its blocks", PARSE, tools, [0.0])
    for columns in (10, 100):
        m = place.rows(2_000_000 // columns, columns)
        tools = [
            task(place, "one call", "added", m, columns, m),
            task(place, "256 rows at a time", "added", m, columns, 256, limits=(Limit(2.0, "one call"),)),
        ]
        reference = place.answer("memory", m, columns, "exact")
        yield Table(f"{m:,} × {columns}, partial_fit", "one call", tools, reference)
