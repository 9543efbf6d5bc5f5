"""One process that runs commands, and one control plane, for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.commands import EXAMPLES, Cli, Plane
from tests.cli.commands import plane as running_plane


@pytest.fixture(scope="session")
def cli(launcher, tmp_path_factory) -> Cli:
    return Cli(tmp_path_factory.mktemp("cli"), launcher)


@pytest.fixture(scope="session")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    """A control plane where a plan is applied, and nothing is signed. Tests change nothing in it."""
    with running_plane(cli, tmp_path_factory.mktemp("plane")) as made:
        made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")
        yield made
