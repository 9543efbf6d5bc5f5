"""Findings: take what parties sign about them, list them, show one.

Rules:
- The signature says whose word it is; the token only says who carried it.
- A finding is for those who may know of its release. For others it does not exist.
- Sealed details are given to the parties to which they are sealed. This process cannot read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluicegate.acts import findings as acts
from sluicegate.acts.findings import (
    FindingArgument,
    FindingFilter,
    FindingList,
    FindingReceipt,
    FindingToSign,
    FindingToSignArgument,
    FindingView,
    SignedFinding,
)
from sluicegate.core.lifecycle import Refusal, State, findings
from sluicegate.core.lifecycle.findings import RecordFinding, finding_unknown
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.errors import InvalidInput
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.evidence import in_force, sealing_keys
from sluicegate.service.grants import grant_unknown
from sluicegate.service.paging import newest, page
from sluicegate_record.entities.finding import CLOSED, Finding
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.findings import FindingStatement

DETAILS_MAX = 64 * 1024
"""How many bytes sealed details have, at most. What is larger goes another way."""
OPEN = "open"
"""The state of findings that no retest has closed, whatever was said of them."""


@does(acts.TO_SIGN)
def to_sign(context: Context[FindingToSign], asked: FindingToSignArgument) -> FindingToSign | Refusal:
    """What the caller's party signs when it reports a finding, or says a word on one."""
    with context.ledger.reading() as state:
        found = state.record.findings.get(asked.finding or "")
        if asked.finding is not None and (found is None or not shown_to(context, state)(found)):
            return finding_unknown(asked.finding)
        name = found.release if found is not None else asked.release or ""
        release = state.releases.get(name)
        if release is None or not access.known(context.principal, state, context.ledger.directs)(release):
            return release_unknown(name)
        made = FindingToSign(
            log=state.log,
            party=access.party_of(context.principal, state),
            release=release.name,
            models=in_force(release.plan),
            levels=release.plan.spec.scale.names,
            keys=sealing_keys(state, release.plan),
        )
        if found is None:
            return made
        return replace(made, finding=found.id, previous=found.digest, model=found.model)


@does(acts.RECORD)
def record(context: Context[FindingReceipt], asked: SignedFinding) -> FindingReceipt | Refusal:
    """Put a party's signed word on a finding on the record. Raises: BadEnvelope."""
    envelope = Envelope.from_json(asked.envelope)
    said = FindingStatement.read(envelope)
    _check_details(asked.opened)
    with context.ledger.reading() as state:
        found = state.record.findings.get(said.finding or "")
        release = state.releases.get(said.release or "")
        if found is not None and not shown_to(context, state)(found):
            return finding_unknown(found.id)
        knows = access.known(context.principal, state, context.ledger.directs)
        if release is not None and not knows(release):
            return release_unknown(release.name)
        grant = state.grants.get(said.grant or "")
        if grant is not None and not access.sees_grant(context.principal, state, grant):
            return grant_unknown(grant.id)
    return context.execute(RecordFinding(envelope, asked.opened))


@does(acts.LIST)
def listed(context: Context[FindingList], wanted: FindingFilter) -> FindingList | Refusal:
    """The findings that the reader may know of, newest first. Raises: InvalidInput: a wrong state."""
    if wanted.state not in {None, OPEN, CLOSED}:
        raise InvalidInput(f"no state {wanted.state[:40]!r}, expected {OPEN} or {CLOSED}")
    with context.ledger.reading() as state:
        known = state.record.findings
        knows = access.known(context.principal, state, context.ledger.directs)
        names = [name for name, each in state.releases.items() if knows(each)]
        if wanted.release is not None and wanted.release not in names:
            return release_unknown(wanted.release, names)
        if wanted.before is not None and wanted.before not in known:
            return finding_unknown(wanted.before)
        may_know = shown_to(context, state)
        found = (
            each
            for _, each in newest(known, wanted.before)
            if wanted.release in {None, each.release}
            and wanted.state in {None, OPEN if each.is_open else CLOSED}
            and may_know(each)
        )
        shown, is_cut = page(found, wanted.limit)
        rows = tuple(findings.summary(state, each) for each in shown)
        return FindingList(size=state.size, findings=rows, next=shown[-1].id if is_cut else None)


@does(acts.SHOW)
def show(context: Context[FindingView], asked: FindingArgument) -> FindingView | Refusal:
    """A finding, with all that was said of it."""
    with context.ledger.reading() as state:
        found = state.record.findings.get(asked.finding)
        if found is None or not shown_to(context, state)(found):
            return finding_unknown(asked.finding)
        view, party = findings.view(state, found), access.party_of(context.principal, state)
        places = {found.seq: view.sealed_to} | {each.seq: each.sealed_to for each in view.said}
    named = [seq for seq, parties in places.items() if party in parties]
    opened = context.ledger.store.log.sealed(named)
    details = {seq: opened[seq]["details"].value() for seq in named if "details" in opened.get(seq, {})}
    return replace(view, details={str(seq): text for seq, text in details.items()})


def _check_details(opened: Opening | None) -> None:
    """Check that details are a text, and not too long. Raises: InvalidInput."""
    if opened is None:
        return
    if len(opened.body) > DETAILS_MAX or type(opened.value()) is not str:
        raise InvalidInput(f"sealed details in base64, of at most {DETAILS_MAX:,} bytes, expected")


def shown_to(context: Context[Any], state: State) -> Callable[[Finding], bool]:
    """Which findings the caller may know of."""
    knows = access.known(context.principal, state, context.ledger.directs)
    return lambda found: knows(state.releases[found.release])
