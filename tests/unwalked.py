"""A state that answers what is asked of one thing, and that no one goes through.

Rules:
- Held are the collections with one item a case, a grant, an organization, a person, a credential or a note.
- They may be gone through outside `held`, so that a test can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sluicegate.core.lifecycle import State

HELD = {
    "record": ("cases", "grants", "dossiers"),
    "table": (
        *("credentials", "grants", "grants_by_id", "pending", "organizations", "people", "registry"),
        *("providers", "credentials_by_id", "cases"),
    ),
    "keyring": ("places", "lists", "imports"),
    "registry": ("members", "told", "signatories", "attested", "attesting", "providers"),
}
OF_STATE = ("open_applications", "cases_of", "nominations", "notes")


_IS_HELD = ContextVar("_IS_HELD", default=False)


class Walked(AssertionError):
    """Something went through all items of a collection."""


class Unwalked(dict[Any, Any]):
    """A dictionary that gives one item at a time."""

    def _walk(self) -> None:
        if _IS_HELD.get():
            raise Walked

    def __iter__(self) -> Iterator[Any]:
        self._walk()
        return super().__iter__()

    def keys(self) -> Any:
        self._walk()
        return super().keys()

    def values(self) -> Any:
        self._walk()
        return super().values()

    def items(self) -> Any:
        self._walk()
        return super().items()


def unwalked(state: State) -> None:
    """Let a state have such collections."""
    for owner, names in ((state, OF_STATE), *((getattr(state, part), names) for part, names in HELD.items())):
        for name in names:
            setattr(owner, name, Unwalked(getattr(owner, name)))


@contextmanager
def held() -> Iterator[None]:
    """Meanwhile, in this thread, going through such a collection is an error."""
    before = _IS_HELD.set(True)
    try:
        yield
    finally:
        _IS_HELD.reset(before)
