"""Bearers of a name: the organizations of that legal name, in any spelling and punctuation, or identifier.

Rules:
- Names are matched as `core.people.legal_names` says. One that matches no one is shown to who listed it,
  with the names here that are nearest.
- An organization states its aliases and identifiers itself. So they cover it, whenever they are listed. An
  exception goes by an identifier only when the directive is issued, and if exactly one organization with a
  grant or an account states it then. Who only applied takes no one's exception away. An alias excepts no one.
- Only names are shown that the asker may see anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeAlias

from sluicegate.acts.directives import UnmatchedName
from sluicegate.core.lifecycle import State
from sluicegate.core.people import application, identifiers
from sluicegate.core.people.legal_names import bare_key, latin_form, look_alikes, names_of
from sluicegate.service.ledger import Ledger
from sluicegate_record.entries.cases import Description

Seen: TypeAlias = Callable[[State, Iterable[str]], bool]
"""Whether the asker may know of one of some organizations."""
SHOWN_MAX = 100
"""How many names are shown that match no one."""
COMPARED_MAX = 10
"""For how many of them the nearest names are looked for."""
NEAR = 0.75
"""How much of two names must be the same, in the same order."""
NEAREST_MAX = 3


class Bearers:
    """The organizations that have the names of some lists, whatever the punctuation.

    `excepting` are the lists of which an exception is made.
    """

    def __init__(
        self, ledger: Ledger, lists: Mapping[str, Sequence[str]], excepting: Collection[str] = ()
    ) -> None:
        self._ledger = ledger
        self._lists = lists
        self._excepting = excepting
        names = {name for listed in lists.values() for row in listed for name in names_of(row)}
        self._tags = {name: ledger.listed_tags(name) for name in names}
        keys = {name: bare_key(name) for name in names if identifiers.key(name) is None}
        applied: dict[str, list[str]] = {}
        for organization, key in ledger.store.principals.organizations(keys.values()):
            applied.setdefault(key, []).append(organization)
        self._applied = {name: applied[key] for name, key in keys.items() if key in applied}

    def tags(self, name: str) -> tuple[str, ...]:
        """The tags by which a gateway finds those of a name that is listed."""
        return self._tags[name]

    def of(self, state: State, name: str) -> frozenset[str]:
        """Those that have it as their legal name: in the log, or because they have ever applied here.

        And the one that alone states it, if it is an identifier.
        """
        legal = state.table.bearing(*self._tags[name]).union(self._applied.get(name, ()))
        return legal.union(self.identified(state, name))

    def identified(self, state: State, name: str) -> list[str]:
        """The organization that an identifier names; no one, if several state it, and for a name.

        Those count about which someone has decided, who saw it: holders of a grant or an account.
        """
        stating = self._stating(state, name) if identifiers.key(name) is not None else ()
        holding = [each for each in stating if state.table.held.get(each) or each in state.accounts.newest]
        return holding if len(holding) == 1 else []

    def _stating(self, state: State, name: str) -> list[str]:
        """Those that state a name or an identifier beside their legal name."""
        return [each for tag in self._tags[name] for each in state.table.other_names.stating.get(tag, ())]

    def without_tag(self, state: State, name: str) -> list[str]:
        """Those that no tag finds: an earlier build described them by how their names are spelled."""
        bearing = state.table.bearing(*self._tags[name])
        applied = self._applied.get(name, ())
        return [each for each in applied if each in state.table.organizations and each not in bearing]

    def meant(self, state: State, row: str, *, excepts: bool = False) -> list[str]:
        """The organizations that a row of a list covers, or excepts."""
        found = list[str]()
        for name in names_of(row):
            found += [name] if name in state.table.organizations else self.of(state, name)
            found += () if excepts else self._stating(state, name)
        return found

    def unmatched(self, state: State, seen: Seen) -> list[tuple[str, str]]:
        """The rows that match no organization that the asker may see, each with its list."""
        return [
            (row, listed)
            for listed, rows in self._lists.items()
            for row in rows
            if not seen(state, self.meant(state, row, excepts=listed in self._excepting))
        ]

    def explained(self, unmatched: Sequence[tuple[str, str]], seen: Seen) -> tuple[UnmatchedName, ...]:
        """The first of these names, for the asker: with the nearest names, and letters that deceive."""
        return tuple(
            UnmatchedName(
                name=", ".join(names_of(row)),
                listed=listed,
                nearest=self.near_to(row, seen) if at < COMPARED_MAX else (),
                look_alikes="".join(dict.fromkeys("".join(map(look_alikes, names_of(row))))),
            )
            for at, (row, listed) in enumerate(unmatched[:SHOWN_MAX])
        )

    def near_to(self, row: str, seen: Seen) -> tuple[str, ...]:
        """The legal names nearest to a row: of who states a name of it, then those like one of it."""
        known = self._ledger.store.principals
        with self._ledger.reading() as state:
            stating = [each for name in names_of(row) for each in self._stating(state, name)]
            shown = [found.name for who in stating if seen(state, [who]) and (found := known.registered(who))]
        names = [name for name in names_of(row) if identifiers.key(name) is None]
        near = [each for name in names for each in self._nearest(name, seen)]
        return tuple(dict.fromkeys([*shown, *near]))[:NEAREST_MAX]

    def _nearest(self, name: str, seen: Seen) -> tuple[str, ...]:
        found = self._ledger.store.principals.organizations_near(latin_form(name))
        with self._ledger.reading() as state:
            known = dict.fromkeys(spelled for who, spelled in found if seen(state, [who]))
        compared = SequenceMatcher(None, b=latin_form(name), autojunk=False)
        near = []
        for spelled in known:
            compared.set_seq1(latin_form(spelled))
            near.append((compared.ratio(), spelled))
        near.sort(key=lambda each: -each[0])
        return tuple(spelled for ratio, spelled in near[:NEAREST_MAX] if ratio >= NEAR)


def namesakes(ledger: Ledger, organization: str) -> list[str]:
    """The organizations that have the legal name of one, whatever the punctuation: itself among them."""
    known = ledger.store.principals
    found = known.registered(organization)
    return [] if found is None else [who for who, _ in known.organizations([bare_key(found.name)])]


def described(ledger: Ledger, organization: str, file: Mapping[str, Any]) -> Description:
    """What directives need to know of an organization, from its file."""
    spelled, *bare = ledger.tags(file["name"])
    also = (tag for name in application.other_names(file) for tag in ledger.listed_tags(name))
    return Description(
        organization=organization,
        name=spelled,
        registered_in=file["registeredIn"],
        sector=file.get("sector", file.get("kind")),
        bare=bare[0] if bare else None,
        also=tuple(dict.fromkeys(also)),
    )
