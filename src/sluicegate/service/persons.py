"""Members and their statuses, for those who administer an organization; and for each person, their own.

Rules:
- Only whoever applied for an organization administers its members; to anybody else they do not exist.
- An administrator sees what the organization and its providers claim; of a person's own word only that it
  differs.
- A person sees every claim about themselves. What they said under an earlier link is not shown under a new
  one, because whoever made that link could be somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.core.lifecycle import Command, Refusal, State
from sluicegate.core.lifecycle.persons import (
    SELF,
    ClaimStatus,
    HandInAssertion,
    MemberRegistration,
    RegisterMembers,
    RemoveMembers,
    RevokeClaim,
    StatusClaim,
    claim_by,
    member_unknown,
    parts,
)
from sluicegate.core.people import members
from sluicegate.core.people.persons import IDENTIFIER_BYTES, Claim, Person
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access, tokens
from sluicegate.service.ledger import Ledger
from sluicegate_record.directives.status import Assurance
from sluicegate_record.log import times


def register(
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    grant: str,
    asked: Mapping[str, Any],
) -> dict[str, Any] | Refusal:
    """Register members of the organization that holds a grant of the caller's.

    `asked` is `{rows, update}`; with `update` a row may be about a known member by its identifier. A row is
    `{identifiers, member, status, method, assurance, until}`; identifiers are digests in hex.
    Raises: InvalidInput: a row that cannot be read.
    """
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    rows = [_row(row, at) for at, row in enumerate(asked["rows"], 1)]
    command = RegisterMembers(organization, rows, asked.get("update", False))
    request = ["register", grant, dict(asked)]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def listed(
    ledger: Ledger, principal: Principal, grant: str, identifier: str | None = None
) -> dict[str, Any] | Refusal:
    """The members of an organization, oldest first, or the one with an identifier, with what is claimed.

    Raises: InvalidInput: an identifier that is no digest.
    """
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    with ledger.reading() as state:
        names = list(state.registry.members.get(organization, ()))
        if identifier is not None:
            named = state.table.registry.get(organization, {}).get(_digest(identifier))
            names = [named.id] if named is not None else []
    found = []
    for part in parts(names):  # the fleet does not wait for a list of a hundred thousand
        with ledger.reading() as state:
            known = (state.table.people.get(name) for name in part)
            found += [_member(state, person) for person in known if person is not None]
    return {"members": found}


def remove(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, names: Sequence[str]
) -> dict[str, Any] | Refusal:
    """Forget members; the credentials bound to them are revoked."""
    organization = organization_of(ledger, principal, grant)
    if isinstance(organization, Refusal):
        return organization
    command = RemoveMembers(organization, list(names))
    request = ["remove", grant, list(names)]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def claim(
    ledger: Ledger, principal: Principal, command_id: str, member: str, asked: Mapping[str, Any]
) -> dict[str, Any] | Refusal:
    """Claim a member's status for the organization, or by an assertion for the provider that signed it.

    Raises: InvalidInput: a time that is none.
    """
    organization = _administered(ledger, principal, member)
    if isinstance(organization, Refusal):
        return organization
    command: Command
    if asked.get("assertion"):
        until_ms = _until_ms(asked.get("until"))
        command = HandInAssertion(member, asked.get("provider") or "", asked["assertion"], until_ms)
    else:
        said = _said(asked)
        if said is None:
            raise InvalidInput("a claim of no status, expected 'status' or 'assertion'")
        command = ClaimStatus(member, organization, said)
    request = ["claim", member, {name: value for name, value in asked.items() if value is not None}]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def revoke(
    ledger: Ledger, principal: Principal, command_id: str, member: str, provider: str | None = None
) -> dict[str, Any] | Refusal:
    """Take back what the organization, or one of its providers, claims of a member."""
    organization = _administered(ledger, principal, member)
    if isinstance(organization, Refusal):
        return organization
    if provider == SELF:
        said = "a person's own word is theirs alone to take back"
        return Refusal("forbidden", "claim_not_yours", said, "'member link' lets them")
    command = RevokeClaim(member, provider or organization)
    return ledger.execute(
        command, by=principal.id, command_id=command_id, request=["revoke", member, provider]
    )


def link(ledger: Ledger, principal: Principal, member: str) -> dict[str, Any] | Refusal:
    """A private link for a member, in place of the one before; its token is in this answer alone."""
    organization = _administered(ledger, principal, member)
    if isinstance(organization, Refusal):
        return organization
    return {"member": member, "token": tokens.link(ledger, member)}


# The person


def show(ledger: Ledger, principal: Principal) -> dict[str, Any] | Refusal:
    """All that is claimed of the caller, by whom, how and until when."""
    with ledger.reading() as state:
        person = state.table.people.get(principal.name)
        if person is None:
            return _gone()
        claims = [_told(ledger, state, principal, person, each) for each in person.claims]
    return {"member": person.id, "organization": _legal_name(ledger, person.organization), "claims": claims}


def correct(
    ledger: Ledger, principal: Principal, command_id: str, status: str | None
) -> dict[str, Any] | Refusal:
    """Say what the caller's status is; None takes back what they said."""
    with ledger.reading() as state:
        if principal.name not in state.table.people:
            return _gone()
    command: Command = RevokeClaim(principal.name, SELF)
    if status is not None:
        command = ClaimStatus(principal.name, SELF, StatusClaim(status, Assurance.SELF_ASSERTED))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["correct", status])


