"""`up`: what it says when all three listen."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

from tests.cli.commands import Plane
from tests.cli.commands import plane as running_plane
from tests.waiting import BOUND_S


def test_each_process_says_its_url(cli, tmp_path):
    with running_plane(cli, tmp_path) as made:
        said = listening(made)
    assert re.fullmatch(r"gateway listening on http://127\.0\.0\.1:\d+\n", said[-1]), said


def listening(made: Plane) -> list[str]:
    """What `up` says until its gateway listens."""
    command = [
        *(sys.executable, "-m", "sluicegate", "up", "--trust", "trust.yaml", "--state", "up"),
        *("--upstream", "demo=http://127.0.0.1:1", "--clock-bound", "60"),
        *("--port", "0", "--feed-port", "0", "--gateway-port", "0"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=made.folder) as running:
        assert running.stdout is not None
        try:
            said = [running.stdout.readline()]
            while said[-1] and not said[-1].startswith("gateway"):
                said.append(running.stdout.readline())
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(BOUND_S) == 0
    return said
