"""Credentials: list, show, issue under a grant, rotate, revoke.

Rules:
- A credential is listed for those who may see its grant; its member only for who looks after the members. Its
  label and its last use are for them and the developer's staff.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, takewhile
from typing import Any, NamedTuple

from sluicegate.acts import credentials as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.credentials import (
    CredentialArgument,
    CredentialEnd,
    CredentialFilter,
    CredentialList,
    CredentialRotation,
    CredentialSummary,
    DayUsage,
    GrantUsage,
    GrantUsageQuestion,
    KeyDigest,
    KeyUsage,
    KnownCredential,
    ModelUsage,
    RotatedCredential,
)
from sluicegate.core.access import apikey
from sluicegate.core.access.rows import KeyState
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.credentials import (
    DIGEST,
    IssueCredential,
    RevokeCredential,
    RotateCredential,
    credential_unknown,
)
from sluicegate.core.times import time_ms
from sluicegate.errors import InvalidInput
from sluicegate.ports import KeyDay, Principal
from sluicegate.service import access
from sluicegate.service.accounts import names_of
from sluicegate.service.casefile import grant_of
from sluicegate.service.context import Context, does
from sluicegate.service.day_uses import DAYS
from sluicegate.service.grants import grant_unknown
from sluicegate.service.holdings import Search, legal_names
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import page
from sluicegate_record.log import times
from sluicegate_record.log.times import DAY_MS


@does(acts.LIST)
def listed(context: Context[CredentialList], wanted: CredentialFilter) -> CredentialList | Refusal:
    """The credentials under the grants that the reader may see, by grant, each grant's newest first."""
    refusal = _not_to_list(context, wanted)
    if refusal is not None:
        return refusal
    shown, is_cut = page(_found(context, wanted), wanted.limit)
    size, rows = _summaries(context, shown)
    return CredentialList(size=size, credentials=rows, next=shown[-1][1] if is_cut else None)


def _not_to_list(context: Context[Any], wanted: CredentialFilter) -> Refusal | None:
    """Why the wanted credentials are not listed: the reader may not see what they are under."""
    before = None if wanted.before is None else grant_of_key(context, wanted.before)
    for grant in (wanted.grant, before):
        if grant is not None and not _sees(context, grant):
            return grant_unknown(grant) if grant == wanted.grant else credential_unknown(wanted.before or "")
    return None


