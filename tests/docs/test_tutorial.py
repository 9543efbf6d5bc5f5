"""The tutorial, run from top to bottom as a newcomer would paste it, on other ports and in another folder."""

import os
import re
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.timeout(600)
def test_the_tutorial_runs_from_top_to_bottom(tmp_path):
    text = (ROOT / "docs" / "tutorial.md").read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    ports = {port: str(_free_port()) for port in ("8600", "8610", "8700", "8800")}
    script = re.sub("|".join(ports), lambda found: ports[found[0]], script)
    script = script.replace("build/tutorial", str(tmp_path / "tutorial"))
    said = tmp_path / "said.txt"
    with (
        said.open("w") as file,
        subprocess.Popen(
            ["bash", "-euc", script],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running,
    ):
        try:
            running.wait()
        finally:
            _end(running.pid)
    output = said.read_text()
    assert running.returncode == 0, output
    assert "state: approved" in output
    assert "You said: hello" in output
    assert '"reason":"directive_in_force"' in output
    assert "in force everywhere" in output
    assert "verified: " in output
    assert "found out, exit code 5" in output


def _end(group: int) -> None:
    """End what the script has left running."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
