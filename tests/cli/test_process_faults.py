"""Whatever goes wrong around the command: one sentence that names the true cause, exit code 2, no traceback."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import regress
from regress.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "regress"]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")


def run(folder, *words, path="", **options):
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}" if path else str(ROOT)}
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment, **options}
    return subprocess.run([*COMMAND, *words], cwd=folder, check=False, **given)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t.csv").write_text("c,x,y\n1,1,2\n1,2,4\n1,3,7\n")  # a constant column is worth a note
    return tmp_path


START = (
    "import sys; sys.argv[1:] = ['fit', 't.csv', '--target', 'y']; from regress.cli.startup import command; command()"
)
FIT = ("fit", "t.csv", "--target", "y", "--save", "m.json")


@FULL
@pytest.mark.parametrize("closed", [False, True], ids=["full", "closed"])
def test_a_note_that_nobody_can_read_does_not_lose_the_fit(folder, closed):
    with open("/dev/full", "w") as full:
        close = {"preexec_fn": lambda: os.close(2), "stderr": None} if closed else {"stderr": full}
        done = run(folder, *FIT, **close)
        assert done.returncode == 0
        assert "R² 0.98" in done.stdout
        assert regress.load(folder / "m.json").names == ("c", "x")
        assert run(folder, "fit", "absent.csv", "--target", "y", **close).returncode == 2


@FULL
def test_standard_output_that_is_full_is_named_whatever_the_buffering(folder):
    for unbuffered in ("", "1"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered}
        with open("/dev/full", "w") as full:
            done = run(folder, "inspect", "t.csv", stdout=full, env=environment)
        assert done.returncode == 2
        assert done.stderr == "Error: standard output cannot be used: No space left on device.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has files that cannot be read")
@pytest.mark.parametrize(
    ("table", "cause"), [("/proc/self/mem", "Input/output error"), ("/proc/self/attr/exec", "Invalid argument")]
)
def test_a_read_error_names_the_file(folder, table, cause):
    done = run(folder, "fit", table, "--target", "y")
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {Path(table).name} ")
    assert done.stderr.count("\n") == 1
    assert "standard output" not in done.stderr


def test_a_working_folder_that_was_deleted_is_named(folder):
    gone = folder / "gone"
    gone.mkdir()
    done = run(gone, "fit", str(folder / "t.csv"), "--target", "y", "--save", "m.json", preexec_fn=gone.rmdir)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the working folder no longer exists. Change to another folder.\n"


@FULL
def test_a_full_temporary_folder_is_named(folder, monkeypatch, capsys):
    from regress.cli import main, models

    class Full:
        def __init__(self, *_): ...

        def __enter__(self):
            self.file = open("/dev/full", "wb", buffering=0)
            return self.file

        def __exit__(self, *_):
            self.file.close()

    regress.fit(folder / "t.csv", "y", drop=["c"]).save(folder / "m.json")
    monkeypatch.setattr(models.tempfile, "SpooledTemporaryFile", Full)
    monkeypatch.setattr(models.tempfile, "gettempdir", lambda: "/some/folder")
    with pytest.raises(SystemExit) as end:
        main.main(["predict", str(folder / "m.json"), str(folder / "t.csv")])
    assert end.value.code == 2
    told = "Error: The temporary folder /some/folder cannot be used: No space left on device"
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.parametrize("limit", [300, 800, 1500])
def test_too_little_address_space_is_refused_before_a_library_aborts(folder, limit):
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (limit * 10**6, limit * 10**6))

    done = run(folder, *FIT, preexec_fn=limited)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: This process may use {limit:,} MB of address space")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("of NumPy\nand more"), "regress failed unexpectedly (ValueError: of NumPy"),
        (KeyError("name"), "(KeyError: 'name'"),
        (pl.exceptions.PanicException("called `unwrap`"), "(PanicException: called `unwrap`"),
        (MemoryError(), "there is too little memory"),
        (RuntimeError("can't start new thread"), "there is too little memory"),
        (OSError(5, "Input/output error"), "a file cannot be used: Input/output error."),
        (OSError(5, "Input/output error", "t.csv"), "t.csv cannot be used: Input/output error."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_nobody_foresaw_is_one_sentence_with_its_type_and_place(folder, error, words, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    monkeypatch.chdir(folder)
    monkeypatch.setattr("regress.api.fit.fit", fail)
    with pytest.raises(SystemExit) as end:
        main(list(FIT))
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.startswith("Error: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("module", ["click", "numpy", "polars"])
def test_ctrl_c_while_libraries_are_imported_leaves_no_traceback(folder, module):
    """A module of that name that is interrupted stands for a library that takes its time."""
    (folder / "first").mkdir()
    (folder / "first" / f"{module}.py").write_text("raise KeyboardInterrupt\n")
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'first'}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", START], cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.lstrip() in ("Interrupted.\n", "Interrupted before the first row. Nothing was written.\n")


@pytest.mark.parametrize("module", ["click", "polars"])
def test_a_library_that_cannot_be_loaded_is_one_sentence(folder, module):
    (folder / "first").mkdir()
    (folder / "first" / f"{module}.py").write_text("raise ImportError('no such wheel')\n")
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'first'}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", START], cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: regress failed unexpectedly (ImportError: no such wheel")
    assert done.stderr.count("\n") == 1