@does(acts.USAGE)
def usage(context: Context[GrantUsage], asked: GrantUsageQuestion) -> GrantUsage | Refusal:
    """How much the keys under a grant of the caller's are used."""
    wanted = CredentialFilter(grant=asked.grant, before=asked.before, limit=asked.limit)
    refusal = _not_to_list(context, wanted)
    if refusal is not None or not holds(context, asked.grant):
        return refusal or grant_unknown(asked.grant)
    shown, is_cut = page(_found(context, wanted), asked.limit)
    names, now_ms = [name for _, name in shown], context.ledger.now_ms()
    labels, days = _labels(context, names), dict[str, list[DayUsage]]()
    for (name, day), found in groupby(context.services.day_uses.of(names, now_ms), lambda each: each[:2]):
        days.setdefault(name, []).append(_day(day, [*found]))
    return GrantUsage(
        since=_date(now_ms // DAY_MS - DAYS + 1),
        until=_date(now_ms // DAY_MS),
        keys=tuple(
            KeyUsage(credential=name, label=labels[name], days=tuple(days.get(name, ()))) for name in names
        ),
        next=names[-1] if is_cut else None,
    )


def _day(day: int, counted: Sequence[KeyDay]) -> DayUsage:
    """The requests of a key on a day, by model; those that are counted without one are last."""
    return DayUsage(
        day=_date(day),
        passed=sum(each.passed for each in counted),
        refused=sum(each.refused for each in counted),
        models=tuple(
            ModelUsage(model=each.model or None, passed=each.passed, refused=each.refused)
            for each in sorted(counted, key=lambda each: (not each.model, each.model))
        ),
    )


def _date(day: int) -> str:
    return times.format_time(day * DAY_MS)[:10]


@does(acts.SHOW)
def show(context: Context[CredentialSummary], asked: CredentialArgument) -> CredentialSummary | Refusal:
    """One credential."""
    grant = grant_of_key(context, asked.credential)
    if not grant or not _sees(context, grant):
        return credential_unknown(asked.credential)
    _, (row,) = _summaries(context, [(grant, asked.credential)])
    return row


def _summaries(
    context: Context[Any], shown: Sequence[tuple[str, str]]
) -> tuple[int, tuple[CredentialSummary, ...]]:
    """What is shown of credentials, each given with its grant or account; and of which size of the log."""
    names = _holders(context.ledger, {grant for grant, _ in shown})
    labels = _labels(context, [name for _, name in shown])
    uses = context.services.last_uses.last([name for _, name in shown])
    now_ms = context.ledger.now_ms()
    with context.ledger.reading() as state:
        return state.size, tuple(
            _summary(
                state,
                context.principal,
                _Listed(grant, name, names[grant], labels[name], uses.get(name)),
                now_ms,
            )
            for grant, name in shown
        )


def _found(context: Context[Any], wanted: CredentialFilter) -> Iterator[tuple[str, str]]:
    """The wanted credentials after `before`, each with its grant or account."""
    ledger, before = context.ledger, wanted.before
    for grant in _wanted(context, wanted):
        with ledger.reading() as state:
            names = state.keyring.lists.get(grant, ())
            is_here = before is not None and state.grant_of(before) == grant
            end = state.keyring.place_in(grant, before) if before and is_here else len(names)
            part = names[max(0, end - wanted.limit - 1) : end]
        yield from ((grant, name) for name in reversed(part))


def _wanted(context: Context[Any], wanted: CredentialFilter) -> Iterator[str]:
    """The grants whose credentials are wanted; or the account, if it or a key of it is named."""
    since = wanted.grant
    if since is None and wanted.before is not None:
        since = grant_of_key(context, wanted.before)
    with context.ledger.reading() as state:
        is_account = since in state.record.accounts
    if since is not None and is_account:
        yield since
        return
    search = Search(context.ledger, context.principal, wanted, is_keyed=True)
    found = (grant.id for grant in search.found(since, inclusive=True))
    yield from found if wanted.grant is None else takewhile(wanted.grant.__eq__, found)


def _holders(ledger: Ledger, grants: Collection[str]) -> dict[str, str]:
    """The legal names of the holders of some grants and accounts."""
    with ledger.reading() as state:
        accounts = [name for name in grants if name in state.record.accounts]
        others = [state.grants[name] for name in grants if name in state.grants]
    return {**legal_names(ledger, others), **names_of(ledger, accounts)}


def _sees(context: Context[Any], grant: str) -> bool:
    """Whether the reader may see a grant or an account."""
    with context.ledger.reading() as state:
        return access.sees_holding(context.principal, state, grant)


def refuse_key(credential: str) -> None:
    """Refuse an API key in the place of its credential. Raises: InvalidInput: it is one."""
    if credential.startswith(apikey.KEY_PREFIX):
        raise InvalidInput(
            "an API key, expected the credential that it belongs to, such as cred_6n3v…",
            remedy="'sluicegate credential list' shows each with its label",
        )


def grant_of_key(context: Context[Any], credential: str) -> str:
    """The grant or account of a credential; no grant's name if there is no such credential.

    Raises: InvalidInput: an API key.
    """
    refuse_key(credential)
    with context.ledger.reading() as state:
        return state.grant_of(credential) or ""


class _Listed(NamedTuple):
    """A credential that is shown, with what is not in the state."""

    grant: str
    name: str
    organization: str
    label: str | None
    last_used_ms: int | None


def _labels(context: Context[Any], names: Sequence[str]) -> dict[str, str | None]:
    """What the holders call some credentials."""
    ledger = context.ledger
    with ledger.reading() as state:
        places = {name: (state.keyring.places[name], state.keyring.row_of(name)) for name in names}
    sealed = ledger.store.log.sealed({seq for seq, _ in places.values()})
    opened = {
        seq: {field: each.value() for field, each in parts.items() if field in {"label", "labels"}}
        for seq, parts in sealed.items()
    }
    found: dict[str, str | None] = {}
    for name, (seq, row) in places.items():
        parts = opened.get(seq, {})
        found[name] = parts["labels"][row] if "labels" in parts else parts.get("label")
    return found


def _state(key: KeyState, now_ms: int) -> str:
    """The state of a key, in a word."""
    if key.revoked:
        return "revoked"
    if not key.counts:
        return "discarded" if key.is_free else "pending"
    return "expired" if key.has_expired(now_ms) else "valid"


def _summary(state: State, principal: Principal, listed: _Listed, now_ms: int) -> CredentialSummary:
    name, row = listed.name, state.table.credentials_by_id[listed.name]
    grant, shown = state.grants.get(listed.grant), grant_of(state, listed.grant)
    is_open = shown is None and state.record.accounts[listed.grant].is_open
    is_theirs = access.looks_after(principal, state, row.grant.organization)
    is_ours = is_theirs or principal.role == DEVELOPER
    return CredentialSummary(
        credential=name,
        grant=listed.grant,
        organization=listed.organization,
        release=None if grant is None else grant.release,
        stage=None if grant is None else grant.stage,
        surface=None if grant is None else grant.surface,
        state=_state(row.state, now_ms),
        grant_state=shown.state if shown is not None else "open" if is_open else "closed",
        member=row.member.id if row.member is not None and is_theirs else None,
        label=listed.label if is_ours else None,
        expires_ms=row.state.expires_ms,
        last_used_ms=listed.last_used_ms if is_ours else None,
    )


@does(acts.ISSUE)
def issue(context: Context[KnownCredential], asked: KeyDigest) -> KnownCredential | Refusal:
    """Register a key by its digest under a grant of the caller's, for a member alone if one is named."""
    if not DIGEST.fullmatch(asked.digest):
        raise InvalidInput("the digest of a key is 64 lower-case hex digits of SHA-256")
    if not holds(context, asked.grant):
        return grant_unknown(asked.grant)
    expires_ms = None if asked.expires is None else time_ms(asked.expires)
    return context.execute(IssueCredential(asked.grant, asked.digest, asked.member, asked.label, expires_ms))


@does(acts.ROTATE)
def rotate(context: Context[RotatedCredential], asked: CredentialRotation) -> RotatedCredential | Refusal:
    """Register a key in the place of another one of the caller's."""
    if not DIGEST.fullmatch(asked.digest):
        raise InvalidInput("the digest of a key is 64 lower-case hex digits of SHA-256")
    if not holds(context, grant_of_key(context, asked.credential)):
        return credential_unknown(asked.credential)
    label = _labels(context, [asked.credential])[asked.credential]
    overlap_ms = asked.days * DAY_MS
    expires_ms = None if asked.expires is None else time_ms(asked.expires)
    return context.execute(RotateCredential(asked.credential, asked.digest, overlap_ms, expires_ms, label))


@does(acts.REVOKE)
def revoke(context: Context[CredentialEnd], asked: CredentialArgument) -> CredentialEnd | Refusal:
    """Revoke a credential of the caller's."""
    if not holds(context, grant_of_key(context, asked.credential)):
        return credential_unknown(asked.credential)
    return context.execute(RevokeCredential(asked.credential))


def holds(context: Context[Any], grant: str) -> bool:
    """Whether the caller holds a grant; the developer's staff act for every holder."""
    with context.ledger.reading() as state:
        found, account = state.grants.get(grant), state.record.accounts.get(grant)
        if found is None:
            is_holder = account is not None and account.issuer == context.principal.acts_for
            return account is not None and (is_holder or context.principal.role == DEVELOPER)
        applicant = state.holder_of(found)
    return context.principal.role == DEVELOPER or applicant == context.principal.acts_for
