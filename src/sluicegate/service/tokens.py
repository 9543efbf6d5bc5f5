"""Tokens: made once, shown once, kept as digests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from sluicegate.acts import tokens as acts
from sluicegate.acts.act import AGENCY, PEOPLE, PERSON, ROLES, Nothing
from sluicegate.acts.tokens import (
    NewToken,
    TokenArgument,
    TokenFilter,
    TokenRequest,
    Tokens,
    TokenView,
)
from sluicegate.core.access import apikey
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import Ports, Principal, Principals
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import following, page
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import durations

ISSUED = tuple(role for role in ROLES if role != PERSON)
"""The roles that tokens are issued for; a person's token is a link, made for a member."""
OVERLAP_MAX_MS = 7 * DAY_MS


@does(acts.ISSUE)
def issue_asked(context: Context[NewToken], asked: TokenRequest) -> NewToken | Refusal:
    """Make a token as it is asked for."""
    refusal = _not_to_issue(context.ledger, asked)
    return refusal or context.arrange(partial(_issued, context.ledger, asked, _nowhere))


def issue(
    ledger: Ledger, asked: TokenRequest, keep: Callable[[str], None] | None = None
) -> NewToken | Refusal:
    """Make a token that no one here asks for. `keep` receives it before it counts."""
    refusal = _not_to_issue(ledger, asked)
    if refusal is not None:
        return refusal
    with ledger.store.write() as ports:
        return _issued(ledger, asked, keep or _nowhere, ports)


def _nowhere(_: str) -> None:
    pass


def _issued(
    ledger: Ledger, asked: TokenRequest, keep: Callable[[str], None], ports: Ports
) -> NewToken | Refusal:
    """A token for a new principal. `token` is in this answer and is stored nowhere.

    A name is of one principal (`Principal.is_namesake`). With `replace`, that principal gets another token,
    and the one before ends.
    """
    principal = _holder(ledger, ports.principals, asked)
    if isinstance(principal, Refusal):
        return principal
    secret = _secret(ledger)
    keep(secret)
    let_in(ports, apikey.digest(secret), principal, at_ms=ledger.now_ms(), overlap_ms=_overlap_ms(asked))
    ports.sign_ins.end_sessions(principal.id)
    return NewToken(**fields(principal), token=secret)


@does(acts.LIST)
def listed(context: Context[Tokens], wanted: TokenFilter) -> Tokens:
    """The principals that tokens are issued for, by role and name."""
    principals = context.ledger.store.principals
    ended = principals.ended()
    known = (each for each in principals.all() if each.role in ISSUED)
    rows = sorted(known, key=lambda each: (ISSUED.index(each.role), each.name, each.id))
    times = principals.issued(), context.services.last_uses.last([each.id for each in rows])
    found = (_shown(each, *times, is_ended=each.id in ended) for each in rows)
    asked = (
        each for each in found if wanted.role in {None, each.role} and wanted.state in {None, each.state}
    )
    shown, is_cut = page(following(asked, wanted.before, lambda each: each.principal), wanted.limit)
    return Tokens(tokens=shown, next=shown[-1].principal if is_cut else None)


@does(acts.REVOKE)
def revoke(context: Context[TokenView], asked: TokenArgument) -> TokenView | Refusal:
    """End the token of a principal, immediately. To end it again changes nothing."""

    def change(ports: Ports) -> TokenView | Refusal:
        return _ended(ports, context.principal, asked.principal)

    return context.arrange(change)


def _ended(ports: Ports, by: Principal, principal: str) -> TokenView | Refusal:
    known = [each for each in ports.principals.all() if each.id == principal and each.role in ISSUED]
    if not known:
        said = f"no token of a principal {principal[:80]!r}"
        return Refusal(
            "unknown", "token_unknown", said, "'sluicegate token list' shows the ids of principals"
        )
    if principal == by.id:
        said = "this is the token that you use"
        return Refusal(
            "conflict",
            "token_in_use",
            said,
            "replace it: 'sluicegate token issue --role ROLE --name NAME --replace'",
        )
    for each in ports.principals.team(known[0]):
        if principal in {each.id, each.acts_for}:
            shut_out(ports, each.id)
    return _shown(known[0], is_ended=True)


def let_in(
    ports: Ports, token_digest: bytes, principal: Principal, *, at_ms: int = 0, overlap_ms: int = 0
) -> None:
    """Give a principal a token, as `Principals.replace` does. If their access had ended, what was on its way
    then does not come back with it.
    """
    if ports.principals.holder(principal.id) is None:
        ports.sign_ins.shut_out(principal.id)
    ports.principals.replace(token_digest, principal, at_ms=at_ms, overlap_ms=overlap_ms)


def shut_out(ports: Ports, principal: str) -> None:
    """End every way in of a principal."""
    ports.principals.end(principal)
    ports.sign_ins.shut_out(principal)


