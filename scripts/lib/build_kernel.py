"""Compile regress/numerics/kernel.c when the package is built or installed, by the C compiler that ziglang brings.

Where that is impossible, the package is built without it, and computes the same in NumPy.

python scripts/lib/build_kernel.py   # compile it again in a checkout, after a change of kernel.c
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NUMERICS = Path("regress") / "numerics"


class Target(NamedTuple):
    """What to compile for: the system as zig names it, kinds of CPU by the end of a file's name; the wheel's tag."""

    system: str
    cpus: dict[str, str]
    tag: str


TARGETS = {
    ("Linux", "x86_64"): Target(
        "x86_64-linux-gnu.2.17", {"v3": "x86_64_v3", "v4": "x86_64_v4"}, "manylinux_2_17_x86_64"
    ),
    ("Linux", "aarch64"): Target("aarch64-linux-gnu.2.17", {"neon": "baseline"}, "manylinux_2_17_aarch64"),
    ("Darwin", "arm64"): Target("aarch64-macos.11.0", {"neon": "baseline"}, "macosx_11_0_arm64"),
}
# No product and sum become one operation but where the source has them in one expression; no checks at run time.
FLAGS = ["-O3", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-ffp-contract=on", "-fno-sanitize=all"]


def target() -> Target | None:
    """Return what this machine can run; None where it is none of the targets."""
    if platform.system() == "Linux" and platform.libc_ver()[0] != "glibc":
        return None
    return TARGETS.get((platform.system(), platform.machine()))


def compile_all(root: Path, to: Target) -> list[Path]:
    """Compile the source for each kind of CPU; return the libraries, which replace those of other sources."""
    source, made = root / NUMERICS / "kernel.c", []
    with tempfile.TemporaryDirectory() as cache:
        caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        for name, cpu in to.cpus.items():
            library = Path(cache) / f"kernel_{name}.{crc32(source.read_bytes()):08x}.so"
            words = [*FLAGS, "-target", to.system, f"-mcpu={cpu}", "-shared", "-fPIC", "-s"]
            words += [str(source), "-o", str(library)]
            subprocess.run([sys.executable, "-m", "ziglang", "cc", *words], check=True, env=os.environ | caches)
            made.append(library)
        for old in source.parent.glob("kernel_*.so"):
            old.unlink()  # a process that runs it keeps it
        return [Path(shutil.copy(library, source.parent)) for library in made]


class Hook(BuildHookInterface):  # type: ignore[misc]  # untyped
    """Compiles before a wheel is filled, or an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as one for this kind of machine."""
        to = target()
        if to is None:
            self.app.display_warning("regress is built without its compiled kernel: this kind of machine has none.")
            return
        try:
            made = compile_all(Path(self.root), to)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"regress is built without its compiled kernel: {error}.")
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{to.tag}"
        build_data["artifacts"] += [str(library.relative_to(self.root)) for library in made]


if __name__ == "__main__":
    here = target()
    if here is None:
        sys.exit("This kind of machine has no compiled kernel.")
    for path in compile_all(Path(__file__).resolve().parents[2], here):
        print(path)
