# The virtual environment .venv at the project's root, shared by scripts/demo and scripts/test.
# Sourced by them, under `set -euo pipefail`; written for bash 3.2 and for the tools of both Linux and macOS.
# Everything it says goes to stderr, so that stdout is the command's alone.
#
# .venv/regress-setup says what was installed, in three lines: for which root and Python; the checksum of the files
# that decide; the extra. It is written last and removed first. While pip is at work .venv/regress-unfinished stands
# in its place: an environment that carries it was interrupted, and is made anew.

root=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
venv=$root/.venv
stamp=$venv/regress-setup
unfinished=$venv/regress-unfinished
log=$venv/regress-setup.log

unset PYTHONHOME PYTHONPATH  # the environment is to see its own packages only
export PIP_USER=0            # pip's per-user installs do not work inside an environment

say() {
  printf '%s\n' "$*" >&2
}

# Print the version, such as 3.12, of a Python that can carry the environment; fail for any other, or for no Python.
python_version() {
  "$1" -c '
import sys, sysconfig
suits = (3, 11) <= sys.version_info[:2] <= (3, 13) and not sysconfig.get_config_var("Py_GIL_DISABLED")
if not suits:
    sys.exit(1)
import ensurepip, venv
print("%d.%d" % sys.version_info[:2])
' 2>/dev/null </dev/null
}

# Print the first Python that suits, .venv's own apart: it may be active, and about to be removed.
find_python() {
  local candidate PATH=:$PATH:
  PATH=${PATH//":$venv/bin:"/:}
  PATH=${PATH#:}
  PATH=${PATH%:}
  for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
    if python_version "$candidate" >/dev/null; then
      command -v "$candidate"  # its path, as the caller's PATH is another
      return
    fi
    if [ "$candidate" = "${PYTHON:-}" ]; then
      say "PYTHON=$PYTHON is not a Python 3.11 to 3.13 with venv and pip: looking for another."
    fi
  done
  return 1
}

# Print the checksum of what decides what is installed and compiled; the version, because pip records it too.
checksum() {
  {
    cat "$root"/{pyproject.toml,constraints.txt,scripts/lib/build_kernel.py,regress/numerics/kernel.c}
    grep '^__version__' "$root/regress/__init__.py"
  } | cksum
}

# Print the first line of the stamp as it should be: .venv keeps absolute paths, so it belongs to one root.
# Fails where .venv has no working Python, or another than $PYTHON asks for.
place() {
  local version wanted
  version=$(python_version "$venv/bin/python") || return 1
  if [ -n "${PYTHON:-}" ] && wanted=$(python_version "$PYTHON") && [ "$wanted" != "$version" ]; then
    return 1
  fi
  printf '%s %s\n' "$version" "$root"
}

# Does .venv hold the extra $1, from the files as they are now? "dev" includes every other extra.
up_to_date() {
  local here has_place has_checksum has_extra
  [ -f "$stamp" ] && [ ! -e "$unfinished" ] && [ -x "$venv/bin/regress" ] || return 1
  here=$(place) || return 1
  { read -r has_place && read -r has_checksum && read -r has_extra; } <"$stamp" || return 1
  [ "$has_place" = "$here" ] && [ "$has_checksum" = "$(checksum)" ] || return 1
  [ "$has_extra" = "$1" ] || [ "$has_extra" = dev ]
}

# Can packages be added to .venv as it stands?
usable() {
  local here has_place
  [ ! -e "$unfinished" ] && here=$(place) && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || return 1
  if [ -f "$stamp" ]; then
    read -r has_place <"$stamp" && [ "$has_place" = "$here" ]
  fi
}

# Report why the set-up stopped, with the end of the log, and leave.
set_up_failed() {
  tail -n 20 "$log" >&2 || true
  say "$1 The lines above are the end of ${log#"$root"/}; the next call starts afresh."
  exit 1
}

# Make .venv hold the package, editable, with the extra $1.
set_up() {
  local extra=$1 python
  if up_to_date "$extra"; then
    return
  fi
  if ! python=$(find_python); then
    say "regress needs Python 3.11, 3.12 or 3.13 with its venv module: install one (python.org, Homebrew," \
      "or on Debian and Ubuntu: apt install python3-venv), or name it, as in PYTHON=/path/to/python3.12."
    exit 2
  fi

  # One set-up at a time. The kernel drops this lock when this shell and its pip have ended, however they end.
  exec 9<"$root/pyproject.toml"
  "$python" -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another set-up of .venv to end.", file=sys.stderr, flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks
'
  if ! up_to_date "$extra"; then
    install "$extra" "$python"
  fi
  exec 9<&-
}

# Make or complete .venv, with the lock held.
install() {
  local extra=$1 python=$2
  if ! usable; then
    say "Making .venv with Python $(python_version "$python")."
    rm -rf "$venv"
    mkdir "$venv"
    : >"$unfinished"
    "$python" -m venv "$venv" >"$log" 2>&1 || set_up_failed "The environment .venv could not be made."
  fi
  : >"$unfinished"
  rm -f "$stamp"
  say "Installing regress[$extra] into .venv (over a gigabyte with TensorFlow; some minutes the first time)."
  (
    cd "$root"  # paths in pip's options are relative to here
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
      --constraint constraints.txt --editable ".[$extra]"
  ) >"$log" 2>&1 </dev/null || set_up_failed "pip could not install regress[$extra]."
  { place && checksum && printf '%s\n' "$extra"; } >"$stamp"
  rm -f "$unfinished"
  say "Done; later calls start at once."
}
