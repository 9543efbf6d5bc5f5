"""What was measured on, and beside which peers: without it, figures of two runs cannot be compared."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import peers

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")
_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s*(\d+) kB$", re.MULTILINE)


def told() -> dict[str, Any]:
    """The machine and the versions of the peers; null: not installed, and so not measured."""
    return {
        "cpu": _found(_MODEL, "/proc/cpuinfo"),
        "cores": len(os.sched_getaffinity(0)),
        "memoryKiB": int(_found(_MEMORY, "/proc/meminfo") or 0),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "loadAverage": list(os.getloadavg()),
        "peers": {name: _version(name) for name in peers.PEERS},
    }


def _found(what: re.Pattern[str], path: str) -> str | None:
    found = what.search(Path(path).read_text())
    return found[1] if found else None


def _version(name: str) -> str | None:
    """What a program says of its version. Envoy's says `--version`, nginx's `-v` on standard error."""
    program = shutil.which(name, path=peers.PATH)
    if program is None:
        return None
    with suppress(PackageNotFoundError):  # it is of a wheel; Envoy's has another name
        return version(name)
    option = "-v" if name == "nginx" else "--version"
    said = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout + said.stderr)
    return found[0] if found else "unknown"
