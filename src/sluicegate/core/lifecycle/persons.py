"""Members of organizations, and claims about their status.

Rules:
- An identifier comes here as a digest. In an organization, it belongs to one member.
- An organization makes its own claims, a person claims for themselves, and a provider claims what it signed.
  Each revokes its own claims. The organization also revokes those that it handed in for its provider.
- One plain word says how a claim came about. The control plane takes no document, and no fact about a
  document.
- When a member is removed, the credentials that only this member may use are revoked too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from sluicegate.acts.members import (
    IDENTIFIERS_MAX,
    ROWS_MAX,
    ClaimEnd,
    MembersEnd,
    NewMemberClaim,
    NewMembers,
)
from sluicegate.core.lifecycle import exposure
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.providers import asserted
from sluicegate.core.lifecycle.state import State
from sluicegate.core.people import persons
from sluicegate.core.people.members import PART_ROWS
from sluicegate.core.people.persons import Claim, Person
from sluicegate_record.directives.status import STATUSES, Assurance
from sluicegate_record.entries import Body, Draft, people
from sluicegate_record.entries.credentials import CredentialRevoked
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Entropy

T = TypeVar("T")
SELF = persons.SELF
SELF_DECLARED = "self-declared"
BY_ASSERTION = "assertion"
MEMBERS_MAX = 100_000
"""How many members an organization may have. Every gateway holds all of them."""


@dataclass(frozen=True, slots=True)
class StatusClaim:
    """A status, how well it is known, and how: `method` is a word such as `document-seen`, `i-9`.

    Units: `until_ms` milliseconds since 1970 UTC, exclusive; None is without end.
    """

    status: str
    assurance: Assurance = Assurance.ORGANIZATION
    method: str = SELF_DECLARED
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MemberRegistration:
    """A member by the digests of identifiers; `member` is its id if it is already known."""

    identifiers: tuple[bytes, ...]
    member: str | None = None
    said: StatusClaim | None = None


@dataclass(frozen=True, slots=True)
class RegisterMembers(Command):
    """Register members, or more identifiers of members, with what the organization claims about them.

    With `is_update`, a row whose identifier is known is about that member.
    """

    organization: str
    rows: Sequence[MemberRegistration]
    is_update: bool = False


@dataclass(frozen=True, slots=True)
class RemoveMembers(Command):
    """Remove members. The credentials bound to them are revoked."""

    organization: str
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClaimStatus(Command):
    """Claim a member's status; `issuer` is `self` or the member's organization."""

    member: str
    issuer: str
    said: StatusClaim


@dataclass(frozen=True, slots=True)
class HandInAssertion(Command):
    """Claim the status of the person in an assertion. The provider that signed it makes the claim.

    `member` is the person that it must name.
    """

    member: str
    provider: str
    token: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeClaim(Command):
    """Take a claim back; `issuer` is the issuer of the claim."""

    member: str
    issuer: str


class _PlacedRegistration(NamedTuple):
    """A row whose member was found, or has a new name."""

    row: MemberRegistration
    member: str
    is_new: bool

    @property
    def names(self) -> tuple[bytes | str, ...]:
        """Everything in it that identifies the member."""
        return (*self.row.identifiers, self.member)


def register_members(
    state: State, command: RegisterMembers, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RegisterMembers`: all rows or no row."""
    refusal = _too_many(state, command)
    if refusal is not None:
        return refusal
    placed: list[_PlacedRegistration] = []
    rows_by: dict[bytes | str, int] = {}
    for at, row in enumerate(command.rows, 1):
        found = _placed(state, command, row, now_ms, entropy)
        if isinstance(found, _PlacedRegistration):
            found = _named_before(found, rows_by) or found
        if isinstance(found, Refusal):
            return Refusal(found.kind, found.code, f"row {at}: {found.message}", found.remedy)
        rows_by |= dict.fromkeys(found.names, at)
        placed.append(found)
    added = sum(each.is_new for each in placed)
    refusal = exposure.unregistrable(state, command.organization, added)
    if refusal is not None:
        return refusal
    drafts = [
        *_registered(state, command.organization, placed, entropy),
        *_claimed(
            state,
            [_claim(each.member, command.organization, each.row.said) for each in placed if each.row.said],
            entropy,
        ),
    ]
    return Acceptance(drafts, NewMembers(members=tuple(each.member for each in placed), added=added))


