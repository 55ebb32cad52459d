"""The command line, run within the process of the tests."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from regress.cli.main import main


def run(*arguments: object) -> tuple[int | str, str, str]:
    """Run the command line: its exit code, and what it prints on both outputs."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)  # predictions are written as bytes
    with redirect_stdout(out), redirect_stderr(io.StringIO()) as err:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
    out.seek(0)
    return ended.value.code or 0, out.read(), err.getvalue()
