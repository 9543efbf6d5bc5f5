"""What is signed for a minute is all that the gateways of a surface let through in one, at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sluicegate.core.access.rate import CELLS, NOTHING, REST_MS, WHOLE, RatePart
from sluicegate.feed.leases import Leases
from sluicegate.feed.parts import NEVER, Parts
from tests.feed.surface import LIMITS, Excess, Surface, cells

LIVES_MS = 300_000.0
WORLDS, WORLDS_LONG = 4, 200
TRIED = 12
"""In how many worlds a broken variant may hide before it counts as not found."""


def lived(seed: int, leases: type[Leases] = Leases) -> Surface:
    """A surface after minutes in which everything went wrong that may. Raises: Excess."""
    surface = Surface(seed, leases, feeds=1 + seed % 2, gateways=2 + seed % 4)
    surface.live(LIVES_MS)
    return surface


def holds(seed: int) -> None:
    surface = lived(seed)
    assert surface.counts["through"] > 500
    surface.heal()
    given = cells(surface.gateways)
    assert len(given) == len(set(given)) > CELLS - len(surface.gateways)
    for limit in LIMITS:
        for gateway in surface.gateways:
            surface.use(gateway, limit, limit.per_minute)
        least = limit.per_minute if len(given) == CELLS else limit.per_minute * len(given) // CELLS
        assert least <= surface.spent(limit) <= limit.per_minute


@pytest.mark.parametrize("seed", range(WORLDS))
def test_no_minute_has_more_than_was_signed_and_in_the_end_all_of_it_may_be_used(seed: int) -> None:
    holds(seed)


@pytest.mark.long
@pytest.mark.timeout(3_000)
def test_no_minute_has_more_than_was_signed_in_many_worlds() -> None:
    for seed in range(WORLDS, WORLDS_LONG):
        holds(seed)


def asked(parts: Parts, spender: str, at_ms: float, ends_ms: float) -> RatePart:
    """The part of a spender that asks at some time for a lease that ends at another."""
    if parts.want("api", spender, at_ms, at_ms + 1_000):
        parts.keep(parts.unkept())
    return parts.give("api", spender, ends_ms)


def test_a_cell_goes_to_another_a_minute_after_the_end_of_the_lease_that_came_with_it() -> None:
    parts = Parts([], NEVER)
    assert asked(parts, "one", 0, 5_000) == WHOLE
    assert asked(parts, "other", 5_000 + REST_MS - 1, 5_000 + REST_MS) == NOTHING
    assert asked(parts, "other", 5_000 + REST_MS, 90_000) == WHOLE
    assert asked(parts, "one", 70_000, 90_000) == NOTHING


def test_who_comes_gets_its_part_when_the_others_have_given_way() -> None:
    parts, ends_ms = Parts([], NEVER), 5_000.0
    assert asked(parts, "one", 0, ends_ms) == WHOLE
    for at_ms in (1_000.0, 30_000.0, ends_ms + REST_MS - 1):
        assert asked(parts, "other", at_ms, at_ms + 40_000) == NOTHING
        assert asked(parts, "one", at_ms, at_ms + 40_000) == RatePart((0, 420))
    assert asked(parts, "other", ends_ms + REST_MS, 90_000) == RatePart((420, 840))


def test_a_part_that_is_not_on_the_disk_is_not_given() -> None:
    parts = Parts([], NEVER)
    assert parts.want("api", "one", 0, 1_000)
    assert parts.give("api", "one", 5_000) == NOTHING
    written = parts.unkept()
    assert parts.want("api", "one", 10, 1_010)
    assert parts.give("api", "one", 5_000) == NOTHING
    parts.keep(written)
    assert not parts.want("api", "one", 20, 1_020)
    assert parts.give("api", "one", 5_000) == WHOLE
    again = Parts(written["api"], 5_000)
    assert asked(again, "one", 30, 5_030) == WHOLE
    assert asked(Parts(written["api"], 5_000), "other", 30, 5_030) == NOTHING


class Forgetful(Leases):
    """Does not know after a start who may have what."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._parts = Parts([], NEVER)


class _Hasty(Parts):
    def _chosen(self, found: Any, spender: str, most: int, now_ms: float) -> Sequence[int]:
        place = sorted(found.lives).index(spender)
        return [*self._own][place * most : (place + 1) * most]


class AtOnce(Leases):
    """Divides by who is there now, whatever others have had."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._parts = _Hasty([], NEVER)


class Lonely(Leases):
    """Does not look at other feeds."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more | {"others": dict})


@pytest.mark.parametrize("broken", [Forgetful, AtOnce, Lonely])
def test_a_broken_variant_is_found_out(broken: type[Leases]) -> None:
    def is_found(seed: int) -> bool:
        try:
            lived(seed, broken)
        except Excess:
            return True
        return False

    assert any(map(is_found, range(TRIED)))
