"""Each check of the law, and each part of one, taken out: what `shown.txt` names shows it.

The list is of every check in the code. A check that is added, or is other than it was, is not on it: then
`python -m tests.liar.showing` makes the list again, and what nothing shows needs a lie of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from random import Random

import pytest

from sluicegate_record.law import RULES
from sluicegate_record.record import Record
from tests.liar.mutants import Check, checks
from tests.liar.showing import AGAIN, LIE, NOTHING, SHOWN, lies_about, repeated, shows, stopping, words_of
from tests.liar.test_mutants import SHOWN as AT_A_GATEWAY
from tests.liar.test_mutants import check_of
from tests.record.law.test_law import stored

SAMPLE = 30
OF_EACH_SIGNED = {"is_named_by_its_digest"}
"""The rule that is no check of one type: rows in each table of `tests/record/law` break it."""


def listed() -> dict[str, str]:
    """What shows each check, by its words."""
    lines = SHOWN.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" <- ", 1) for line in lines)


def test_the_list_has_every_check() -> None:
    assert listed().keys() == {str(check) for check in checks()}


def test_every_rule_has_a_check() -> None:
    rules = {rule.__name__ for rules in RULES[1].values() for rule in rules}
    assert rules - {check.function for check in checks()} == OF_EACH_SIGNED


def unstopped(chosen: Collection[int] | None = None) -> dict[str, set[str]]:
    """The listed lies about some entries, or about all, that a check does not stop which they show.

    A row of `tests/record/law` says so of itself.
    """
    expected, found = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for check, how in listed().items():
        if how.partition(":")[0] in {LIE, AGAIN} and (chosen is None or int(how.split()[1]) in chosen):
            expected[how].add(check)
    told, record = {int(how.split()[1]) for how in expected}, Record()
    for entry in stored():
        for other in lies_about(entry) if entry.seq in told else ():
            if words_of(other) in expected:
                found[words_of(other)].update(map(str, stopping(record, other.entry)))
        record.apply(entry)
        if f"{AGAIN}: {entry.seq}" in expected:
            found[f"{AGAIN}: {entry.seq}"].update(map(str, stopping(record, repeated(entry))))
    return {how: those - found[how] for how, those in expected.items() if those - found[how]}


def test_the_lies_about_a_sample_are_stopped_by_their_checks() -> None:
    told = {int(how.split()[1]) for how in listed().values() if how.partition(":")[0] in {LIE, AGAIN}}
    assert unstopped(Random(1).sample(sorted(told), SAMPLE)) == {}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_lies_about_each_entry_are_stopped_by_their_checks() -> None:
    assert unstopped() == {}


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
