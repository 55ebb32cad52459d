"""The command line, run within the process of the tests."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from regress.cli.main import main


def run(*arguments: object) -> tuple[int | str, str, str]:
    """Run the command line: its exit code, and what it prints on both outputs."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
    return ended.value.code or 0, out.getvalue(), err.getvalue()
