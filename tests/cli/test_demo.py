"""The demonstration's commands are there in a checkout, wherever one stands, and only there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sluicegate

PACKAGE = Path(sluicegate.__file__).parent


def demo(sources: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `sluicegate demo ARGUMENTS` in a folder, of the package that lies in `sources`."""
    command = [sys.executable, "-m", "sluicegate", "demo", *arguments]
    path = os.pathsep.join([str(sources), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_is_found_beside_the_sources_whatever_else_has_its_name(tmp_path):
    (tmp_path / "demo.py").write_text("raise SystemExit('another demo')\n")
    done = demo(PACKAGE.parent, tmp_path, "story", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Tell the whole story once" in done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The package without its checkout, in a folder of packages beside which is a stranger called demo."""
    folder: Path = tmp_path_factory.mktemp("lib")
    shutil.copytree(PACKAGE, folder / "site-packages" / "sluicegate")
    (folder / "demo").mkdir()
    (folder / "demo" / "__init__.py").write_text("raise SystemExit('another demo')\n")
    return folder / "site-packages"


@pytest.mark.parametrize("arguments", [(), ("run", "--state", "build/run"), ("story", "--json")])
def test_an_installed_package_says_where_it_is(installed, tmp_path, arguments):
    done = demo(installed, tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "the demonstration comes with a checkout of the project" in done.stderr
