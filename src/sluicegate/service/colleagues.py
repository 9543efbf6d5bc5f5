"""The people of an organization: who comes in for it, who of them is an administrator, and whose access ends.

Rules:
- An organization always has an administrator whose access has not ended.
- Who does these acts is still an administrator when they are done: `Context.arrange` looks it up. Who
  invites by name, too: `administrator` does, as anyone may do that act for themselves.
- What is so already has no effect: nothing is written, and nothing that rests on it ends.
- A name is of one of an organization's people. Whose access has ended gets it again under their name.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from sluicegate.acts import colleagues as acts
from sluicegate.acts.act import Nothing, not_administrator
from sluicegate.acts.colleagues import PEOPLE_MAX, ColleagueArgument, ColleagueList, ColleagueView
from sluicegate.acts.sign_ins import InvitationRequest
from sluicegate.core.lifecycle import Refusal
from sluicegate.ports import Ports, Principal
from sluicegate.service import tokens
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Unchanged


@does(acts.LIST)
def listed(context: Context[ColleagueList], _: Nothing) -> ColleagueList:
    """The people of the caller's organization."""
    ports: Ports = context.ledger.store
    known, by = ports.principals, context.principal
    valid = {each.id for each in known.team(by, ended=False)}
    people = known.team(by)
    ended = [each.id for each in people if each.id not in valid][:PEOPLE_MAX]
    shown = (each for each in people if each.id in valid.union(ended))
    return ColleagueList(people=tuple(_shown(context, ports, each) for each in shown))


@does(acts.PROMOTE)
def promote(context: Context[ColleagueView], asked: ColleagueArgument) -> ColleagueView | Refusal:
    """Make a colleague an administrator."""

    def change(ports: Ports, found: Principal) -> Principal | Unchanged[Principal] | Refusal:
        if ports.principals.holder(found.id) is None:
            said = f"the access of {found.name!r} has ended"
            how = f"sluicegate sign-in invite --name {shlex.quote(found.name)} --administrator"
            remedy = f"invite them again: '{how}'"
            return Refusal("conflict", "access_ended", said, remedy)
        if found.administers:
            return Unchanged(found)
        ports.principals.administer(found.id, administers=True)
        return replace(found, administers=True)

    return _changed(context, partial(_colleague, context, asked.principal), change)


@does(acts.DEMOTE)
def demote(context: Context[ColleagueView], asked: ColleagueArgument) -> ColleagueView | Refusal:
    """Make an administrator a colleague like others."""

    def change(ports: Ports, found: Principal) -> Principal | Unchanged[Principal]:
        if not found.administers:
            return Unchanged(found)
        ports.principals.administer(found.id, administers=False)
        ports.sign_ins.end_invitations(found.id)
        return replace(found, administers=False)

    return _changed(context, partial(_one_of_several, context, asked.principal), change)


@does(acts.END)
def end(context: Context[ColleagueView], asked: ColleagueArgument) -> ColleagueView | Refusal:
    """End someone's access. To end it again changes nothing."""

    def change(ports: Ports, found: Principal) -> Principal | Unchanged[Principal]:
        if ports.principals.holder(found.id) is None:
            return Unchanged(found)
        tokens.shut_out(ports, found.id)
        return found

    return _changed(context, partial(_one_of_several, context, asked.principal), change)


def _changed(
    context: Context[ColleagueView],
    find: Callable[[Ports], Principal | Refusal],
    change: Callable[[Ports, Principal], Principal | Unchanged[Principal] | Refusal],
) -> ColleagueView | Refusal:
    """Show the one that a function finds, after a change in the same transaction."""

    def arranged(ports: Ports) -> ColleagueView | Unchanged[ColleagueView] | Refusal:
        found = find(ports)
        after = found if isinstance(found, Refusal) else change(ports, found)
        if isinstance(after, Unchanged):
            return Unchanged(_shown(context, ports, after.answer))
        return after if isinstance(after, Refusal) else _shown(context, ports, after)

    return context.arrange(arranged)


