"""What stays is looked at by no collection again."""

from __future__ import annotations

import gc

import pytest

from sluicegate.memory import STEP, Lasting


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


def test_what_has_come_in_number_is_left_out_of_collections():
    lasting, kept = Lasting(), [[number] for number in range(100)]
    lasting.grown(STEP - 1)
    assert any(each is kept for each in gc.get_objects())
    lasting.grown(STEP)
    assert not any(each is kept for each in gc.get_objects())
    later = [[STEP]]
    lasting.grown(2 * STEP - 1)
    assert any(each is later for each in gc.get_objects())
    lasting.grown(2 * STEP)
    assert not any(each is later for each in gc.get_objects())
