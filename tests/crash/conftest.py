"""What crash tests share: an upstream, and the seed of their random instants."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.upstream import UpstreamSettings, in_thread
from tests.crash.plane import Site
from tests.launcher import Launcher

SEED = "SLUICEGATE_CRASH_SEED"


@pytest.fixture(scope="session")
def upstream_url() -> Iterator[str]:
    with in_thread(UpstreamSettings()) as url:
        yield url


@pytest.fixture
def site(tmp_path: Path, launcher: Launcher, upstream_url: str) -> Site:
    return Site(tmp_path, launcher, upstream_url)


@pytest.fixture
def seed() -> str:
    """The run's seed: from the environment, to run a failure again, else a new one. It is printed."""
    chosen = os.environ.get(SEED) or str(random.SystemRandom().randrange(10**9))
    print(f"{SEED}={chosen}")  # noqa: T201 - shown where a test fails
    return chosen
