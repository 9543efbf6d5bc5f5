"""The grants that a reader may see, for the lists of grants and of credentials.

Rules:
- A grant is for those who may see its case, and for who acts for its holder. For others it does not exist.
- The state is held for a part of a list at a time. What a page shows is as it is when the page is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sluicegate.acts.act import AGENCY, APPLICANT
from sluicegate.acts.grants import HoldingFilter
from sluicegate.core.lifecycle import State
from sluicegate.core.lifecycle.holdings import ALL, Holdings, Key
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.cases import legal_name
from sluicegate.service.ledger import Ledger
from sluicegate.service.names import NameSearch
from sluicegate_record.entities.grant import Grant

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
        own = {APPLICANT: ("applicant", self._principal.id), AGENCY: ("agency", self._principal.party or "")}
        yield own.get(self._principal.role, ALL)
        if self._wanted.release is not None:
            yield "release", self._wanted.release

    def _is_wanted(self, state: State, grant: Grant) -> bool:
        is_seen = access.sees_grant(self._principal, state, grant)
        return is_seen and self._wanted.release in {None, grant.release}


def legal_names(ledger: Ledger, grants: Iterable[Grant]) -> dict[str, str]:
    """The legal names of the holders of some grants, by grant. Requires: the reader may see the grants."""
    with ledger.reading() as state:
        firsts = {grant.id: state.cases[grant.case] for grant in grants}
        seqs = {name: state.cases[first.dossier].seq for name, first in firsts.items()}
    opened = ledger.store.log.sealed(set(seqs.values()))
    parties = {grant.id: grant.listed or firsts[grant.id].question.party for grant in grants}
    return {grant: legal_name(opened.get(seq, {}), parties[grant]) for grant, seq in seqs.items()}
