"""Letters: who gets a notice of an entry, decided when the entry is appended.

Rules:
- Everyone who may see a case at the moment of an entry about it gets a notice. No one else does, also later.
- That a stage opens or closes goes to those who hold a grant of it, or one that goes on as part of it; of a
  stage for everyone also to those who issue keys under an account.
- What happens to a grant by the terms alone goes to its holder.
- The date of a basis, and a designation, go to the parties of its release: the developer, its agencies,
  those with a grant.
- What an observer got against the record goes to the developer, the observer, and the directive's issuer.
- What happens to a finding goes to the parties of its release, and to who reported it; if it is a misuse, to
  the holder of the grant, too.
- A letter is posted by the write that appends its entry: it is sent if and only if the entry stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from sluicegate.acts.act import AGENCY
from sluicegate.core.lifecycle import State, notices, observations, successions
from sluicegate.core.lifecycle.notices import Notice
from sluicegate.ports import Letter, Outbox
from sluicegate.service import access
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import Entry, seen
from sluicegate_record.entries.findings import FindingReported


def addressed(outbox: Outbox, entries: Sequence[Entry], state: State) -> list[Letter]:
    """The letters of a batch of entries. `state` is the one before it."""
    told = [
        *_of_releases(outbox, entries, state),
        *_of_successions(outbox, entries, state),
        *_of_grants(outbox, entries, state),
        *_of_observations(outbox, entries, state),
        *_of_findings(outbox, entries, state),
    ]
    news = list(notices.news(entries, state.cases, state.record, state.transcripts))
    if not news:
        return told
    subscribers = outbox.subscribers({case.principal for case, _ in news})
    return told + [
        letter(notice, subscription.id)
        for case, notice in news
        for subscription, principal in subscribers
        if access.sees(principal, case)
    ]


def _of_releases(outbox: Outbox, entries: Sequence[Entry], state: State) -> Iterator[Letter]:
    """The letters about dates of bases and designations: to the parties of the release, and those who hold a
    grant of it.
    """
    for notice in filter(None, map(notices.of_release, entries)):
        release = state.releases[notice.data["release"]]
        granted = (state.grants[name] for name in state.granted.of("release", release.name))
        holders = {state.holder_of(grant) for grant in granted if grant.is_live}
        for subscription, principal in outbox.subscribers(holders):
            if access.known(principal, state, {})(release):
                yield letter(notice, subscription.id)


def _of_findings(outbox: Outbox, entries: Sequence[Entry], state: State) -> Iterator[Letter]:
    """The letters about findings."""
    for entry in entries:
        notice = notices.of_finding(entry, state.record.findings)
        if notice is not None:
            body: Any = entry.body
            found = state.record.findings.get(body.finding) or body
            yield from to_parties(outbox, notice, found, state)


def to_parties(
    outbox: Outbox, notice: Notice, found: Finding | FindingReported, state: State
) -> Iterator[Letter]:
    """A notice of a finding to the parties of its release, its reporter, and the holder of its grant."""
    grant = state.grants.get(found.grant or "")
    holders = set() if grant is None else {state.holder_of(grant)} - {""}
    release = state.releases[found.release]
    for subscription, principal in outbox.subscribers(holders):
        is_its = principal.party == found.party and principal.role == AGENCY
        if principal.acts_for in holders or is_its or access.known(principal, state, {})(release):
            yield letter(notice, subscription.id)


def _of_successions(outbox: Outbox, entries: Sequence[Entry], state: State) -> Iterator[Letter]:
    """The letters about openings and closings: to the holders of a stage, each once."""
    for entry in entries:
        notice = notices.of_succession(entry)
        if notice is None:
            continue
        release, stage = notice.data["release"], notice.data["stage"]
        found = successions.becoming(state, release, stage)
        if notice.topic != "stage.foreseen":
            found = chain(found, _holding(state, release, stage))
        whom = {state.holder_of(grant) for grant in found}
        if notice.topic != "stage.foreseen" and _is_for_everyone(state, release, stage):
            whom |= {principal for principal, names in state.accounts.of.items() if _has_open(state, names)}
        yield from _to(outbox, notice, whom - {""})


def _holding(state: State, release: str, stage: str) -> Iterator[Grant]:
    """The live grants of a stage."""
    for organization in state.seated(release, stage):
        for row in state.table.held.get(organization, ()):
            grant = state.grants.get(row.id)
            if grant is not None and grant.is_live and (grant.release, grant.stage) == (release, stage):
                yield grant


def _is_for_everyone(state: State, release: str, stage: str) -> bool:
    body = state.releases[release].plan.stages.get(stage)
    return body is not None and body.is_for_everyone


def _has_open(state: State, accounts: Iterable[str]) -> bool:
    return any(state.record.accounts[name].is_open for name in accounts)


def _of_grants(outbox: Outbox, entries: Sequence[Entry], state: State) -> Iterator[Letter]:
    """The letters about grants that rest on the terms alone: to who acts for the holder."""
    for entry in entries:
        body: Any = entry.body
        notice = notices.of_grant(entry, state.cases, state.grants)
        if notice is None:
            continue
        held = state.grants.get(body.grant)
        if held is not None:
            yield from _to(outbox, notice, {state.holder_of(held)} - {""})
            continue
        account = state.record.accounts.get(state.accounts.newest.get(seen(body.organization), ""))
        if account is not None and account.issuer:
            yield from _to(outbox, notice, {account.issuer})


def _of_observations(outbox: Outbox, entries: Sequence[Entry], state: State) -> Iterator[Letter]:
    """The letters about what contradicts the record: to the developer, the observer, and the issuer of the
    directive.
    """
    for entry in entries:
        found = observations.news(entry, state)
        if found is None:
            continue
        directive = state.directives.get(found.due_by or "")
        parties = {state.developer, found.observer, "" if directive is None else directive.issuer}
        notice = notices.of_observation(entry, found)
        for subscription, principal in outbox.subscribers(()):
            if access.party_of(principal, state) in parties - {""}:
                yield letter(notice, subscription.id)


def _to(outbox: Outbox, notice: Notice, whom: set[str]) -> Iterator[Letter]:
    """A notice to those who act for holders, and no one else."""
    for subscription, principal in outbox.subscribers(whom) if whom else ():
        if principal.acts_for in whom:
            yield letter(notice, subscription.id)


def letter(notice: Notice, subscription: str) -> Letter:
    """A notice to one subscription, due at once."""
    return Letter(notice.message(subscription), subscription, notice.case, notice.body(), notice.at_ms)
