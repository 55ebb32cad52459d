"""How training ended, in words and charts: on the summary, on the page, and on axes."""

import re
import warnings

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import regress
from regress.errors import InputError
from regress.report.training_charts import training
from tests.pages import Drawn, page, read

random = np.random.default_rng(2)
X = random.normal(size=(400, 3))
y = X @ [1.0, -2.0, 0.5] + 3.0 + random.normal(size=400)
BATCHES = {"solver": "averaged-sgd", "batch_size": 50, "tol": 1e-300, "test_size": 0.25}


def fitted(**options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = regress.fit(X, y, **options)
    return fit, [str(w.message) for w in caught]


def how(fit):
    """Return the line of the summary that says how training ended."""
    (line,) = (t for t in fit.summary().split("\n") if re.match(r"(Solved|Converged|Stopped|Ran|Interrupted) ", t))
    return line


def excess(fit):
    """Return the loss above its minimum, from residuals alone."""
    design = np.column_stack([X, np.ones(400)])
    least = np.linalg.lstsq(design, y)[1][0]
    return float(((y - X @ fit.w - fit.b) ** 2).sum() - least)


def stop(state, record):
    return "stop" if record.epoch == 4 else None


def fail(state, record):
    if record.epoch == 4:
        raise ValueError("no")


def interrupt(state, record):
    if record.epoch == 4:
        raise KeyboardInterrupt


SGD = "(averaged-sgd, batches of 50)"
ENDS = {
    "epochs": ({"epochs": 7}, f"Ran 7 epochs {SGD}."),
    "one epoch": ({"epochs": 1}, f"Ran 1 epoch {SGD}."),
    "converged": ({"tol": 2e-3, "epochs": 5000}, f"Converged after # epochs {SGD}."),
    "max_seconds": ({"max_seconds": 0.05, "epochs": 10**9}, f"Stopped at the time limit, after # epochs {SGD}."),
    "callback": ({"callbacks": stop}, f"Stopped by a callback, after 4 epochs {SGD}."),
    "callback_error": ({"callbacks": fail}, f"Stopped by an error in a callback, after 4 epochs {SGD}."),
    "interrupted": ({"callbacks": interrupt}, f"Interrupted after 4 epochs {SGD}."),
    "max_iter": (
        {"solver": "gd", "batch_size": 256, "max_iter": 5},
        "Stopped before convergence, after 5 iterations (gradient descent, float64).",
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_every_end_has_a_sentence_and_the_distance_to_the_minimum(case):
    options, expected = ENDS[case]
    fit, said = fitted(**{**BATCHES, "test_size": 0.0, **options})
    text, _, gap = how(fit).partition(" The loss is ")
    assert re.sub(r"\d+", "#", text) == re.sub(r"\d+", "#", expected) if "#" in expected else text == expected
    if case == "converged":
        assert not gap
        assert fit.status == "converged"
        return
    (shown,) = re.findall(r"^(\S+) above its minimum\.$", gap)
    assert float(shown) == pytest.approx(excess(fit), rel=0.06)
    assert f"The loss is {shown} above its minimum." in said[0]
    assert said[0].startswith(fit.status.message)
    assert gap in read(page(fit)).one("main").text


def test_early_stopping_names_the_best_epoch_and_its_rows(tmp_path):
    fit, said = fitted(**BATCHES, epochs=500, early_stopping=3)
    last, best = fit.history["epoch"].iloc[-1], fit.history["val_loss"].argmin()
    assert said == []  # it ended as asked
    assert fit.status == "early_stopping"
    assert how(fit).startswith(
        f"Stopped early after {last} epochs {SGD}: the held-out loss did not fall in the last 3 epochs. "
        f"The coefficients are those of epoch {best}, with the lowest loss on 100 held-out rows. The loss is "
    )
    assert last == best + 3
    assert fit.to_dict()["best_epoch"] == best
    assert "stopped early" in fit.summary()
    fit.save(tmp_path / "m.json")
    again = regress.load(tmp_path / "m.json")
    assert again.summary() == fit.summary()
    assert again.history.equals(fit.history)
    tile = read(page(again)).one("header").one("dl").all("dd")[0]
    assert (tile.text, tile.attributes["class"]) == ("✓ Stopped early", "words good")


def test_rows_given_for_validation_are_counted():
    fit, _ = fitted(**{**BATCHES, "test_size": 0.0}, epochs=3, validation=(X[:37], y[:37]))
    assert " Validated on 37 rows." in how(fit)


def test_the_history_is_a_frame_also_where_nothing_was_descended():
    columns = "iteration epoch loss batch_loss val_loss gradient_norm step learning_rate gap seconds".split()
    descended, direct = fitted(**BATCHES, epochs=3)[0].history, fitted()[0].history
    assert [*descended.columns] == [*direct.columns] == columns
    assert descended.dtypes.equals(direct.dtypes)
    assert (len(descended), len(direct)) == (4, 0)
    assert descended["epoch"].tolist() == [0, 1, 2, 3]
    assert descended["iteration"].tolist() == [0, 6, 12, 18]
    assert descended["batch_loss"].isna().all()  # the loss of all rows costs no pass
    assert descended.drop(columns="batch_loss").iloc[1:].notna().all(axis=None)
    assert descended["gap"].to_numpy() == pytest.approx(
        descended["loss"] - descended["loss"].min() + descended["gap"].min()
    )


# The charts


def test_the_curve_is_that_of_the_history_and_ends_above_the_exact_minimum():
    options = {**BATCHES, "test_size": 0.0}
    fit = regress.fit(X[:300], y[:300], validation=(X[300:], y[300:]), epochs=500, early_stopping=3, **options)
    loss, above = training(fit.record)
    history, lines = fit.history, [mark for mark in loss.marks if mark.kind == "line"]
    assert [mark.label for mark in lines] == ["training", "validation", "exact minimum"]
    assert [*lines[0].y] == (history["loss"] / 300).tolist()
    assert [*lines[1].y] == (history["val_loss"] / 100).tolist()
    least = np.linalg.lstsq(np.column_stack([X[:300], np.ones(300)]), y[:300])[1][0] / 300
    assert [*lines[2].y] == pytest.approx([least, least], rel=1e-12)
    assert [*above.marks[0].y] == history["gap"].tolist()
    (best,) = (mark for mark in loss.marks if mark.label == "best epoch")
    assert (best.x[0], best.y[0]) == (history["val_loss"].argmin(), history["val_loss"].min() / 100)


def test_a_page_and_axes_draw_the_curve():
    fit, _ = fitted(**BATCHES, epochs=40)
    root = read(page(fit))
    names = [[f.attributes["id"] for f in root.one(id=part).all("figure")] for part in ("training", "convergence")]
    assert names == [["figure-training", "figure-above"], ["figure-gradient"]]
    drawn = Drawn(root, "above")
    drawn.agree(drawn.line(), list(zip(fit.history["epoch"], fit.history["gap"], strict=True)))
    display = regress.plot.training(fit)
    assert len(display.axes_) == 2
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["training", "held-out", "exact minimum"]
    matplotlib.pyplot.close(display.figure_)


def test_without_an_exact_minimum_one_chart_is_drawn():
    fit, _ = fitted(solver="sgd", epochs=3, loss="huber")
    (chart,) = training(fit.record)
    assert [mark.label for mark in chart.marks if mark.label] == ["training"]


def test_a_loss_that_falls_by_decades_has_a_logarithmic_axis():
    fit = regress.fit(X, X @ [1.0, 2.0, 3.0], solver="sgd", batch_size=50, tol=1e-6)
    assert training(fit.record)[0].y.log
    assert not training(fitted(**BATCHES, epochs=3)[0].record)[0].y.log


def test_a_direct_solution_has_no_curve():
    with pytest.raises(InputError, match=r"^Solved directly in exact arithmetic\. Use solver='gd'"):
        regress.plot.training(fitted()[0])
