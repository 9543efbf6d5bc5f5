"""Members and their statuses, for those who administer an organization; and for each person, their own.

Rules:
- Only the one who applied for an organization administers its members; for everyone else they do not exist.
- An administrator sees what the organization and its providers claim; about a person's own claim, only that
  it differs.
- A person sees every claim about themselves. What they said under an earlier link is not shown under a new
  one, because someone else could have used that link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sluicegate.acts import members as acts
from sluicegate.acts import person as own_acts
from sluicegate.acts.act import Nothing
from sluicegate.acts.members import (
    ClaimArgument,
    ClaimEnd,
    ClaimView,
    ClaimWords,
    MemberArgument,
    MemberClaim,
    MemberLink,
    MemberList,
    MemberNames,
    MemberRow,
    MemberRows,
    MemberSearch,
    MembersEnd,
    MemberView,
    NewMemberClaim,
    NewMembers,
)
from sluicegate.acts.person import NewOwnClaim, OwnClaim, OwnClaimView, PersonView
from sluicegate.core.lifecycle import Refusal, State
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
from sluicegate.core.lifecycle.registry import ClaimOrigin
from sluicegate.core.people.persons import Claim, Person
from sluicegate.core.times import time_ms
from sluicegate.errors import InvalidInput
from sluicegate.ports import Ports
from sluicegate.service import access, tokens
from sluicegate.service.context import Context, does
from sluicegate.service.grants import grant_unknown
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import following, page
from sluicegate_record.directives.status import Assurance
from sluicegate_record.form import replace


@does(acts.REGISTER)
def register(context: Context[NewMembers], asked: MemberRows) -> NewMembers | Refusal:
    """Register members of the organization that holds a grant of the caller's.

    Raises: InvalidInput: a row that cannot be read.
    """
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    rows = [_row(row, at) for at, row in enumerate(asked.rows, 1)]
    command = RegisterMembers(organization, rows, asked.update)
    if not asked.check:
        return context.execute(command)
    found = context.ledger.consider(command)
    if isinstance(found, Refusal):
        return found
    assert isinstance(found.result, NewMembers)
    return replace(found.result, members=(), size=context.ledger.size())


@does(acts.LIST)
def listed(context: Context[MemberList], asked: MemberSearch) -> MemberList | Refusal:
    """The members of an organization, oldest first, or the one with an identifier, with what is claimed."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    with context.ledger.reading() as state:
        names: Sequence[str] = list(state.registry.members.get(organization, ()))
        if asked.identifier is not None:
            named = state.table.registry.get(organization, {}).get(asked.identifier)
            names = [named.id] if named is not None else []
    names, is_cut = page(following(names, asked.before, str), asked.limit)
    found: list[MemberView] = []
    for part in parts(names):  # the fleet does not wait for a list of a hundred thousand
        with context.ledger.reading() as state:
            known = (state.table.people.get(name) for name in part)
            found += [_member(state, person) for person in known if person is not None]
    return MemberList(members=tuple(found), next=names[-1] if is_cut else None)


@does(acts.REMOVE)
def remove(context: Context[MembersEnd], asked: MemberNames) -> MembersEnd | Refusal:
    """Forget members; the credentials bound to them are revoked."""
    organization = organization_of(context, asked.grant)
    if isinstance(organization, Refusal):
        return organization
    return context.execute(RemoveMembers(organization, asked.members))


@does(acts.CLAIM)
def claim(context: Context[NewMemberClaim], asked: MemberClaim) -> NewMemberClaim | Refusal:
    """Claim a member's status for the organization, or by an assertion for the provider that signed it.

    Raises: InvalidInput: neither or both of a status and an assertion, or words that cannot be read.
    """
    if (asked.status is None) == (asked.assertion is None) or (asked.provider is None) != (
        asked.assertion is None
    ):
        raise InvalidInput("expected a status, or an assertion and the provider that signed it")
    organization = _administered(context, asked.member)
    if isinstance(organization, Refusal):
        return organization
    if asked.assertion:
        until_ms = time_ms(asked.until) if asked.until else None
        return context.execute(HandInAssertion(asked.member, asked.provider or "", asked.assertion, until_ms))
    said = _said(asked)
    if said is None:
        raise InvalidInput("a claim of no status, expected 'status' or 'assertion'")
    return context.execute(ClaimStatus(asked.member, organization, said))


@does(acts.REVOKE)
def revoke(context: Context[ClaimEnd], asked: ClaimArgument) -> ClaimEnd | Refusal:
    """Take back what the organization, or one of its providers, claims of a member."""
    organization = _administered(context, asked.member)
    if isinstance(organization, Refusal):
        return organization
    if asked.provider == SELF:
        said = "a person's own word is theirs alone to take back"
        return Refusal("forbidden", "claim_not_yours", said, "'sluicegate member link MEMBER' lets them")
    return context.execute(RevokeClaim(asked.member, asked.provider or organization))


@does(acts.LINK)
def link(context: Context[MemberLink], asked: MemberArgument) -> MemberLink | Refusal:
    """A private link for a member, in place of the one before; its token is only in this answer."""
    organization = _administered(context, asked.member)
    if isinstance(organization, Refusal):
        return organization
    return _link(context, asked.member)


# The person


