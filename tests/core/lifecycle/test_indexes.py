"""What a command asks of all customers, it finds by an index: it never goes through them all.

What is forbidden is a walk through what has one item a case, a grant, an organization, a person or a
credential. So a command costs the same with many customers as with few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import Command, Refusal, State
from sluicegate.core.lifecycle.keys import RecordKey
from tests.unwalked import held, unwalked
from tests.vectors.acts import THEMES, history
from tests.vectors.history import History
from tests.worlds import RELEASE, STAGE


class Held(History):
    """A history in which no command may go through all that there is of something.

    One may: the revocation of a stolen key looks into each case, so that no forged consent escapes it.
    """

    def __init__(self) -> None:
        super().__init__()
        unwalked(self.state)

    def _do(self, command: Command, by: str) -> dict[str, Any] | Refusal:
        if isinstance(command, RecordKey) and lifecycle.narrows(command):
            return super()._do(command, by)
        with held():
            return super()._do(command, by)


def test_no_command_goes_through_all_customers() -> None:
    made = Held()
    for theme in THEMES:
        theme(made)
    assert [entry.leaf for entry in made.entries] == [entry.leaf for entry in history().entries]


def test_the_indexes_are_what_a_scan_gives_after_every_act() -> None:
    state, reached = State(), dict[str, dict[str, set[str]]]()
    for entry in history().entries:
        state.apply(entry)
        for grant in state.table.grants_by_id.values():
            for model in grant.models:
                reached.setdefault(grant.release, {}).setdefault(model, set()).add(grant.surface)
        assert state.reached == reached, entry.seq
        rows = state.table.held.items()
        held = {name: [each.id for each in grants if each.release] for name, grants in rows}
        assert {name: grants for name, grants in held.items() if grants} == _held(state)
        others = [each.id for _, grants in rows for each in grants if not each.release]
        assert sorted(others) == sorted(state.table.accounts)
        assert state.undescribed.keys() == {grant.organization for grant in state.grants.values()} - set(
            state.table.organizations
        )
        assert _pairs(state.registry.attesting) == {
            (keyid, credential) for credential, (keyid, _) in state.registry.attested.items()
        }
        assert [*state.remarks.items()] == [*_remarks(state).items()]
    assert state.reached
    assert state.remarks


def _held(state: State) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for grant in state.grants.values():
        found.setdefault(grant.organization, []).append(grant.id)
    return found


def _pairs(nested: Mapping[str, Mapping[str, None]]) -> set[tuple[str, str]]:
    return {(outer, inner) for outer, within in nested.items() for inner in within}


def _remarks(state: State) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for note in state.notes.values():
        if "directive" in note["about"]:
            found.setdefault(note["about"]["directive"], []).append(note)
    return found


class Seats(State):
    """A state with a waitlist, made without a log. Each organization is a letter."""

    def __init__(self, waiting: str, seated: str, seats: int | None) -> None:
        super().__init__()
        self._seats = seats
        names = {f"case_{place}": organization for place, organization in enumerate(waiting)}
        self.record.cases = {name: Waiting(names[name]) for name in names}  # type: ignore[misc]
        self.waitlists[RELEASE, STAGE] = {name: place for place, name in enumerate(names)}
        self.seats[RELEASE, STAGE] = Counter(seated)
        for name, organization in names.items():
            self.cases_of.setdefault(organization, ["case_of another stage"]).append(name)

    def seats_of(self, release: str, stage: str) -> int | None:
        return self._seats


@dataclass
class Waiting:
    """A case that waits for a seat."""

    organization: str


LETTERS = st.text("abcdefg", max_size=12)


@settings(max_examples=500)
@given(LETTERS, LETTERS, st.integers(0, 9) | st.none())
def test_the_next_offers_are_what_a_scan_of_the_waitlist_gives(
    waiting: str, seated: str, seats: int | None
) -> None:
    taken, expected = set(seated), []
    for place, organization in enumerate(waiting):
        if organization in taken or seats is None or len(taken) < seats:
            taken.add(organization)
            expected.append(f"case_{place}")
    assert [*Seats(waiting, seated, seats).next_offers(RELEASE, STAGE)] == expected
