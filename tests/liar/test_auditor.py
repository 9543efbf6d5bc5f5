"""Every field of every entry of a log with every act in it, said otherwise: an auditor finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from sluicegate_record.entries import TYPES, Entry
from sluicegate_record.entries.body import layout_of
from sluicegate_record.record import Record
from tests.forging import told
from tests.liar.auditing import IS_FREE, field_of, is_unsigned, judged, judged_later, lies
from tests.record.law.test_law import stored

EVERY = 40
"""At how many places one is tried, where earlier entries come again."""
BY = "by"
"""Who sent a command: a pseudonym, which only its writer knows. Time itself is `clock`."""
AGAIN_IS_LAWFUL = {
    *("case.determined", "case.proceeded", "case.screened", "case.warned"),
    *("credential.attested", "credential.expiring", "credential.issued", "credential.revoked"),
    "definition.added",
    "identifiers.declared",
    *("directive.in_force", "directive.lifted", "grant.fallback_chosen", "grant.proven", "list.changed"),
    "grant.differed",
    *("members.registered", "members.removed", "organization.described", "organization.nominated"),
    *("point.declared", "point.retired", "point.stated", "promise.changed"),
    *("provider.registered", "provider.removed"),
    *("record.added", "release.applied", "signatory.pinned", "signatory.retired", "stage.opened"),
    *("status.claimed", "status.revoked"),
}
"""The types of which an entry may come again at once: it changes nothing, or only its writer knows."""


def unfound(of: Callable[[Entry], bool], used: set[tuple[str, str]]) -> Iterator[str]:
    """The lies that an auditor should find and does not. `used` gets the fields where it is free to lie."""
    for record, other in lies(of):
        field = field_of(other)
        if field[1] == BY or judged(record, other.entry) is not None or is_unsigned(other):
            continue
        if field in IS_FREE:
            used.add(field)
            continue
        if judged_later(record, [other.entry, *stored()[other.entry.size :]]) is None:
            yield f"{other.entry.seq} {field} {other.path} {other.kind}"


def one_of_each_type(random: Random) -> Callable[[Entry], bool]:
    """Whether an entry is the one that is chosen of its type."""
    by_type: dict[str, list[int]] = {}
    for entry in stored():
        by_type.setdefault(entry.type, []).append(entry.seq)
    chosen = {random.choice(each) for each in by_type.values()}
    return lambda entry: entry.seq in chosen


def test_an_auditor_finds_what_a_field_says_otherwise() -> None:
    """A sample; the whole is below."""
    assert not list(unfound(one_of_each_type(Random(1)), set()))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_auditor_finds_what_every_field_says_otherwise() -> None:
    used = set[tuple[str, str]]()
    assert not list(unfound(lambda entry: True, used))
    assert used == IS_FREE


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_each_field_that_is_declared_is_told_otherwise() -> None:
    attacked = {field_of(other) for _, other in lies(lambda entry: True)}
    declared = {
        (name, each.key)
        for name, body in TYPES.items()
        for each in (*layout_of(body).public, *layout_of(body).gate)
    }
    assert declared - attacked == set()


def test_an_auditor_finds_what_comes_again_at_once() -> None:
    found, record = set[str](), Record()
    for entry in stored():
        record.apply(entry)
        if judged(record, told(entry, {}, seq=entry.size)) is None:
            found.add(entry.type)
    assert found == AGAIN_IS_LAWFUL


@pytest.mark.long
def test_an_auditor_finds_what_comes_again_later() -> None:
    found, record, log = set[str](), Record(), stored()
    for entry in log:
        for each in log[: entry.seq] if entry.seq % EVERY == 0 else ():
            repeated = told(each, {}, seq=entry.seq, at_ms=log[entry.seq - 1].at_ms)
            if each.body != entry.body and judged(record, repeated) is None:
                found.add(each.type)
        record.apply(entry)
    assert found - AGAIN_IS_LAWFUL == {"grant.suspended"}
