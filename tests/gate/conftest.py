"""Upstreams that many tests share, each with a pace of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.upstream import UpstreamSettings, in_thread
from tests.gate.running import UPSTREAM_KEY, Running, running
from tests.gate.world import World


@pytest.fixture(scope="session")
def quick() -> Iterator[str]:
    """An upstream that answers at once."""
    with in_thread(UpstreamSettings(api_key=UPSTREAM_KEY)) as url:
        yield url


@pytest.fixture
def paced() -> Iterator[str]:
    """An upstream whose streams and bodies take a long time to end."""
    settings = UpstreamSettings(api_key=UPSTREAM_KEY, chunks=10_000, chunk_interval_ms=5)
    with in_thread(settings) as url:
        yield url


@pytest.fixture
def flood() -> Iterator[str]:
    """An upstream with long answers, as fast as they are read."""
    with in_thread(UpstreamSettings(api_key=UPSTREAM_KEY, chunks=100_000)) as url:
        yield url


@pytest.fixture
def silent() -> Iterator[str]:
    """An upstream that does not begin to answer."""
    with in_thread(UpstreamSettings(api_key=UPSTREAM_KEY, first_chunk_delay_ms=600_000)) as url:
        yield url


@pytest.fixture
def world() -> World:
    return World.with_release()


@pytest.fixture
def gate(world: World, quick: str) -> Iterator[Running]:
    """A gateway before the quick upstream."""
    with running(world, quick) as gate:
        yield gate
