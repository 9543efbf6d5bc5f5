"""The grants that a reader may see, for the lists of grants and of credentials.

Rules:
- A grant is for those who may see its case, and for who acts for its holder. For others it does not exist.
- The state is held for a part of a list at a time. What a page shows is as it is when the page is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sluicegate.acts.act import AGENCY, APPLICANT
from sluicegate.acts.grants import HoldingFilter
from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.holdings import ALL, Holdings, Key
from sluicegate.core.lifecycle.lists import opened_in
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.cases import NAME_LOST
from sluicegate.service.ledger import Ledger
from sluicegate.service.names import NameSearch
from sluicegate_record.entities.grant import Grant
from sluicegate_record.log.leaf import Opening

PART = 500
"""How many grants a search looks at before it lets others go on."""


class Search:
    """A reader's search in `state.granted`, or in `state.keyed` if `is_keyed`."""

    def __init__(
        self, ledger: Ledger, principal: Principal, wanted: HoldingFilter, *, is_keyed: bool = False
    ) -> None:
        self._ledger = ledger
        self._principal = principal
        self._wanted = wanted
        self._is_keyed = is_keyed
        self._names = NameSearch(ledger.store.principals, wanted.organization)

    def found(self, since: str | None, *, inclusive: bool = False) -> Iterator[Grant]:
        """The wanted grants, newest first: those that are older than `since`, or with it if `inclusive`.

        Requires: `since` is one that the reader may see.
        """
        with self._ledger.reading() as state:
            among = self._among(state)
            candidates = self._candidates(among)
            end = len(candidates)
            if since is not None:
                end = among.place_in(candidates, since) if since in among else 0
                end += inclusive and candidates[end : end + 1] == [since]
        for at in range(end, 0, -PART):
            with self._ledger.reading() as state:
                part = [state.grants[name] for name in reversed(candidates[max(0, at - PART) : at])]
                part = [grant for grant in part if self._is_wanted(state, grant)]
            kept = self._names.keep([grant.organization for grant in part])
            yield from (grant for grant in part if grant.organization in kept)

    def _among(self, state: State) -> Holdings:
        return state.keyed if self._is_keyed else state.granted

    def _candidates(self, among: Holdings) -> Sequence[str]:
        """The smallest list that holds every wanted grant."""
        if self._names.few is not None:
            return among.merged(("organization", name) for name in self._names.few)
        return among.fewest(self._keys())

    def _keys(self) -> Iterator[Key]:
        role = self._principal.role
        yield (role, self._principal.acts_for) if role in {APPLICANT, AGENCY} else ALL
        if self._wanted.release is not None:
            yield "release", self._wanted.release

    def _is_wanted(self, state: State, grant: Grant) -> bool:
        is_seen = access.sees_grant(self._principal, state, grant)
        return is_seen and self._wanted.release in {None, grant.release}


class FilePlace(NamedTuple):
    """Where in the log an organization file is sealed, and the commitment to it; an account has none."""

    seq: int
    party: str | None = None


def place_of(state: State, grant: Grant) -> FilePlace:
    """Where the file is that was last agreed to for a grant."""
    return FilePlace(state.cases[grant.dossier].seq, grant.listed or state.party_of(grant.id))


def files_at(ledger: Ledger, places: Mapping[str, FilePlace]) -> dict[str, Mapping[str, Any]]:
    """The organization files at some places, by the same names; empty where nothing is sealed."""
    opened = ledger.store.log.sealed({each.seq for each in places.values()})
    return {name: _file(opened.get(each.seq, {}), each.party) for name, each in places.items()}


def _file(opened: Mapping[str, Opening], party: str | None) -> Mapping[str, Any]:
    found = opened.get("organization") if party is None else opened_in(opened, party)
    organization: Mapping[str, Any] = {} if found is None else found.value().get("organization", {})
    return organization


def legal_names(ledger: Ledger, grants: Iterable[Grant]) -> dict[str, str]:
    """The legal names of the holders of some grants, by grant. Requires: the reader may see the grants."""
    with ledger.reading() as state:
        places = {grant.id: place_of(state, grant) for grant in grants}
    return {name: file.get("name", NAME_LOST) for name, file in files_at(ledger, places).items()}
