"""A gateway with a trust file believes no lie: generated ones, a sample of each kind, and all of them.

What it gives then is held against what it gives after the honest log (see `oracle`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from random import Random

import pytest

from tests.liar.histories import HISTORIES, REFUSED, honest, trusting
from tests.liar.lies import KINDS, Liar, Lie
from tests.liar.oracle import believed, checked
from tests.liar.otherwise import Values
from tests.record.law.test_law import stored

TOGETHER, TOGETHER_ALL = 10, 2_000
"""How many lies that tell several at once, of each log."""


@cache
def liar(name: str) -> Liar:
    return Liar(honest(name), Values(stored()))


def sample(name: str, random: Random) -> Iterator[Lie]:
    """Some lies of each kind."""
    made = liar(name)
    for kind in KINDS.values():
        for entry in random.sample(made.log, 3):
            told = list(itertools.islice(kind(made, entry), 40))
            yield from random.sample(told, min(len(told), 3))
    yield from itertools.islice(made.together(random), TOGETHER)


@pytest.mark.parametrize("name", HISTORIES)
def test_an_honest_log_is_believed(name: str) -> None:
    table = trusting()
    for entry in honest(name):
        table.apply(entry)
    assert table.findings == REFUSED.get(name, {}), table.told


@pytest.mark.parametrize("name", HISTORIES)
def test_no_lie_gives_anything(name: str) -> None:
    assert not checked(name, sample(name, Random(name)))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HISTORIES)
def test_no_lie_of_all_gives_anything(name: str, kind: str) -> None:
    made = liar(name)
    assert not checked(name, (lie for entry in made.log for lie in KINDS[kind](made, entry)))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", HISTORIES)
def test_no_lies_together_give_anything(name: str) -> None:
    assert not checked(name, itertools.islice(liar(name).together(Random(name)), TOGETHER_ALL))


def test_a_gateway_without_a_trust_file_believes_some_of_each_kind() -> None:
    """Else the tests above would show nothing."""
    made = liar("changes")
    ended = [entry for entry in made.log if entry.type == "grant.ended"]
    given = [entry for entry in made.log if entry.type == "grant.approved"]
    for name in KINDS.keys() - {"at_another_time", "later"}:  # when something was written is the log's word
        lies = (lie for entry in (*ended, *given[:2], *made.log[::5]) for lie in KINDS[name](made, entry))
        assert any(believed("changes", lie) for lie in lies), name
