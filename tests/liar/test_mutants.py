"""The law with a check taken out: the generated lies show it at a gateway with a trust file.

Each row names the check by its function and the beginning of its words, and the lies that show it: their
kind, and the type of entry that they are about. Some need a log that has tried what too few signed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.liar.histories import HISTORIES, honest
from tests.liar.lies import KINDS, Liar, Lie
from tests.liar.mutants import Check, checks, without
from tests.liar.oracle import checked, holes
from tests.liar.otherwise import Values
from tests.record.law.test_law import stored

SHOWN = [
    ("agreement.carried", "require(left is not None", "signed_elsewhere", "position.recorded"),
    ("agreement.given", "carried(", "signed_elsewhere", "position.recorded"),
    ("agreement.given", "require(conditions.is_tighter", "otherwise", "grant.approved"),
    ("agreement.answering", "require(terms in release.agreed", "signed_elsewhere", "position.recorded"),
    ("cases._agrees", "carried(", "signed_elsewhere", "position.recorded"),
    ("cases._agrees", "require(is_first", "again", "case.determined"),
    ("cases._grants", "_agrees(", "signed_elsewhere", "position.recorded"),
    ("cases.is_decided", "_grants(", "signed_elsewhere", "position.recorded"),
    ("cases.is_signed", "require(signed,", "otherwise", "position.recorded"),
    ("cases.is_signed", "require(word.question", "signed_elsewhere", "position.recorded"),
    ("directives.has_its_own_name", "require(body.replaces", "otherwise", "directive.issued"),
    ("directives.is_lifted_by_its_rule", "require(asked ==", "otherwise", "directive.lifted"),
    ("directives.lifts_for_whom_it_asks", "require(seen(body.named)", "otherwise", "directive.lifted"),
    ("grants._carries", "given(", "otherwise", "grant.approved"),
    ("grants._carries", "_lasts(", "otherwise", "grant.approved"),
    ("grants._is_of_its_holder", "require(case.kind", "swapped", "case.opened"),
    ("grants._lasts", "require(is_within", "otherwise", "grant.approved"),
    ("grants._of_grant", "raise Broken", "otherwise", "grant.amended"),
    ("grants.is_amended_as_agreed", "_is_of_its_holder(", "swapped", "case.opened"),
    ("grants.is_amended_as_agreed", "_lasts(", "otherwise", "grant.amended"),
    ("grants.is_amended_as_agreed", "given(", "otherwise", "grant.amended"),
    ("grants.is_amended_as_agreed", "require(body.valid_until_ms", "otherwise", "grant.amended"),
    ("grants.is_reinstated_on_appeal", "follows_at_once(", "later", "grant.reinstated"),
    ("grants.is_reinstated_on_appeal", "given(", "signed_elsewhere", "position.recorded"),
    ("grants.is_the_applicants", "require(seen(body.organization)", "otherwise", "grant.approved"),
    ("releases.is_agreed_to", "carried(", "signed_elsewhere", "position.recorded"),
    ("releases.is_signed_by_an_officer", "same(", "otherwise", "stage.opened"),
]


def lies(kind: str, type_: str) -> Iterator[tuple[str, Lie]]:
    for name in HISTORIES:
        made = Liar(honest(name), Values(stored()))
        for entry in made.log:
            if entry.type == type_:
                yield from ((name, lie) for lie in KINDS[kind](made, entry) if not lie.stops)


def check_of(function: str, words: str) -> Check:
    """The only check that is meant, whole."""
    of_it = (each for each in checks() if str(each).startswith(f"{function}: ") and not each.is_part)
    (found,) = (each for each in of_it if each.words.startswith(words))
    return found


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("function", "words", "kind", "type_"), SHOWN)
def test_a_lie_shows_that_a_check_is_missing(function: str, words: str, kind: str, type_: str) -> None:
    check = check_of(function, words)
    for name, lie in lies(kind, type_):
        if checked(name, [lie]):  # what the honest log gives is known before the law is changed
            raise AssertionError(lie)
        with without(check):
            if next(holes(name, lie), None) is not None:
                return
    raise AssertionError(f"no lie shows that it is missing: {check}")