def remove_members(
    state: State, command: RemoveMembers, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RemoveMembers`: all of them or none."""
    if not 1 <= len(command.members) <= ROWS_MAX:
        return _rows(len(command.members))
    known = state.registry.members.get(command.organization, {})
    for member in command.members:
        if member not in known:
            return member_unknown(member)
    gone = dict.fromkeys(command.members)
    credentials = state.table.credentials_of(gone)
    drafts = [Draft(each, CredentialRevoked(credential=each)) for each in credentials]
    for part in parts(list(gone)):
        body = people.MembersRemoved(organization=command.organization, members=part)
        drafts.append(_draft(body, entropy))
    return Acceptance(drafts, MembersEnd(removed=tuple(gone), revoked=tuple(credentials)))


def claim_status(state: State, command: ClaimStatus, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `ClaimStatus`. The same claim of an organization again changes nothing; a person's claim always
    gives an entry.

    So no one learns what a person said before from whether an entry follows.
    """
    person = state.table.people.get(command.member)
    if person is None or command.issuer not in {SELF, person.organization}:
        return member_unknown(command.member)
    refusal = _unfit(command.said, now_ms, is_self=command.issuer == SELF)
    if refusal is not None:
        return refusal
    claim = _claim(person.id, command.issuer, command.said)
    is_noted = command.issuer == SELF or not _stands(state, claim)
    drafts = [_draft(people.StatusClaimed(claims=(claim,)), entropy)] if is_noted else []
    return Acceptance(drafts, NewMemberClaim(member=person.id, status=command.said.status))


def hand_in_assertion(
    state: State, command: HandInAssertion, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `HandInAssertion`. The assertion is verified, and its digest is kept: it counts only once."""
    person = state.table.people.get(command.member)
    if person is None:
        return member_unknown(command.member)
    found = asserted(state, person.organization, command.provider, command.token, now_ms)
    if isinstance(found, Refusal):
        return found
    if state.table.registry.get(person.organization, {}).get(found.subject) is not person:
        said = f"the assertion does not name {person.id!r}"
        return Refusal("unverified", "assertion_of_another", said, "hand in one whose subject is theirs")
    result = NewMemberClaim(member=person.id, status=found.status, provider=command.provider)
    digest = canonical.sha256_hex(command.token.encode())
    told = state.registry.told.get(person.id, {}).get(command.provider)
    if told is not None and told.assertion == digest:
        return Acceptance([], result)
    stated = StatusClaim(found.status, Assurance.IDENTITY_PROVIDER, BY_ASSERTION, command.until_ms)
    refusal = _spent(state, digest) or _passed(command.until_ms, now_ms)
    if refusal is not None:
        return refusal
    claim = replace(_claim(person.id, command.provider, stated), assertion=digest)
    return Acceptance([_draft(people.StatusClaimed(claims=(claim,)), entropy)], result)


def revoke_claim(state: State, command: RevokeClaim, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `RevokeClaim`. Revoking again changes nothing, but a person always gets an entry."""
    person = state.table.people.get(command.member)
    if person is None:
        return member_unknown(command.member)
    result = ClaimEnd(member=person.id, issuer=command.issuer)
    if command.issuer != SELF and claim_by(person, command.issuer) is None:
        return Acceptance([], result)
    revoked = people.ClaimRef(member=person.id, issuer=command.issuer)
    return Acceptance([_draft(people.StatusRevoked(claims=(revoked,)), entropy)], result)


def claim_by(person: Person, issuer: str) -> Claim | None:
    """The claim of an issuer about a person, if there is one."""
    return next((claim for claim in person.claims if claim.issuer == issuer), None)


def member_unknown(name: str) -> Refusal:
    """The refusal for a member that does not exist, or that the asker may not know of."""
    return Refusal(
        "unknown",
        "member_unknown",
        f"no member {name[:80]!r}",
        "'sluicegate member list --grant GRANT' shows yours",
    )


def parts(rows: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Rows in groups as entries hold them, in their order."""
    for at in range(0, len(rows), PART_ROWS):
        yield tuple(rows[at : at + PART_ROWS])


def _too_many(state: State, command: RegisterMembers) -> Refusal | None:
    if not 1 <= len(command.rows) <= ROWS_MAX:
        return _rows(len(command.rows))
    known = len(state.registry.members.get(command.organization, ()))
    if known + sum(row.member is None for row in command.rows) <= MEMBERS_MAX or command.is_update:
        return None
    said = f"an organization has at most {MEMBERS_MAX:,} members, this one has {known:,}"
    return Refusal("conflict", "too_many_members", said, "remove those who have left")


def _rows(count: int) -> Refusal:
    said = f"{count:,} rows, expected 1 to {ROWS_MAX:,}"
    return Refusal("conflict", "rows_out_of_range", said, "send them in several commands")


def _placed(
    state: State, command: RegisterMembers, row: MemberRegistration, now_ms: int, entropy: Entropy
) -> _PlacedRegistration | Refusal:
    """A row and its member, or why the row is refused."""
    refusal = _unfit(row.said, now_ms) if row.said is not None else None
    if refusal is not None:
        return refusal
    identifiers = state.table.registry.get(command.organization, {})
    owners = {identifiers[each].id for each in row.identifiers if each in identifiers}
    member = row.member
    if member is not None and member not in state.registry.members.get(command.organization, ()):
        return member_unknown(member)
    if member is None and command.is_update and len(owners) == 1:
        (member,) = owners
    if owners - {member}:
        said = f"an identifier of it is that of the member {min(owners - {member})!r}"
        remedy = (
            "say that it is the same, with 'sluicegate member import FILE --grant GRANT --update' or "
            "'sluicegate member add --grant GRANT --member MEMBER --identifier IDENTIFIER'; or remove it"
        )
        return Refusal("conflict", "identifier_taken", said, remedy)
    known = len(state.registry.members[command.organization][member]) if member is not None else 0
    if known + sum(each not in identifiers for each in row.identifiers) > IDENTIFIERS_MAX:
        said = f"more than {IDENTIFIERS_MAX} identifiers of one member"
        return Refusal("conflict", "too_many_identifiers", said, "remove the member, and register it anew")
    return _PlacedRegistration(row, member or entropy.name("mem"), member is None)


def _named_before(placed: _PlacedRegistration, rows_by: Mapping[bytes | str, int]) -> Refusal | None:
    for name in placed.names:
        if name in rows_by:
            said = f"whom it names row {rows_by[name]} names too"
            return Refusal("conflict", "identifier_twice", said, "name each member in one row")
    if len(set(placed.names)) == len(placed.names):
        return None
    return Refusal("conflict", "identifier_twice", "an identifier stands twice in it", "name each once")


def _unfit(said: StatusClaim, now_ms: int, *, is_self: bool = False) -> Refusal | None:
    """Why this claim is not allowed; None if it is. A person may only make self-asserted claims."""
    if said.status not in STATUSES:
        told = f"no status {said.status[:40]!r}, expected one of {', '.join(STATUSES)}"
        return Refusal("conflict", "status_unknown", told)
    allowed = (Assurance.SELF_ASSERTED,) if is_self else persons.BY_ORGANIZATION
    if said.assurance not in allowed:
        listed = " or ".join(each.word for each in allowed)
        told = f"nobody claims with the assurance {said.assurance.word!r}, expected {listed}"
        return Refusal("conflict", "assurance_not_yours", told, "a provider's takes what it has signed")
    if len(said.method) > persons.METHOD_MAX or not persons.METHOD.fullmatch(said.method):
        told = f"the method {said.method[:40]!r}, expected a word such as document-seen or i-9"
        return Refusal("conflict", "method_invalid", told, "say how it is known; send nothing else")
    return _passed(said.until_ms, now_ms)


def _passed(until_ms: int | None, now_ms: int) -> Refusal | None:
    if until_ms is None or until_ms > now_ms:
        return None
    told = f"a claim until {times.format_time(until_ms)}, which has passed"
    return Refusal("conflict", "until_passed", told, "say a later time, or none")


def _spent(state: State, digest: str) -> Refusal | None:
    if digest not in state.registry.spent:
        return None
    said = "this assertion has been used before"
    return Refusal("conflict", "assertion_spent", said, "have the provider sign another one")


def _claim(member: str, issuer: str, said: StatusClaim) -> people.ClaimRow:
    """A claim in the form of an entry. `method` is for people; no decision reads it."""
    return people.ClaimRow(
        member=member,
        issuer=issuer,
        status=said.status,
        assurance=said.assurance.word,
        method=said.method,
        until_ms=said.until_ms,
    )


def _claimed(state: State, claims: Sequence[people.ClaimRow], entropy: Entropy) -> Iterator[Draft]:
    """The entries for claims that say something new."""
    news = [claim for claim in claims if not _stands(state, claim)]
    for part in parts(news):
        yield _draft(people.StatusClaimed(claims=part), entropy)


def _stands(state: State, claim: people.ClaimRow) -> bool:
    """Whether the same issuer already claims the same."""
    person = state.table.people.get(claim.member)
    known = claim_by(person, claim.issuer) if person is not None else None
    told = state.registry.told.get(claim.member, {}).get(claim.issuer)
    if known is None or told is None:
        return False
    said = StatusClaim(known.status, known.assurance, told.method, known.until_ms)
    return _claim(claim.member, claim.issuer, said) == claim


def _registered(
    state: State, organization: str, placed: Sequence[_PlacedRegistration], entropy: Entropy
) -> Iterator[Draft]:
    """The entries for members and identifiers that are new."""
    known = state.table.registry.get(organization, {})
    news = []
    for each in placed:
        identifiers = tuple(one for one in each.row.identifiers if one not in known)
        if each.is_new or identifiers:
            news.append(people.Member(member=each.member, identifiers=identifiers))
    for part in parts(news):
        yield _draft(people.MembersRegistered(organization=organization, members=part), entropy)


def _draft(body: Body, entropy: Entropy) -> Draft:
    return Draft.of("members", body, entropy)
