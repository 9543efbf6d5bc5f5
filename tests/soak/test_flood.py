"""Customers, memory and disk while strangers, an applicant and a hostile customer do the worst they can."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import flood
from sluicegate.settings import DailyLimits

MIB = 1 << 20
PARTIES = 2
"""Who can have something written again and again: an applicant and a customer."""
ON_DISK = 4
"""What an entry's bytes come to on the disk: with indexes, and also in the write-ahead log."""
GROWTH = 1.15
"""How much more memory may be used in the last quarter than in the second."""


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize(
    "seconds", [20, *(pytest.param(each, marks=pytest.mark.long) for each in (60, 1_800))]
)
def test_a_flood_costs_no_customer_an_answer_and_neither_memory_nor_disk(
    tmp_path: Path, seconds: int
) -> None:
    seen = flood.watch(tmp_path, seconds)
    assert seen.refusals == 0, seen.statuses
    assert seen.orders_ms, "no order was accepted"
    quarter = len(seen.memory) // 4
    before, after = max(seen.memory[quarter : 2 * quarter]), max(seen.memory[3 * quarter :])
    assert after <= GROWTH * before + 16 * MIB, seen.memory
    assert seen.disk[-1] <= ON_DISK * PARTIES * DailyLimits().bytes, seen.disk
