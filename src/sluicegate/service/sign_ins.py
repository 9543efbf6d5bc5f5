"""How people come in to the pages: who invites, and what they have."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.acts import sign_ins as acts
from sluicegate.acts.act import DEVELOPER
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
from sluicegate.ports import Ports, Principal, Principals, Store
from sluicegate.service import tokens
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger


@does(acts.INVITE)
def invite(context: Context[NewInvitation], asked: InvitationRequest) -> NewInvitation | Refusal:
    """Make an invitation as it is asked for."""
    if asked == InvitationRequest():
        return make(context.ledger, None, context.principal)
    return _not_to_invite(context, asked) or make(context.ledger, asked, context.principal)


def _not_to_invite(context: Context[NewInvitation], asked: InvitationRequest) -> Refusal | None:
    """Why someone else is not invited."""
    if context.principal.role != DEVELOPER:
        said = "only the developer's staff invite others than themselves"
        return Refusal("forbidden", "forbidden", said, "leave role, name and party out")
    if asked.role not in acts.PEOPLE or asked.name is None:
        said = f"an invitation of the role {str(asked.role)[:40]!r}"
        expected = f"one of {', '.join(sorted(acts.PEOPLE))}, and a name"
        return Refusal("unknown", "role_unknown", said, expected)
    return _in_use(context.ledger.store, asked)


def _in_use(store: Store, asked: InvitationRequest) -> Refusal | None:
    """Why the staff make no link that signs in as someone who has come in already."""
    found = _named(store.principals, asked)
    if found is None or not (store.sign_ins.passkeys(found.id) or store.key_uses.last([found.id])):
        return None
    said = f"{found.role} {found.name} has come in already, and a link would sign someone in as them"
    remedy = "they make links themselves: at /account, or by 'sign-in invite' with their token; if they "
    remedy += "cannot, 'token issue --replace' gives them another token and ends what they have"
    return Refusal("conflict", "principal_in_use", said, remedy)


def _named(known: Principals, asked: InvitationRequest) -> Principal | None:
    """Who has this role and name, and may come in."""
    named = (each for each in known.all() if (each.role, each.name) == (asked.role, asked.name))
    return next((each for each in named if known.holder(each.id)), None)


def make(ledger: Ledger, asked: InvitationRequest | None, by: Principal) -> NewInvitation | Refusal:
    """An invitation for the one it asks for; None: for the principal who makes it."""
    made = invitations.made(ledger.random(32), ledger.now_ms())
    with ledger.store.write() as ports:
        found = by if asked is None else _invited(ledger, ports, asked)
        if isinstance(found, Refusal):
            return found
        ports.sign_ins.invite(made.digest, found.id, made.until_ms, acts.INVITATIONS_MAX)
    return NewInvitation(
        principal=found.id,
        role=found.role,
        name=found.name,
        party=found.party,
        path=made.path,
        until_ms=made.until_ms,
    )


def _invited(ledger: Ledger, ports: Ports, asked: InvitationRequest) -> Principal | Refusal:
    """Who has this role and name, or a new principal, whose token is known to no one."""
    assert asked.role is not None
    assert asked.name is not None
    found = _named(ports.principals, asked)
    if found is not None and asked.party in {None, found.party}:
        return found
    wanted = TokenRequest(role=asked.role, name=asked.name, party=asked.party)
    made = tokens.new_principal(ledger, ports.principals, wanted)
    if isinstance(made, Principal):
        ports.principals.add(ledger.random(32), made)
    return made


def named(ledger: Ledger, asked: InvitationRequest) -> Principal | None:
    """Who has a role and a name, or a new principal of them; None: there can be no such one."""
    if asked.role not in acts.PEOPLE:
        return None
    known = _named(ledger.store.principals, asked)
    if known is not None and asked.party in {None, known.party}:
        return known
    with ledger.store.write() as ports:
        found = _invited(ledger, ports, asked)
    return None if isinstance(found, Refusal) else found


@does(acts.LIST)
def listed(context: Context[SignInList], asked: WhoseSignIns) -> SignInList | Refusal:
    """What someone has."""
    whose = _whose(context, asked.principal)
    if isinstance(whose, Refusal):
        return whose
    store = context.ledger.store.sign_ins
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
    )


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
    if principal in {None, context.principal.id}:
        return context.principal
    found: Sequence[Principal] = (
        [each for each in context.ledger.store.principals.all() if each.id == principal]
        if context.principal.role == DEVELOPER
        else ()
    )
    return found[0] if found else _unknown("principal", str(principal))


def _unknown(what: str, name: str) -> Refusal:
    return Refusal(
        "unknown", f"{what}_unknown", f"no {what} {name[:80]!r} of yours", "'sign-in list' shows them"
    )
