"""Which options go together with mini-batches, and which need them."""

from dataclasses import fields

from regress.errors import InputError
from regress.messages import setting
from regress.objective.losses import Loss
from regress.options import BatchOptions, TrainOptions


def check_batches(options: TrainOptions, loss: Loss, in_batches: bool) -> None:
    """Refuse options of mini-batches without them, and what mini-batches cannot have."""
    given = [f.name for f in fields(BatchOptions) if _given(getattr(options, f.name), f.default)]
    if not (in_batches or given or options.over == "blocks" or callable(options.learning_rate)):
        return
    solver = setting("solver", "sgd")
    if not in_batches:
        if given:
            raise InputError(f"{setting(given[0])} needs mini-batches. Use {solver}, averaged-sgd or adam.")
        if options.over == "blocks":
            raise InputError(f"{setting('over', 'blocks')} needs mini-batches. Use {solver}, or remove it.")
        raise InputError(f"A function as {setting('learning_rate')} needs mini-batches. Use {solver}, or a number.")
    if options.optimizer is not None:
        _check_optimizer(options)
    for name in ("momentum", "nesterov"):
        if getattr(options, name) and options.solver not in ("sgd", "averaged-sgd"):
            raise InputError(f"{setting(name)} needs {solver} or averaged-sgd.")
    if options.nesterov and not options.momentum:
        raise InputError(f"{setting('nesterov', True)} needs momentum. Add {setting('momentum', 0.9)}.")
    if callable(options.learning_rate) and options.schedule != "constant":
        raise InputError(
            f"{setting('schedule')} and a function as {setting('learning_rate')} are both given. Remove one."
        )
    if options.max_iter is not None:
        raise InputError(f"{setting('max_iter')} is not for mini-batches. Use {setting('epochs')}.")
    if options.over == "moments":
        raise InputError(f"{setting('over', 'moments')} has no rows for mini-batches. Use {setting('over', 'rows')}.")
    if not loss.separable:
        raise InputError(f"The loss {loss} is not a sum over rows, so it takes no mini-batches.")


def _given(value: object, default: object) -> bool:
    """Tell whether an option is not its default; an array, which no option takes, is not compared."""
    return value is not default and (default is None or value != default)


def _check_optimizer(options: TrainOptions) -> None:
    """Refuse an optimizer of Keras that cannot take the steps, or is not alone to choose them."""
    if options.gradient != "autodiff":
        raise InputError(f"{setting('optimizer')} needs {setting('gradient', 'autodiff')}.")
    for name in ("solver", "schedule"):
        if getattr(options, name) != TrainOptions.__dataclass_fields__[name].default:
            raise InputError(f"{setting('optimizer')} and {setting(name)} are both given. Remove one.")
    from regress.solvers.keras_steps import check_optimizer

    check_optimizer(options.optimizer)
