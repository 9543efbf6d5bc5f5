"""Each check of the law, and each part of one, taken out: what `shown.txt` names shows it.

The list is of every check in the code. A check that is added, or is other than it was, is not on it: then
`python -m tests.liar.showing` makes the list again, and what nothing shows needs a lie of its own.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.liar.mutants import Check, checks
from tests.liar.showing import NOTHING, SHOWN, shows
from tests.liar.test_mutants import SHOWN as AT_A_GATEWAY
from tests.liar.test_mutants import check_of

SAMPLE = 30


def listed() -> dict[str, str]:
    """What shows each check, by its words."""
    lines = SHOWN.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" <- ", 1) for line in lines)


def test_the_list_has_every_check() -> None:
    assert listed().keys() == {str(check) for check in checks()}


def test_each_check_is_shown_by_something() -> None:
    shown_there = {str(check_of(function, words)) for function, words, *_ in AT_A_GATEWAY}
    assert {words for words, how in listed().items() if how == NOTHING} <= shown_there


def failing(chosen: list[Check]) -> list[str]:
    """The checks that are not shown as the list says."""
    how = listed()
    return [str(each) for each in chosen if how[str(each)] != NOTHING and not shows(each, how[str(each)])]


def test_what_is_listed_shows_a_sample() -> None:
    assert not failing(Random(1).sample(list(checks()), SAMPLE))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_is_listed_shows_each_check() -> None:
    assert not failing(list(checks()))
