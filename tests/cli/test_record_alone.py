"""An auditor installs the record package alone, and hears what `ledger verify` says.

What the package needs, and is built with, is laid beside it as wheels, made again from what is installed
here: `pip` asks no network, and finds nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cli.commands import NOBODY, Cli, Done
from tests.cli.unlawful import lying, signed
from tests.strangers import handling
from tests.worlds import LOG

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "docs" / "record" / "ledger"
VKEY = LEDGER / "vkey"
AS_JSON = ("--json",)
NEEDS, BUILT_WITH = "cryptography", "hatchling"
PIP_OPTIONS = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir",
               "--no-compile", "--no-index")  # fmt: skip
INSTALLED = """
import importlib.metadata, json
print(json.dumps([each.metadata["Name"] for each in importlib.metadata.distributions()]))
"""
IMPORTED = """
import importlib, json, pkgutil, sys
before = set(sys.modules)
import sluicegate_record
for module in pkgutil.walk_packages(sluicegate_record.__path__, "sluicegate_record."):
    importlib.import_module(module.name)
tops = {name.partition(".")[0] for name in sys.modules.keys() - before} - set(sys.stdlib_module_names)
print(json.dumps([top for top in tops if not top.startswith("_")]))
"""


def needed(name: str) -> Iterator[str]:
    """A distribution and all that it needs on this machine."""
    yield str(canonicalize_name(name))
    for requirement in map(Requirement, distribution(name).requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name)


def lay_wheel(found: Distribution, folder: Path) -> None:
    """Lay down the wheel that a distribution was installed from, but for its scripts."""
    files = [file for file in found.files or () if file.hash and file.parts[0] != ".."]
    (about,) = (file.parent for file in files if file.name == "WHEEL")
    tag = next(line[5:] for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))
    record = [f"{file},{file.hash.mode}={file.hash.value},{file.size}\n" for file in files if file.hash]
    with ZipFile(folder / f"{about.name.removesuffix('.dist-info')}-{tag}.whl", "w") as archive:
        for file in files:
            archive.write(str(file.locate()), str(file))
        archive.writestr(f"{about}/RECORD", "".join(record))


def run(command: Sequence[object], folder: Path) -> Done:
    """Run a program in a folder; of this environment it knows where programs are."""
    words = [str(word) for word in command]
    environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Auditor:
    """Runs Python where the record package is installed, and nothing but what it needs."""

    python: Path
    folder: Path

    def __call__(self, *arguments: object) -> Done:
        return run([self.python, "-I", *arguments], self.folder)


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    folder = tmp_path_factory.mktemp("auditor")
    (folder / "wheels").mkdir()
    for name in {*needed(NEEDS), *needed(BUILT_WITH)}:
        lay_wheel(distribution(name), folder / "wheels")
    venv.create(folder / "environment", with_pip=False)
    python = folder / "environment" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", ROOT / "record"]
    installed = run([*pip, *PIP_OPTIONS, "--find-links", folder / "wheels"], folder)
    assert installed.code == 0, installed
    return Auditor(python, folder)


def test_it_brings_cryptography_and_nothing_else(auditor: Auditor) -> None:
    installed = {canonicalize_name(name) for name in auditor("-c", INSTALLED).answer}
    assert installed == {"sluicegate-record", *needed(NEEDS)}


def test_all_of_it_imports_cryptography_and_nothing_else(auditor: Auditor) -> None:
    assert set(auditor("-c", IMPORTED).answer) == {"cryptography", "sluicegate_record"}
    assert "No module named 'sluicegate'" in auditor("-c", "import sluicegate").err


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Logs that an auditor is shown, and what is none."""
    folder = tmp_path_factory.mktemp("places")
    shutil.copytree(LEDGER, folder / "log")
    for bundle in (shutil.copytree(LEDGER, folder / "altered") / "tile" / "entries" / "000.p").iterdir():
        data = bytearray(bundle.read_bytes())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(data)
    shutil.rmtree(shutil.copytree(LEDGER, folder / "lacking") / "tile" / "entries")
    (folder / "empty.db").touch()
    with handling(partial(SimpleHTTPRequestHandler, directory=folder)) as url:
        yield {
            "folder": LEDGER,
            "url": url,
            "altered": folder / "altered",
            "lacking": folder / "lacking",
            "unlawful": signed(lying().entries, folder),
            "empty": folder / "empty.db",
            "silent": NOBODY,
        }


@pytest.mark.parametrize(
    ("place", "key", "code", "options"),
    [
        ("folder", VKEY, 0, ()),
        ("folder", VKEY, 0, AS_JSON),
        ("url", VKEY, 0, ()),
        ("folder", LOG, 5, ()),
        ("altered", VKEY, 5, ()),
        ("lacking", VKEY, 5, AS_JSON),
        ("unlawful", LOG, 5, ()),
        ("unlawful", LOG, 5, AS_JSON),
        ("folder", "no-key", 3, AS_JSON),
        ("empty", VKEY, 3, AS_JSON),
        ("silent", VKEY, 4, AS_JSON),
    ],
)
def test_it_says_what_ledger_verify_says(
    auditor: Auditor, cli: Cli, places: dict[str, object], place: str, key: object, code: int, options: Any
) -> None:
    asked = (places[place], "--key", key, *options)
    alone, product = auditor("-m", "sluicegate_record", "verify", *asked), cli("ledger", "verify", *asked)
    assert (alone.code, product.code) == (code, code)
    assert alone.out == product.out
    assert bool(alone.out) is (code in {0, 5})
    if not alone.out:
        said = json.loads(alone.err)["error"]
        assert said == {name: product.error[name] for name in ("code", "message", "remedy")}
