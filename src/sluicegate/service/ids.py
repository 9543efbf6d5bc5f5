"""Whole ids by their beginnings, of what the reader may see.

Rules:
- What a reader may not see has no id for it, however it begins.
- The state is held for a part of what begins so at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from sluicegate.acts import ids as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.ids import IDS_MAX, Beginning, Ids
from sluicegate.core.lifecycle import State
from sluicegate.service import access, evidence, findings, promises
from sluicegate.service.context import Context, does

PART = 500
"""How many ids are looked at before others go on."""
PARTS_MAX = 20
"""How many parts are looked at: of more, only the first are shown."""

Sees = Callable[[str], bool]


class _Kind(NamedTuple):
    """All ids of a kind, and which of them a reader may see."""

    known: Callable[[Context[Any]], Iterable[str]]
    seen: Callable[[Context[Any], State], Sees]


@does(acts.FIND)
def find(context: Context[Ids], asked: Beginning) -> Ids:
    """The ids that begin so."""
    kind = _KINDS[asked.kind]
    found = [name for name in kind.known(context) if _begins(name, asked.begins)]
    if asked.begins in found:
        found = [asked.begins]
    shown = tuple(islice(_seen(context, kind, found), IDS_MAX + 1))
    return Ids(ids=shown[:IDS_MAX], more=len(shown) > IDS_MAX)


def _begins(name: str, beginning: str) -> bool:
    """Whether an id begins so: with what it is of, such as `grant_`, or without."""
    digits = name.partition("_")[2] or name.partition(":")[2]
    return name.startswith(beginning) or digits.startswith(beginning)


def _seen(context: Context[Any], kind: _Kind, found: list[str]) -> Iterator[str]:
    for at in range(0, min(len(found), PART * PARTS_MAX), PART):
        with context.ledger.reading() as state:
            sees = kind.seen(context, state)
            part = [name for name in found[at : at + PART] if sees(name)]
        yield from part


def _of(known: Callable[[State], Iterable[str]]) -> Callable[[Context[Any]], Iterable[str]]:
    """What is in the state."""

    def listed(context: Context[Any]) -> list[str]:
        with context.ledger.reading() as state:
            return [*known(state)]

    return listed


def _anyone(_: Context[Any], __: State) -> Sees:
    return lambda _: True


def _staff(context: Context[Any], _: State) -> Sees:
    return lambda _: context.principal.role == DEVELOPER


def _case(context: Context[Any], state: State) -> Sees:
    return lambda name: access.sees(context.principal, state.cases[name])


def _grant(context: Context[Any], state: State) -> Sees:
    return lambda name: access.sees_holding(context.principal, state, name)


def _credential(context: Context[Any], state: State) -> Sees:
    return lambda name: access.sees_holding(context.principal, state, state.grant_of(name) or "")


def _evidence(context: Context[Any], state: State) -> Sees:
    return lambda name: evidence.sees(context, state, state.record.evidence[name])


def _finding(context: Context[Any], state: State) -> Sees:
    shown = findings.shown_to(context, state)
    return lambda name: shown(state.record.findings[name])


def _promise(context: Context[Any], state: State) -> Sees:
    shown = promises.shown_to(context.ledger, state, context.principal)
    return lambda name: shown(state.record.promises[name])


def _licence(context: Context[Any], state: State) -> Sees:
    return lambda name: access.sees(context.principal, state.cases[state.record.licences[name].case])


def _member(context: Context[Any], state: State) -> Sees:
    people = state.table.people
    return lambda name: name in people and _looks_after(context, state, people[name].organization)


def _provider(context: Context[Any], state: State) -> Sees:
    known = state.registry.providers
    return lambda name: name in known and _looks_after(context, state, known[name].organization)


def _signatory(context: Context[Any], state: State) -> Sees:
    whose = _signatories(state)
    return lambda name: name in whose and _looks_after(context, state, whose[name])


def _signatories(state: State) -> dict[str, str]:
    """The organization of each signatory."""
    pinned = state.registry.signatories.items()
    return {pin.id: organization for organization, pins in pinned for pin in pins.values()}


def _looks_after(context: Context[Any], state: State, organization: str) -> bool:
    return access.looks_after(context.principal, state, organization)


def _tokens(context: Context[Any]) -> Iterator[str]:
    return (each.id for each in context.ledger.store.principals.all())


def _drafts(context: Context[Any]) -> Iterator[str]:
    return (each.id for each in context.ledger.store.principals.drafts(context.principal.acts_for))


def _subscriptions(context: Context[Any]) -> Iterator[str]:
    return (each.id for each in context.ledger.store.outbox.subscriptions(context.principal.id))


_DIRECTIVES = _Kind(_of(lambda state: state.directives), _anyone)
_KINDS: dict[str, _Kind] = {
    "account": _Kind(_of(lambda state: state.accounts.seqs), _staff),
    "case": _Kind(_of(lambda state: state.cases), _case),
    "credential": _Kind(_of(lambda state: state.keyring.places), _credential),
    "directive": _DIRECTIVES,
    "draft": _Kind(_drafts, _anyone),
    "drill": _DIRECTIVES,
    "evidence": _Kind(_of(lambda state: state.record.evidence), _evidence),
    "finding": _Kind(_of(lambda state: state.record.findings), _finding),
    "grant": _Kind(_of(lambda state: [*state.grants, *state.accounts.seqs]), _grant),
    "import": _Kind(_of(lambda state: state.keyring.imports), _staff),
    "licence": _Kind(_of(lambda state: state.record.licences), _licence),
    "member": _Kind(_of(lambda state: state.table.people), _member),
    "principal": _Kind(_tokens, _staff),
    "promise": _Kind(_of(lambda state: state.record.promises), _promise),
    "provider": _Kind(_of(lambda state: state.registry.providers), _provider),
    "signatory": _Kind(_of(_signatories), _signatory),
    "subscription": _Kind(_subscriptions, _anyone),
}
"""Each kind. What is only the reader's is found as such."""
assert _KINDS.keys() == acts.KINDS
