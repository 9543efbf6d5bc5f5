"""Settings for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest
from hypothesis import settings

from sluicegate import journal
from tests.launcher import Launcher
from tests.waiting import BOUND_S

pytest.register_assert_rewrite(
    *(f"tests.store.{port}_contract" for port in ("log", "outbox", "principals", "fleet", "transactions"))
)

settings.register_profile(
    "sluicegate", deadline=None, print_blob=True
)  # how busy the machine is, fails no test
settings.load_profile("sluicegate")

for each in ("connect", "read", "write", "pool"):  # 5 s by itself, which a busy machine may need
    setattr(httpx2._config.DEFAULT_TIMEOUT_CONFIG, each, BOUND_S)


@pytest.fixture(autouse=True)
def _own_events() -> None:
    """What callers cause is written 20 times at once in a process: not by the tests before, too."""
    journal.count_anew()


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """What starts `sluicegate …`, for all tests of a worker."""
    with closing(Launcher()) as launcher:
        yield launcher