def joining(context: Context[Any], asked: InvitationRequest, ports: Ports) -> Principal | Refusal:
    """The colleague of a name that an administrator invites: a new one, or one who has not come in yet, or
    whose access has ended.
    """
    assert asked.name is not None
    by, ledger = administrator(context, ports), context.ledger
    began, name = by.colleague_of or by.id, tokens.pseudonym(ledger, by.role)
    joined = Principal(name, by.role, asked.name, by.party, began, asked.administrator)
    found, known = next(iter(ports.principals.namesakes(joined)), None), ports.principals
    comes_in = found is not None and known.holder(found.id) is not None
    if not comes_in and len(known.team(by, ended=False)) >= PEOPLE_MAX:
        said = f"{PEOPLE_MAX} people come in for your organization"
        return Refusal(
            "conflict",
            "organization_full",
            said,
            "end the access of one: 'sluicegate colleague end PRINCIPAL'",
        )
    if found is None:
        known.add(ledger.random(32), joined)
        return joined
    if not comes_in:
        back = replace(found, administers=asked.administrator)
        tokens.let_in(ports, ledger.random(32), back)
        return back
    if found.id == by.id or not has_come_in(context, ports, found):
        return found
    remedy = "they make links themselves, at /account; if they cannot, end their access and invite them again"
    return in_use(found, remedy)


def has_come_in(context: Context[Any], ports: Ports, principal: Principal) -> bool:
    """Whether someone has a way in that is theirs, or has used one."""
    uses = context.services.last_uses.last([principal.id])
    sessions = ports.sign_ins.sessions(principal.id, context.ledger.now_ms())
    return bool(sessions or uses or ports.sign_ins.passkeys(principal.id))


def in_use(principal: Principal, remedy: str) -> Refusal:
    """Why no one makes a link that signs in as someone who has come in already."""
    said = f"{principal.role} {principal.name} has come in already, and a link would sign someone in as them"
    return Refusal("conflict", "principal_in_use", said, remedy)


def administrator(context: Context[Any], ports: Ports) -> Principal:
    """Who asks, by what the store says now. Raises: Unauthorized: they are no administrator."""
    found = context.still(ports)
    if not found.administers:
        raise not_administrator()
    return found


def _colleague(context: Context[Any], principal: str, ports: Ports) -> Principal | Refusal:
    """One of the people of the organization of who asks."""
    found = (each for each in ports.principals.team(context.principal) if each.id == principal)
    said, remedy = f"no colleague {principal[:80]!r} of yours", "'sluicegate colleague list' shows them"
    return next(found, None) or Refusal("unknown", "colleague_unknown", said, remedy)


def _one_of_several(context: Context[Any], principal: str, ports: Ports) -> Principal | Refusal:
    """The same, unless it is the only administrator whose access has not ended."""
    found = _colleague(context, principal, ports)
    if isinstance(found, Refusal):
        return found
    others = ports.principals.team(found, ended=False)
    if any(each.administers and each.id != found.id for each in others):
        return found
    said = f"{found.name!r} is the last administrator of your organization"
    return Refusal("conflict", "last_administrator", said, "make a colleague an administrator first")


def _shown(context: Context[Any], ports: Ports, principal: Principal) -> ColleagueView:
    store, now_ms = ports.sign_ins, context.ledger.now_ms()
    sessions, passkeys = store.sessions(principal.id, now_ms), store.passkeys(principal.id)
    used = (each.used_ms or 0 for each in passkeys)
    by_token = context.services.last_uses.last([principal.id]).values()
    used_ms = max([*(each.seen_ms for each in sessions), *used, *by_token], default=0)
    return ColleagueView(
        principal=principal.id,
        name=principal.name,
        administrator=principal.administers,
        state="ended" if ports.principals.holder(principal.id) is None else "valid",
        used_ms=used_ms or None,
        you=principal.id == context.principal.id,
    )
