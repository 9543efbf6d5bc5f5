"""How people come in to the pages: who invites, and what they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from sluicegate.acts import sign_ins as acts
from sluicegate.acts.act import DEVELOPER, PEOPLE
from sluicegate.acts.fields import PLAIN_NAME
from sluicegate.acts.sign_ins import (
    InvitationRequest,
    NewInvitation,
    PasskeyArgument,
    PasskeyView,
    SessionArgument,
    SessionView,
    SignInEnd,
    SignInList,
    WhoseSignIns,
)
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access import invitations
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import Ports, Principal, Principals
from sluicegate.service import colleagues, tokens
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger

Finding = Callable[[Ports], Principal | Refusal]
"""Finds or makes the principal that an invitation is for, in its transaction."""


@does(acts.INVITE)
def invite(context: Context[NewInvitation], asked: InvitationRequest) -> NewInvitation | Refusal:
    """Make an invitation as it is asked for."""
    ledger, by = context.ledger, context.principal
    finding: Finding
    if asked.is_own:
        finding = partial(_self, by)
    elif asked.name is not None and asked.role in {None, by.role} and asked.party in {None, by.party}:
        finding = partial(colleagues.joining, context, asked)
    else:
        refused = _not_to_invite(by, asked)
        if refused is not None:
            return refused
        finding = partial(_beginning, context, asked)
    return context.arrange(partial(_made, ledger, by, finding))


def _self(by: Principal, _: Ports) -> Principal:
    return by


def _not_to_invite(by: Principal, asked: InvitationRequest) -> Refusal | None:
    """Why no one of another organization is invited with such words."""
    if by.role != DEVELOPER:
        said = "only the developer's staff invite others than colleagues"
        return Refusal("forbidden", "forbidden", said, "leave role and party out, or everything")
    if asked.role not in PEOPLE or asked.name is None:
        said = f"an invitation of the role {str(asked.role)[:40]!r}"
        expected = f"one of {', '.join(sorted(PEOPLE))}, and a name"
        return Refusal("unknown", "role_unknown", said, expected)
    if not re.fullmatch(PLAIN_NAME, asked.name):
        said = f"the name {asked.name!r} of someone of another organization"
        return Refusal("unknown", "name_unfit", said, "expected letters, digits and .-_, as of a token")
    return None


def _beginning(
    context: Context[NewInvitation], asked: InvitationRequest, ports: Ports
) -> Principal | Refusal:
    """The first one of another organization, who an administrator of the staff invites: a new one, or one
    who has not come in yet.
    """
    colleagues.administrator(context, ports)
    found = _named(ports.principals, asked)
    if found is None or not colleagues.has_come_in(context, ports, found):
        return _invited(context.ledger, asked, ports)
    remedy = "they make links themselves: at /account, or by 'sluicegate sign-in invite' with their token; "
    remedy += "if they cannot, 'sluicegate token issue --role ROLE --name NAME --replace' "
    remedy += "gives them another token and ends what they have"
    return colleagues.in_use(found, remedy)


def _named(known: Principals, asked: InvitationRequest) -> Principal | None:
    """The first one of an organization that has this name, if they may come in."""
    named = known.namesakes(Principal("", asked.role or "", asked.name or "", asked.party))
    return next((each for each in named if each.colleague_of is None and known.holder(each.id)), None)


def make(ledger: Ledger, asked: InvitationRequest, by: Principal) -> NewInvitation | Refusal:
    """An invitation for the one it asks for, the first of an organization."""
    with ledger.store.write() as ports:
        return _made(ledger, by, partial(_invited, ledger, asked), ports)


def _made(ledger: Ledger, by: Principal, finding: Finding, ports: Ports) -> NewInvitation | Refusal:
    """An invitation for the principal that a function finds or makes."""
    found = finding(ports)
    if isinstance(found, Refusal):
        return found
    made = invitations.made(ledger.random(32), ledger.now_ms())
    ports.sign_ins.invite(made.digest, found.id, made.until_ms, acts.INVITATIONS_MAX, by.id)
    return NewInvitation(**tokens.fields(found), path=made.path, until_ms=made.until_ms)


def _invited(ledger: Ledger, asked: InvitationRequest, ports: Ports) -> Principal | Refusal:
    """Who has this role and name, or a new principal, whose token is known to no one."""
    assert asked.role is not None
    assert asked.name is not None
    found = _named(ports.principals, asked)
    if found is not None:
        return found
    wanted = TokenRequest(role=asked.role, name=asked.name, party=asked.party)
    made = tokens.new_principal(ledger, ports.principals, wanted)
    if isinstance(made, Principal):
        ports.principals.add(ledger.random(32), made)
    return made


def named(ledger: Ledger, asked: InvitationRequest) -> Principal | None:
    """Who has a role and a name, or a new principal of them; None: there can be no such one."""
    if asked.role not in PEOPLE:
        return None
    known = _named(ledger.store.principals, asked)
    if known is not None:
        return known
    with ledger.store.write() as ports:
        found = _invited(ledger, asked, ports)
    return None if isinstance(found, Refusal) else found


@does(acts.LIST)
def listed(context: Context[SignInList], asked: WhoseSignIns) -> SignInList | Refusal:
    """What someone has."""
    whose = _whose(context, asked.principal)
    if isinstance(whose, Refusal):
        return whose
    store = context.ledger.store.sign_ins
    issued = context.ledger.store.principals.issued()
    passkeys = (
        PasskeyView(passkey=each.id, name=each.name, created_ms=each.created_ms, used_ms=each.used_ms)
        for each in store.passkeys(whose.id)
    )
    sessions = (
        SessionView(
            session=each.id,
            how=each.how,
            agent=each.agent,
            created_ms=each.created_ms,
            seen_ms=each.seen_ms,
            until_ms=each.until_ms,
        )
        for each in store.sessions(whose.id, context.ledger.now_ms())
    )
    return SignInList(
        principal=whose.id,
        name=whose.name,
        role=whose.role,
        passkeys=tuple(passkeys),
        sessions=tuple(sessions),
        token_ms=issued.get(whose.id),
        party=whose.party,
        party_name=_called(context.ledger, whose.party),
    )


def _called(ledger: Ledger, party: str | None) -> str | None:
    """What the first plan that has an agency calls it; its id, if there is no plan."""
    if party is None:
        return None
    with ledger.reading() as state:
        plans = (each.plan.spec.agencies for each in state.releases.values())
        return next((found[party].name for found in plans if party in found), party)


@does(acts.END)
def end(context: Context[SignInEnd], asked: SessionArgument) -> SignInEnd | Refusal:
    """End a session."""

    def ended(ports: Ports) -> SignInEnd | Refusal:
        sessions = ports.sign_ins.sessions(context.principal.id, context.ledger.now_ms())
        if asked.session not in {each.id for each in sessions}:
            return _unknown("session", asked.session)
        ports.sign_ins.end(asked.session)
        ports.sign_ins.end_invitations(context.principal.id)
        return SignInEnd(over=asked.session)

    return context.arrange(ended)


@does(acts.REMOVE)
def remove(context: Context[SignInEnd], asked: PasskeyArgument) -> SignInEnd | Refusal:
    """Remove a passkey."""

    def removed(ports: Ports) -> SignInEnd | Refusal:
        found = ports.sign_ins.passkey(asked.passkey)
        if found is None or found.principal != context.principal.id:
            return _unknown("passkey", asked.passkey)
        ports.sign_ins.remove_passkey(asked.passkey)
        return SignInEnd(over=asked.passkey)

    return context.arrange(removed)


def _whose(context: Context[SignInList], principal: str | None) -> Principal | Refusal:
    """Whose ways in are asked for: the caller's own, or by an administrator those of others."""
    by, known = context.principal, context.ledger.store.principals
    if principal in {None, by.id}:
        return by
    may_ask: Sequence[Principal] = ()
    if by.administers:
        may_ask = known.all() if by.role == DEVELOPER else known.team(by)
    found = (each for each in may_ask if each.id == principal)
    return next(found, None) or _unknown("principal", str(principal))


def _unknown(what: str, name: str) -> Refusal:
    return Refusal(
        "unknown",
        f"{what}_unknown",
        f"no {what} {name[:80]!r} of yours",
        "'sluicegate sign-in list' shows them",
    )
