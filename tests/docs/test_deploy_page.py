"""The page about deployment, run from top to bottom with the installed packages alone, on other ports."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORTS = ("8600", "8610", "8700", "8701", "8800")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has both packages, built here, and no checkout.

    What they need comes from the environment of the tests, which has neither package in its folder.
    """
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    subprocess.run([*pip, *built, str(ROOT / "record"), str(ROOT)], check=True)
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    python = folder / "environment" / "bin" / "python"
    wheels = [str(each) for each in folder.glob("*.whl")]
    subprocess.run([*pip, "--python", str(python), "install", "--no-index", "--no-deps", *wheels], check=True)
    return python.parent


def _environment(programs: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{programs}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONSAFEPATH": "1"}


def test_the_packages_are_what_runs(installed: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [
            installed / "python",
            "-c",
            "import sluicegate, sluicegate_record as r; print(sluicegate.__file__, r.__file__)",
        ],
        env=_environment(installed),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.count(str(installed.parent)) == 2, found.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_page_runs_from_top_to_bottom(installed: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    ports = {port: str(_free_port()) for port in PORTS}
    given = f"--port {ports['8600']} --feed-port {ports['8610']} "
    script = script.replace("--origin log.example", f"{given}--origin log.example")
    script = re.sub("|".join(ports), lambda found: ports[found[0]], script)
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=_environment(installed),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            output, _ = running.communicate()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 0, output
    assert '"reason":"credential_unknown"' in output
    assert re.search(r"^sluicegate_lease_seconds [1-9]", output, re.MULTILINE)
    journals = sorted(tmp_path.glob("sluicegate/*.journal"))
    assert [each.name for each in journals] == ["gateway-1.journal", "gateway-2.journal", "serve.journal"]
    for each in journals:
        assert '"event": "stopping"' in each.read_text()
