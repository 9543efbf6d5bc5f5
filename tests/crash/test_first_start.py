"""`kill -9` while a control plane starts for the first time: whatever that leaves, the next start works."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from tests.crash.plane import Plane, started

START_S = (0.0, 0.3)


@pytest.mark.parametrize("times", [8, pytest.param(150, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_killed_before_its_first_start_was_over(times, site, seed):
    instants = random.Random(seed)
    for run in range(times):
        folder = site.folder / str(run)
        folder.mkdir()
        plane = Plane(replace(site, folder=folder), apart=False)
        plane.control.spawn()
        time.sleep(instants.uniform(*START_S))
        plane.control.kill()
        with started(plane):
            plane.wait_ready(1)
