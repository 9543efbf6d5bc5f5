"""What exists that a field of a form can name, with what people call it: from the answers of acts.

Rules:
- A field is known by its key, in every form: `case` is a case. A person is one of the reader's organization,
  but where the act is about the people or the tokens of all.
- What is possible comes first: open cases, directives in force. At most `MOST` of a kind are offered; the
  page of all of them finds the others.
- Nothing is offered that its reader may not ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from sluicegate.acts import (
    accounts,
    cases,
    colleagues,
    credentials,
    directives,
    drafts,
    evidence,
    findings,
    grants,
    keys,
    licences,
    points,
    promises,
    releases,
    sign_ins,
    subscriptions,
    tokens,
)
from sluicegate.acts.accounts import AccountFilter
from sluicegate.acts.act import PEOPLE, AnyAct, AskAct, AskOnce, Nothing
from sluicegate.acts.cases import CaseFilter, CaseSummary
from sluicegate.acts.credentials import CredentialFilter
from sluicegate.acts.directives import DirectiveFilter, DirectiveSummary
from sluicegate.acts.drafts import DraftFilter
from sluicegate.acts.evidence import EvidenceFilter
from sluicegate.acts.findings import FindingFilter
from sluicegate.acts.grants import GrantFilter
from sluicegate.acts.keys import KeyFilter
from sluicegate.acts.licences import LicenceFilter
from sluicegate.acts.points import PointFilter
from sluicegate.acts.promises import PromiseFilter
from sluicegate.acts.releases import ReleaseStatus
from sluicegate.acts.subscriptions import SubscriptionFilter
from sluicegate.acts.tokens import TokenFilter
from sluicegate.errors import Unauthorized
from sluicegate_record.directives.phrases import narrows

MOST = 100
_BRIEF = 60


class KnownThing(NamedTuple):
    """Something that exists: its id, and what people call it."""

    id: str
    name: str


class KnownThings(NamedTuple):
    """What a field can name; `others` is the page that finds more, empty if these are all."""

    things: tuple[KnownThing, ...]
    others: str = ""


NOTHING_KNOWN = KnownThings(())
Find = Callable[[AskAct], Iterator[KnownThing]]


def offers(fields: Iterable[str], ask: AskAct, act: AnyAct | None = None) -> Mapping[str, KnownThings]:
    """What the fields with some keys can name in the form of an act, as far as who asks may know it."""
    asking = AskOnce(ask)
    known = {**_KNOWN, **(_IN_FORMS_OF.get(act.name, {}) if act else {})}
    return {key: _offer(*known[key], asking) for key in fields if key in known}


def _offer(act: AnyAct, find: Find, ask: AskAct) -> KnownThings:
    try:
        found = dict(reversed([*find(ask)]))
    except Unauthorized:
        return NOTHING_KNOWN
    things = tuple(KnownThing(*each) for each in reversed(found.items()))
    return KnownThings(things[:MOST], f"/acts/{act.name}" if len(things) >= MOST else "")


def _status(ask: AskAct) -> Iterator[ReleaseStatus]:
    yield from ask(releases.STATUS, Nothing()).releases


def _releases(ask: AskAct) -> Iterator[KnownThing]:
    for each in _status(ask):
        yield KnownThing(each.release, each.title or "")


def _of_releases(named: Callable[[ReleaseStatus], Iterable[str]]) -> Find:
    """What finds some names in each release, each with what that is called."""

    def find(ask: AskAct) -> Iterator[KnownThing]:
        for each in _status(ask):
            yield from (KnownThing(name, f"of {each.title or each.release}") for name in named(each))

    return find


def _agencies(ask: AskAct) -> Iterator[KnownThing]:
    for each in _status(ask):
        yield from (KnownThing(agency, name) for agency, name in each.names.items())


def _cases(ask: AskAct) -> Iterator[KnownThing]:
    for state in (cases.OPEN, None):
        found = ask(cases.LIST, CaseFilter(state=state, limit=MOST)).cases
        yield from (KnownThing(each.case, _case_name(each)) for each in found)


def _case_name(each: CaseSummary) -> str:
    """What a case is called, such as `admission of Example Utility, gpt-5.6/partners: submitted`."""
    where = f"{each.release}/{each.stage}" if each.stage else each.directive or ""
    who = f" of {each.organization}" if each.organization else ""
    return f"{each.kind}{who}{', ' if where else ''}{where}: {each.state.replace('_', ' ')}"


def _directives(ask: AskAct) -> Iterator[KnownThing]:
    for in_force in (True, False):
        for each in ask(directives.LIST, DirectiveFilter(in_force=in_force, limit=MOST)).directives:
            yield KnownThing(each.directive, _directive_name(each))


def _directive_name(each: DirectiveSummary) -> str:
    stands = "a drill" if each.drill else "in force" if each.in_force else each.ended or "not in force"
    return f"{narrows(each.action, each.models, each.covers)}: {stands}"


def _drills(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(directives.LIST, DirectiveFilter(limit=MOST)).directives:
        if each.drill:
            yield KnownThing(each.directive, _directive_name(each))


def _grants(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(grants.LIST, GrantFilter(limit=MOST)).grants:
        yield KnownThing(each.grant, f"{each.organization or ''}, {each.release}/{each.stage}: {each.state}")


def _licences(ask: AskAct) -> Iterator[KnownThing]:
    holders = {each.id: each.name for each in _grants(ask)}
    for each in ask(licences.LIST, LicenceFilter(limit=MOST)).licences:
        holder = holders.get(each.grant, each.grant)
        yield KnownThing(each.licence, f"from {each.directive}, {each.state}; {holder}")


def _keys(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(keys.LIST, KeyFilter(state="counts")).keys:
        kind = ", a passkey" if each.passkey else ""
        yield KnownThing(each.keyid, f"{each.owner} of {each.party}{kind}")


def _credentials(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(credentials.LIST, CredentialFilter(limit=MOST)).credentials:
        under = f"{each.release}/{each.stage}" if each.stage else "an account"
        yield KnownThing(each.credential, f"{each.organization or ''}, {under}: {each.state}")


def _accounts(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(accounts.LIST, AccountFilter(limit=MOST)).accounts:
        yield KnownThing(each.account, f"{each.organization}: {'open' if each.open else 'closed'}")


def _findings(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(findings.LIST, FindingFilter(limit=MOST)).findings:
        yield KnownThing(each.finding, f"{each.level} {each.kind} of {each.release}: {each.text[:_BRIEF]}")


def _promises(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(promises.LIST, PromiseFilter(limit=MOST)).promises:
        yield KnownThing(each.promise, f"{each.party}, by {each.by}, {each.state}: {each.text[:_BRIEF]}")


def _evidence(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(evidence.LIST, EvidenceFilter(limit=MOST)).evidence:
        yield KnownThing(each.evidence, f"{each.evaluation} of {each.model} by {each.party}")


def _principals(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(tokens.LIST, TokenFilter(limit=MOST)).tokens:
        yield KnownThing(each.principal, f"{each.name}, {each.role}")


def _people(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(colleagues.LIST, Nothing()).people:
        yield KnownThing(each.principal, f"{each.name}{', an administrator' if each.administrator else ''}")


def _whose_sign_ins(ask: AskAct) -> Iterator[KnownThing]:
    """Whose ways in the reader may see: their own; as an administrator those of colleagues, on the staff also
    those of all others.
    """
    people = ask(colleagues.LIST, Nothing()).people
    you = next((each for each in people if each.you), None)
    if you is None:  # their access has ended meanwhile
        return
    if not you.administrator:
        yield KnownThing(you.principal, you.name)
        return
    yield from _people(ask)
    with suppress(Unauthorized):
        own = {each.principal for each in people}
        for each in ask(tokens.LIST, TokenFilter(state="valid", limit=MOST)).tokens:
            if each.role in PEOPLE and each.principal not in own:
                yield KnownThing(each.principal, f"{each.name}, {each.party or each.role}")


def _points(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(points.LIST, PointFilter(limit=MOST)).points:
        yield KnownThing(each.point, f"on {each.surface}")


def _drafts(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(drafts.LIST, DraftFilter(limit=MOST)).drafts:
        yield KnownThing(each.draft, f"for {each.release}/{each.stage}")


def _subscriptions(ask: AskAct) -> Iterator[KnownThing]:
    for each in ask(subscriptions.LIST, SubscriptionFilter(limit=MOST)).subscriptions:
        yield KnownThing(each.subscription, f"{each.kind}, {each.state}")


_KNOWN: Mapping[str, tuple[AnyAct, Find]] = {
    "release": (releases.STATUS, _releases),
    "stage": (releases.STATUS, _of_releases(lambda release: (each.stage for each in release.stages))),
    "surface": (releases.STATUS, _of_releases(lambda release: release.surfaces)),
    "model": (releases.STATUS, _of_releases(lambda release: release.models)),
    "agency": (releases.STATUS, _agencies),
    "case": (cases.LIST, _cases),
    "directive": (directives.LIST, _directives),
    "drill": (directives.LIST, _drills),
    "grant": (grants.LIST, _grants),
    "licence": (licences.LIST, _licences),
    "keyid": (keys.LIST, _keys),
    "credential": (credentials.LIST, _credentials),
    "account": (accounts.LIST, _accounts),
    "finding": (findings.LIST, _findings),
    "promise": (promises.LIST, _promises),
    "evidence": (evidence.LIST, _evidence),
    "principal": (colleagues.LIST, _people),
    "point": (points.LIST, _points),
    "draft": (drafts.LIST, _drafts),
    "subscription": (subscriptions.LIST, _subscriptions),
}
"""By the key of a field: the act whose page has all of them, and what finds those that are offered."""
_IN_FORMS_OF: Mapping[str, Mapping[str, tuple[AnyAct, Find]]] = {
    tokens.REVOKE.name: {"principal": (tokens.LIST, _principals)},
    sign_ins.LIST.name: {"principal": (colleagues.LIST, _whose_sign_ins)},
}
"""By the name of an act: what its fields name that those of other acts do not."""
