"""Where in the log it stands what happened to each grant, stage, directive and so on.

Rules:
- Only places are kept. What an entry says is read from the log.
- A key's own entry is in the keyring; here is what happened to it later.
- Who could use a model over time follows from the entries that concern it, which are few beside the others.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from sluicegate.core.access.tenures import concerns
from sluicegate_record.entries import (
    Entry,
    accounts,
    cases,
    credentials,
    deployments,
    directives,
    grants,
    people,
    ramps,
    releases,
)
from sluicegate_record.entries.body import Body, seen

ACCOUNT, CASE, CREDENTIAL, DIRECTIVE, GRANT = "account", "case", "credential", "directive", "grant"
DEPLOYMENT = "deployment"
IMPORT, ORGANIZATION, RELEASE, STAGE, TERMS = "import", "organization", "release", "stage", "terms"
TURN = "turn"
"""The openings and closings of a stage alone. `STAGE` has them too, among all that is about it."""


class Subject(NamedTuple):
    """What entries are about: a kind, and a name that is unique in it. A stage is `release/stage`."""

    kind: str
    name: str


class Trail:
    """The places of the entries about each subject."""

    def __init__(self) -> None:
        self._places: dict[Subject, tuple[int, ...]] = {}
        self._access = array("Q")

    def add(self, entry: Entry) -> None:
        """Note the place of an entry."""
        if concerns(entry.body):
            self._access.append(entry.seq)
        about = _ABOUT.get(type(entry.body))
        for subject in () if about is None else about(entry.body):
            before = self._places.get(subject, ())
            if not (before and subject.kind == TERMS):  # the first plan that states terms
                self._places[subject] = (*before, entry.seq)

    def of(self, kind: str, name: str, most: int = 8) -> Sequence[int]:
        """The places of the newest entries about a subject, oldest first."""
        return self._places.get(Subject(kind, name), ())[-most:]

    def of_access(self, holders: Iterable[str]) -> Sequence[int]:
        """The places of all entries that concern who could use a model, oldest first, if these organizations
        hold or held something.
        """
        described = (self._places.get(Subject(ORGANIZATION, each), ()) for each in holders)
        return sorted([*self._access, *chain.from_iterable(described)])


def stage_name(release: str, stage: str) -> str:
    """The name of a stage here."""
    return f"{release}/{stage}"


def _named(kind: str, field: str = "") -> Callable[[Any], Iterable[Subject]]:
    def about(body: Any) -> Iterable[Subject]:
        return (Subject(kind, getattr(body, field or kind)),)

    return about


def _stage(body: Any) -> Iterable[Subject]:
    return (Subject(STAGE, stage_name(body.release, body.stage)),)


def _turn(body: releases.StageOpened | releases.StageClosed) -> Iterator[Subject]:
    yield from _stage(body)
    yield Subject(TURN, stage_name(body.release, body.stage))


def _plan(body: releases.ReleaseApplied) -> Iterator[Subject]:
    yield Subject(RELEASE, body.release)
    for terms in body.terms.values():
        yield Subject(TERMS, terms)


def _identifiers(body: credentials.IdentifiersDeclared) -> Iterator[Subject]:
    if body.credential is not None:
        yield Subject(CREDENTIAL, body.credential)
    elif body.grant is not None:
        yield Subject(GRANT, body.grant)


def _organization(body: people.OrganizationDescribed) -> Iterable[Subject]:
    return (Subject(ORGANIZATION, seen(body.described).organization),)


_ABOUT: dict[type[Body], Callable[[Any], Iterable[Subject]]] = {
    releases.ReleaseApplied: _plan,
    releases.StageOpened: _turn,
    releases.StageClosed: _turn,
    releases.StageLacking: _stage,
    ramps.StageRamped: _stage,
    deployments.DeploymentAttested: _named(DEPLOYMENT, "release"),
    deployments.DeploymentEnded: _named(DEPLOYMENT, "release"),
    accounts.AccountOpened: _named(ACCOUNT),
    accounts.AccountClosed: _named(ACCOUNT),
    cases.CaseOpened: _named(CASE),
    cases.CaseWaitlisted: _named(CASE),
    cases.CaseDetermined: _named(CASE),
    grants.GrantApproved: _named(GRANT),
    grants.GrantAmended: _named(GRANT),
    grants.GrantMoved: _named(GRANT),
    grants.GrantSuspended: _named(GRANT),
    grants.GrantResumed: _named(GRANT),
    grants.GrantEnded: _named(GRANT),
    grants.GrantReinstated: _named(GRANT),
    credentials.CredentialRevoked: _named(CREDENTIAL),
    credentials.CredentialExpiring: _named(CREDENTIAL),
    credentials.CredentialAttested: _named(CREDENTIAL),
    credentials.IdentifiersDeclared: _identifiers,
    credentials.CredentialsImported: _named(IMPORT, "name"),
    credentials.CredentialsDiscarded: _named(IMPORT, "name"),
    people.OrganizationDescribed: _organization,
    directives.DirectiveIssued: _named(DIRECTIVE),
    directives.DirectiveConfirmed: _named(DIRECTIVE),
    directives.DirectiveLifted: _named(DIRECTIVE),
    directives.DirectiveExpired: _named(DIRECTIVE),
}
"""What each type of entry is about."""