@does(acts.RENEW)
def renew(context: Context[NewToken], _: Nothing) -> NewToken | Refusal:
    """Another token for the caller; the one before ends."""
    ledger = context.ledger

    def change(ports: Ports) -> NewToken:
        who, secret = context.still(ports), _secret(ledger)
        ports.principals.replace(apikey.digest(secret), who, at_ms=ledger.now_ms())
        return NewToken(**fields(who), token=secret)

    return context.arrange(change)


def new_principal(ledger: Ledger, known: Principals, asked: TokenRequest) -> Principal | Refusal:
    """A principal that a token, or another way in, is asked for; not one that there is already."""
    return _not_to_issue(ledger, asked) or _holder(ledger, known, asked)


def _not_to_issue(ledger: Ledger, asked: TokenRequest) -> Refusal | None:
    if asked.role not in ISSUED:
        said = f"no role {asked.role!r}, expected one of {', '.join(ISSUED)}"
        return Refusal("unknown", "role_unknown", said)
    if asked.overlap is not None:
        refusal = _not_to_overlap(asked)
        if refusal is not None:
            return refusal
    with ledger.reading() as state:
        agencies = state.parties - {state.developer}
    if asked.party in (agencies if asked.role == AGENCY else {None}):
        return None
    known = ", ".join(sorted(agencies))
    return Refusal("unknown", "party_unknown", f"a token of an agency names one of: {known}")


def _not_to_overlap(asked: TokenRequest) -> Refusal | None:
    """Why the token before does not count for so much longer."""
    with suppress(ValueError):
        if asked.replace and 0 < _overlap_ms(asked) <= OVERLAP_MAX_MS:
            return None
    said = f"an overlap of {str(asked.overlap)[:40]!r}"
    return Refusal("conflict", "overlap_wrong", said, "with --replace, up to P7D; without it, leave it out")


def _holder(ledger: Ledger, principals: Principals, asked: TokenRequest) -> Principal | Refusal:
    """The principal that gets a token: a new one, or the one that has this name already."""
    wanted = Principal(pseudonym(ledger, asked.role), asked.role, asked.name, asked.party)
    known = principals.namesakes(wanted)
    if asked.replace:
        found = _only(known, asked)
        if isinstance(found, Principal) and found.colleague_of is None:
            return replace(found, administers=True)
        return found
    if known:
        said = f"{known[0].id} has a token of the role {asked.role!r} and the name {asked.name!r}"
        remedy = "choose another name, or say --replace: then that token ends, and its holder gets this one"
        return Refusal("conflict", "token_exists", said, remedy)
    return wanted


def _only(known: Sequence[Principal], asked: TokenRequest) -> Principal | Refusal:
    """The one principal that gets another token."""
    if len(known) == 1:
        return known[0]
    named = f"the role {asked.role!r} and the name {asked.name!r}"
    if len(known) > 1:
        said, remedy = (
            f"{len(known)} principals have {named}",
            "'sluicegate token list' shows them; revoke the old ones",
        )
        return Refusal("conflict", "token_ambiguous", said, remedy)
    said = f"no token of {named}" + (f" for {asked.party!r}" if asked.party else "")
    remedy = "'sluicegate token list' shows them; leave --replace out for a new one"
    return Refusal("unknown", "token_unknown", said, remedy)


def fields(principal: Principal) -> dict[str, Any]:
    """The fields of a `TokenHolder`."""
    return {
        "principal": principal.id,
        "role": principal.role,
        "name": principal.name,
        "party": principal.party,
        "colleague_of": principal.colleague_of,
        "administrator": principal.administers and principal.role in PEOPLE,
    }


def _shown(
    principal: Principal,
    issued: Mapping[str, int] = MappingProxyType({}),
    used: Mapping[str, int] = MappingProxyType({}),
    *,
    is_ended: bool,
) -> TokenView:
    return TokenView(
        **fields(principal),
        state="ended" if is_ended else "valid",
        created_ms=issued.get(principal.id),
        used_ms=used.get(principal.id),
    )


def _overlap_ms(asked: TokenRequest) -> int:
    return 0 if asked.overlap is None else durations.milliseconds(asked.overlap)


def link(ledger: Ledger, known: Principals, member: str, person: str | None = None) -> str:
    """The token of a member's private link, in place of the one before.

    `person` is who goes on under it, where a person renews their own; else a new one acts from now on.
    """
    secret = _secret(ledger)
    who = Principal(person or pseudonym(ledger, PERSON), PERSON, member)
    known.replace(apikey.digest(secret), who)
    return secret


def _secret(ledger: Ledger) -> str:
    return apikey.make(apikey.TOKEN_PREFIX, ledger.random(32))


def pseudonym(ledger: Ledger, role: str) -> str:
    """A new id of a principal."""
    return f"{role}_{base64.b32encode(ledger.random(10)).decode().lower()}"
