"""Counts over customers, while others read and write.

Rules:
- Counting takes longer the more customers there are. It holds the state one slice at a time, so that the
  fleet and the writer wait for one slice only. If the state changes before the end, it counts again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from sluicegate.core.access import coverage
from sluicegate.core.access.coverage import Customers, Held
from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import Cover
from sluicegate.core.lifecycle import State
from sluicegate.core.people.persons import Person
from sluicegate.service.ledger import Ledger

TRIES = 5
Count = TypeVar("Count")


def settled(ledger: Ledger, count: Callable[[Table, Held], Count]) -> Count:
    """The result of a count over a table that has not changed meanwhile. It reads the table within `Held`.

    If the table changes every time, this is the newest count, with some of the changes in it: a caller who
    keeps writing cannot keep a count from ending.
    """
    tries = 0
    while True:
        with ledger.reading() as state:
            table, size = state.table, state.size
        newest, tries = count(table, ledger.reading), tries + 1
        if ledger.size() == size or tries == TRIES:
            return newest


def customers(state: State, organizations: Collection[str]) -> Customers:
    """Some organizations, to count over."""
    table = state.table

    def credentials() -> Iterator[CredentialRow]:
        for grant in state.granted.merged(("organization", name) for name in organizations):
            yield from map(table.credentials_by_id.__getitem__, state.keyring.lists.get(grant, ()))

    def people() -> Iterator[Person]:
        for name in organizations:
            yield from map(table.people.__getitem__, state.registry.members.get(name, ()))

    return Customers(credentials, people, organizations)


def within_reach(state: State, directive: Cover) -> Customers:
    """Those that a directive can cover: organizations that it names, with those of persons; or everyone."""
    selector, people = directive.selector, state.table.people
    if selector.is_open or selector.registered_in:
        return coverage.everyone(state.table)
    of_members = {people[name].organization for name in selector.members if name in people}
    return customers(state, selector.organizations | of_members)
