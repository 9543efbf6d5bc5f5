"""Licences: an exception from a directive for one who is covered, decided as a case by the directive's rule.

Rules:
- Who asks holds a live grant or an open account, and is covered by the directive now. The case binds the
  directive as it stands, the grant or account, and the dossier of its holder.
- A licence ends by its time, by the developer or who may lift the directive, and with its directive.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.licences import LicenceCase, LicenceReceipt, LicenceView
from sluicegate.core.lifecycle import directives
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.licence import EXPIRED, REVOKED, Licence
from sluicegate_record.entries import Draft
from sluicegate_record.entries.cases import CaseOpened
from sluicegate_record.entries.licences import LicenceEnded
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds, quorum


@dataclass(frozen=True, slots=True)
class RequestLicence(Command):
    """Ask for a licence under a directive, for the holder of a grant or account, or one member. `opener` acts
    for it.

    Requires: the directive covers them; the caller has counted that.
    """

    directive: str
    grant: str
    member: str | None = None
    opener: str | None = None


@dataclass(frozen=True, slots=True)
class EndLicence(Command):
    """End a licence at once, for a party: the developer, or one that may lift its directive."""

    party: str
    licence: str
    reason: str


def request_licence(
    state: State, command: RequestLicence, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RequestLicence`. A request that is open already is the answer to the same one again."""
    found = directives.in_force(state, command.directive)
    if isinstance(found, Refusal):
        return found
    held = state.record.holding(command.grant)
    if held is None or not held.is_live:
        said = f"no live grant or account {command.grant[:80]!r}"
        return Refusal(
            "unknown",
            "grant_unknown",
            said,
            "'sluicegate grant list' and 'sluicegate account list' show them",
        )
    if command.member is not None and not _is_member(state, command.member, held.organization):
        said = f"no member {command.member[:80]!r} of this organization"
        return Refusal("unknown", "member_unknown", said, "'sluicegate member list --grant GRANT' shows them")
    for name in state.record.licensed.get(found.name, ()):
        case = state.cases[name]
        asked = (case.organization, case.question.member or None)
        if case.state != kinds.DETERMINED and asked == (held.organization, command.member):
            return Acceptance([], _receipt(name, case.question))
    name = entropy.name("case")
    question = Question(
        log=state.log,
        case=name,
        kind=kinds.LICENCE,
        directive=found.name,
        document=found.document.digest,
        grant=command.grant,
        party=held.party,
        member=command.member or "",
    )
    body = CaseOpened(
        case=name,
        kind=kinds.LICENCE,
        question=question,
        rule=found.document.spec.licensing,
        directive=found.name,
        organization=held.organization,
        opener=command.opener,
    )
    return Acceptance([Draft.of(name, body, entropy)], _receipt(name, question))


def _receipt(case: str, asked: Question) -> LicenceCase:
    return LicenceCase(case=case, directive=asked.directive, grant=asked.grant, member=asked.member or None)


def _is_member(state: State, member: str, organization: str) -> bool:
    person = state.table.people.get(member)
    return person is not None and person.organization == organization


def end_licence(state: State, command: EndLicence, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `EndLicence`. Ending it again changes nothing."""
    found = state.record.licences.get(command.licence)
    if found is None:
        return licence_unknown(command.licence)
    allowed = {state.developer, *may_end(state, found)}
    if command.party not in allowed:
        said = f"{command.party!r} may not end it, only {', '.join(sorted(allowed))}"
        return Refusal("forbidden", "not_to_end", said)
    result = LicenceReceipt(licence=found.id, directive=found.directive, state=found.standing or REVOKED)
    if found.standing is not None:
        return Acceptance([], result)
    return Acceptance([_ended(found, REVOKED, command.reason)], result)


def may_end(state: State, found: Licence) -> frozenset[str]:
    """The agencies that may end a licence: the issuer of its directive, and those who license or lift."""
    spec = state.directives[found.directive].document.spec
    return quorum.parties_of(spec.licensing) | quorum.parties_of(spec.lifted_by) | {spec.issuer}


def expired(state: State, licence: str) -> list[Draft]:
    """What is written when the time of a licence is over."""
    return [_ended(state.record.licences[licence], EXPIRED, None)]


def _ended(found: Licence, how: str, reason: str | None) -> Draft:
    body = LicenceEnded(licence=found.id, directive=found.directive, how=how, reason=reason)
    return Draft(found.directive, body)


def licence_unknown(name: str) -> Refusal:
    """The refusal for a licence that is not on the record."""
    return Refusal(
        "unknown", "licence_unknown", f"no licence {name[:80]!r}", "'sluicegate licence list' shows them"
    )


def view(state: State, found: Licence) -> LicenceView:
    """A licence, as it is shown."""
    issued = state.directives[found.directive]
    is_over = issued.ended is not None or issued.document.digest != found.document
    return LicenceView(
        licence=found.id,
        directive=found.directive,
        case=found.case,
        grant=found.grant,
        member=found.member,
        state=found.standing or ("over" if is_over else "valid"),
        requests_per_minute=found.conditions.requests_per_minute,
        granted_at_ms=found.at_ms,
        valid_until_ms=found.valid_until_ms,
        ended_at_ms=found.ended_ms,
        seq=found.seq,
    )