@does(own_acts.SHOW)
def show(context: Context[PersonView], _: Nothing) -> PersonView | Refusal:
    """All that is claimed of the caller, by which issuer, how and until when."""
    with context.ledger.reading() as state:
        person = state.table.people.get(context.principal.name)
        if person is None:
            return _gone()
        claims = tuple(_own(context, state, person, each) for each in person.claims)
    name = _legal_name(context.ledger, person.organization)
    return PersonView(member=person.id, organization=name, claims=claims)


@does(own_acts.CLAIM)
def correct(context: Context[NewOwnClaim], asked: OwnClaim) -> NewOwnClaim | Refusal:
    """Say what the caller's status is; None takes back what they said."""
    if not _is_registered(context):
        return _gone()
    member = context.principal.name
    if asked.status is None:
        return context.execute(RevokeClaim(member, SELF))
    return context.execute(ClaimStatus(member, SELF, StatusClaim(asked.status, Assurance.SELF_ASSERTED)))


@does(own_acts.LINK)
def renew_link(context: Context[MemberLink], _: Nothing) -> MemberLink | Refusal:
    """A link that only the caller knows, in place of the one they have."""
    if not _is_registered(context):
        return _gone()
    member = context.principal.name
    return _link(context, member, context.principal.id)


def _link(context: Context[MemberLink], member: str, person: str | None = None) -> MemberLink | Refusal:
    """A private link in place of the one before, see `tokens.link`."""

    def change(ports: Ports) -> MemberLink:
        token = tokens.link(context.ledger, ports.principals, member, person)
        return MemberLink(member=member, token=token)

    return context.arrange(change)


def organization_of(context: Context[Any], grant: str) -> str | Refusal:
    """The organization that holds a grant, if the caller administers it."""
    with context.ledger.reading() as state:
        found = state.table.grants_by_id.get(grant)
        if found is not None and access.looks_after(context.principal, state, found.organization):
            return found.organization
    return grant_unknown(grant)


def _administered(context: Context[Any], member: str) -> str | Refusal:
    """A member's organization, if the caller administers it."""
    with context.ledger.reading() as state:
        person = state.table.people.get(member)
        if person is not None and access.looks_after(context.principal, state, person.organization):
            return person.organization
    return member_unknown(member)


def _is_registered(context: Context[Any]) -> bool:
    """Whether the caller is still a member."""
    with context.ledger.reading() as state:
        return context.principal.name in state.table.people


def _member(state: State, person: Person) -> MemberView:
    claims = [each for each in person.claims if each.issuer != SELF]
    said = claim_by(person, SELF)
    return MemberView(
        member=person.id,
        identifiers=tuple(state.registry.members[person.organization][person.id]),
        claims=tuple(_claim(state, person, each) for each in claims),
        disputed=said is not None and any(each.status != said.status for each in claims),
    )


def _claim(state: State, person: Person, claim: Claim) -> ClaimView:
    """A claim as an administrator sees it."""
    return ClaimView(
        issuer="organization" if claim.issuer == person.organization else claim.issuer,
        status=claim.status,
        method=_method(state, person, claim),
        assurance=claim.assurance.word,
        until_ms=claim.until_ms,
    )


def _own(context: Context[Any], state: State, person: Person, claim: Claim) -> OwnClaimView:
    """A claim as its person sees it."""
    is_own = claim.issuer == SELF
    is_hidden = is_own and not _is_by(context, state.registry.told[person.id][SELF])
    return OwnClaimView(
        issuer="you" if is_own else _issuer(context.ledger, state, person, claim.issuer),
        status=None if is_hidden else claim.status,
        method=_method(state, person, claim),
        assurance=claim.assurance.word,
        until_ms=claim.until_ms,
        yours=is_own,
    )


def _is_by(context: Context[Any], told: ClaimOrigin) -> bool:
    """Whether the caller made a claim; earlier builds named callers by their own ids."""
    who = context.principal.id
    return told.by in {who, context.ledger.pseudonym(who, told.command)}


def _method(state: State, person: Person, claim: Claim) -> str:
    told = state.registry.told.get(person.id, {}).get(claim.issuer)
    return told.method if told is not None else ""


def _issuer(ledger: Ledger, state: State, person: Person, issuer: str) -> str:
    """The name of an organization or of a provider."""
    if issuer == person.organization:
        return _legal_name(ledger, issuer)
    provided = state.registry.providers.get(issuer)
    return provided.stated.issuer if provided is not None else issuer


def _legal_name(ledger: Ledger, organization: str) -> str:
    known = ledger.store.principals.registered(organization)
    return known.name if known is not None else organization


def _gone() -> Refusal:
    said = "you are no longer registered here; nothing about you is kept under this link"
    return Refusal("unknown", "member_unknown", said, "ask your organization, if you should be")


def _row(row: MemberRow, at: int) -> MemberRegistration:
    try:
        return MemberRegistration(row.identifiers, row.member, _said(row))
    except InvalidInput as error:
        raise InvalidInput(f"row {at}: {error.message}") from error


def _said(words: ClaimWords) -> StatusClaim | None:
    if not words.status:
        return None
    word = words.assurance or Assurance.ORGANIZATION.word
    try:
        assurance = Assurance.of(word)
    except KeyError as error:
        raise InvalidInput(f"no assurance {word[:40]!r}") from error
    until_ms = time_ms(words.until) if words.until else None
    return StatusClaim(words.status, assurance, words.method or "", until_ms)
