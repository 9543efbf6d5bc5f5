"""Text that people read."""

from __future__ import annotations

import pytest

from sluicegate_record.terms.text import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys"), (1_000, "1000 keys")]
)
def test_one_is_one_and_any_other_count_is_many(count, said):
    assert counted(count, "key") == said


def test_a_word_whose_many_is_not_its_one_with_an_s_says_it():
    assert [counted(count, "entry", "entries") for count in (0, 1, 2)] == [
        "0 entries",
        "1 entry",
        "2 entries",
    ]