def renew_link(ledger: Ledger, principal: Principal) -> dict[str, Any] | Refusal:
    """A link that only the caller knows, in place of the one they have."""
    with ledger.reading() as state:
        if principal.name not in state.table.people:
            return _gone()
    return {"member": principal.name, "token": tokens.link(ledger, principal.name, principal.id)}


def organization_of(ledger: Ledger, principal: Principal, grant: str) -> str | Refusal:
    """The organization that holds a grant, if the caller administers it."""
    with ledger.reading() as state:
        found = state.table.grants_by_id.get(grant)
        if found is not None and access.administers(principal, state, found.organization):
            return found.organization
    said = f"no grant {grant[:80]!r}"
    return Refusal("unknown", "grant_unknown", said, "'application show' names your grant")


def _administered(ledger: Ledger, principal: Principal, member: str) -> str | Refusal:
    """A member's organization, if the caller administers it."""
    with ledger.reading() as state:
        person = state.table.people.get(member)
        if person is not None and access.administers(principal, state, person.organization):
            return person.organization
    return member_unknown(member)


def _member(state: State, person: Person) -> dict[str, Any]:
    own = [each for each in person.claims if each.issuer != SELF]
    said = claim_by(person, SELF)
    return {
        "member": person.id,
        "identifiers": [each.hex() for each in state.registry.members[person.organization][person.id]],
        "claims": [_shown(state, person, each) for each in own],
        "disputed": said is not None and any(each.status != said.status for each in own),
    }


def _shown(state: State, person: Person, claim: Claim) -> dict[str, Any]:
    told = state.registry.told.get((person.id, claim.issuer))
    return {
        "issuer": "organization" if claim.issuer == person.organization else claim.issuer,
        "status": claim.status,
        "method": told.method if told is not None else "",
        "assurance": claim.assurance.word,
        "until": times.format_time(claim.until_ms) if claim.until_ms is not None else None,
    }


def _told(ledger: Ledger, state: State, principal: Principal, person: Person, claim: Claim) -> dict[str, Any]:
    """A claim as its person sees it."""
    shown = _shown(state, person, claim)
    if claim.issuer == SELF:
        told = state.registry.told[person.id, SELF]
        is_own = told.by == principal.id
        return {**shown, "issuer": "you", "yours": True, "status": claim.status if is_own else None}
    provided = state.registry.providers.get(claim.issuer)
    name = provided.stated.issuer if provided is not None else claim.issuer
    if claim.issuer == person.organization:
        name = _legal_name(ledger, person.organization)
    return {**shown, "issuer": name, "yours": False}


def _legal_name(ledger: Ledger, organization: str) -> str:
    known = ledger.store.principals.registered(organization)
    return known.name if known is not None else organization


def _gone() -> Refusal:
    said = "you are no longer registered here; nothing about you is kept under this link"
    return Refusal("unknown", "member_unknown", said, "ask your organization, if you should be")


def _row(row: Mapping[str, Any], at: int) -> MemberRegistration:
    try:
        digests = tuple(_digest(each) for each in row["identifiers"])
        return MemberRegistration(digests, row.get("member"), _said(row))
    except InvalidInput as error:
        raise InvalidInput(f"row {at}: {error.message}") from error


def _said(row: Mapping[str, Any]) -> StatusClaim | None:
    if not row.get("status"):
        return None
    word = row.get("assurance") or Assurance.ORGANIZATION.word
    try:
        assurance = Assurance.of(word)
    except KeyError as error:
        raise InvalidInput(f"no assurance {word[:40]!r}") from error
    return StatusClaim(row["status"], assurance, row.get("method") or "", _until_ms(row.get("until")))


def _until_ms(text: str | None) -> int | None:
    try:
        return members.until_ms(text) if text else None
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _digest(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != IDENTIFIER_BYTES or text != found.hex():
        expected = f"{2 * IDENTIFIER_BYTES} lower-case hex digits"
        raise InvalidInput(f"the identifier {text[:80]!r}, expected its digest in {expected}")
    return found
