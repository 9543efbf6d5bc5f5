"""`credential issue`, `rotate`, `revoke`, `usage`: keys over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

from sluicegate.acts import credentials, grants
from sluicegate.acts.credentials import (
    CredentialArgument,
    CredentialList,
    CredentialRotation,
    CredentialSummary,
    GrantUsage,
    KeyDigest,
    KnownCredential,
)
from sluicegate.acts.grants import GrantArgument, GrantView
from sluicegate.cli.acting import acting, argument, helped, option
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.output import Json, tell
from sluicegate.cli.wording import BARRED, minute
from sluicegate.client.http import Client
from sluicegate.core.access import apikey
from sluicegate_record.log import times
from sluicegate_record.terms.text import counted


@helped(credentials.ISSUE)
def issue(
    grant: Annotated[str, option(KeyDigest, "grant")],
    member: Annotated[str | None, option(KeyDigest, "member")] = None,
    label: Annotated[str | None, option(KeyDigest, "label")] = None,
    expires: Annotated[str | None, option(KeyDigest, "expires")] = None,
    as_json: Json = False,
) -> None:
    client = Client()
    is_account = grant.startswith(_ACCOUNT)
    works = _EVERYWHERE if is_account else _usage(client.do(grants.SHOW, GrantArgument(grant=grant)))
    key, digest = _made()
    asked = KeyDigest(grant=grant, digest=digest, member=member, label=label, expires=expires)
    done = client.do(credentials.ISSUE, asked)
    lines = [f"the key {done.credential} is made", f"  key, shown only now: {key}", *works, _ends(done)]
    tell(done, as_json, "\n".join(lines), key=key)


@helped(credentials.ROTATE)
def rotate(
    credential: Annotated[str, argument(CredentialRotation, "credential")],
    days: Annotated[int, option(CredentialRotation, "days", min=1, max=90)] = 7,
    expires: Annotated[str | None, option(CredentialRotation, "expires")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """The new key is for the same grant and member. Without --days, the old one ends after 7 days."""
    client = Client()
    if not yes:
        old = client.do(credentials.SHOW, CredentialArgument(credential=credential))
        confirm(_rotated(old, days), yes)
    key, digest = _made()
    asked = CredentialRotation(credential=credential, digest=digest, days=days, expires=expires)
    done = client.do(credentials.ROTATE, asked)
    until = times.format_time(done.until_ms)
    lines = [
        f"the key {done.credential} is made",
        f"  key, shown only now: {key}",
        _ends(done),
        f"  the old key, {done.replaces}, can be used until {until}",
        f"    its last use: 'sluicegate credential show {done.replaces}'",
        f"    end it sooner: 'sluicegate credential revoke {done.replaces}'",
    ]
    if done.attested:
        lines.append("  what is attested of the old key is not of the new one: have it attested")
    tell(done, as_json, "\n".join(lines), key=key)


def _rotated(old: CredentialSummary, days: int) -> str:
    """What rotating a key does."""
    said = f"{_named(old)}: a new key takes its place now"
    return f"{said}, and it ends in {counted(days, 'day')} at the latest"


def _revoked(client: Client, asked: CredentialArgument) -> str:
    """What revoking a key does."""
    return f"{_named(client.do(credentials.SHOW, asked))}: it stops at once, and for ever; its streams end"


def _named(key: CredentialSummary) -> str:
    called = f" ({key.label})" if key.label else ""
    return f"{key.credential}{called} of {key.organization}, {key.state}"


def _made() -> tuple[str, str]:
    """A new key, and its digest."""
    key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    return key, hashlib.sha256(key.encode()).hexdigest()


def _shown(shown: CredentialSummary) -> str:
    lines = [f"credential {shown.credential}: {_state(shown)}"]
    if shown.release is None:
        lines.append(f"  under account {shown.grant} of {shown.organization}")
    else:
        of = f"{shown.release}/{shown.stage} on {shown.surface}"
        lines.append(f"  under grant {shown.grant} of {shown.organization}, {of}")
    if shown.label is not None:
        lines.append(f"  called {shown.label!r}")
    if shown.member is not None:
        lines.append(f"  only for {shown.member}")
    if shown.expires_ms is not None:
        lines.append(f"  it can be used until {times.format_time(shown.expires_ms)}")
    if shown.last_used_ms is not None:
        lines.append(f"  it was last used in the hour from {minute(shown.last_used_ms)}")
    return "\n".join(lines)


_ACCOUNT = "acct_"
"""How the names of accounts begin."""
_SENT = "  send it with each request: 'Authorization: Bearer KEY', or 'x-api-key: KEY'"
_EVERYWHERE = ["  it works for each model, on each surface, where a stage is open for everyone", _SENT]


def _ends(made: KnownCredential) -> str:
    """Until when a new key can be used."""
    if made.expires_ms is None:
        lasts = "its account is open" if made.grant.startswith(_ACCOUNT) else "its grant is valid"
        return f"  it can be used as long as {lasts}; --expires says an earlier end"
    return f"  it can be used until {times.format_time(made.expires_ms)}"


def _usage(shown: GrantView) -> list[str]:
    """Where a key works, how it is sent, and a request to try it with."""
    at = shown.address or "the gateway, whose address the developer of the model gives you"
    lines = [f"  it works for {', '.join(shown.models)} on {shown.surface}, at {at}", _SENT]
    if shown.address is not None:
        lines.append(f'  with the key in KEY: curl {shown.address}/v1/models -H "Authorization: Bearer $KEY"')
    return lines if shown.stage_open else [*lines, "  the stage is not open yet: the key works once it opens"]


def _credentials(found: CredentialList) -> list[list[str | None]]:
    return [
        [
            each.credential,
            each.grant,
            each.organization,
            f"{each.release}/{each.stage}" if each.release is not None else "everyone",
            each.surface,
            _state(each),
            each.member,
            each.label,
            minute(each.expires_ms),
            minute(each.last_used_ms),
        ]
        for each in found.credentials
    ]


def _state(shown: CredentialSummary) -> str:
    if shown.state != "valid" or shown.grant_state not in {*BARRED, "closed"}:
        return shown.state
    return f"its {'account' if shown.release is None else 'grant'} is {shown.grant_state}"


COLUMNS = ("credential", "grant", "organization", "stage", "surface", "state", "only for", "label")
listed = listing(
    credentials.LIST,
    Columns(
        (*COLUMNS, "expires", "last use, by the hour"),
        _credentials,
        "There is no such key, or you may not see it.",
    ),
)


def _used(found: GrantUsage) -> list[list[Any]]:
    return [
        [key.credential, key.label, day.day, each.model or "without a model", each.passed, each.refused]
        for key in found.keys
        for day in reversed(key.days)
        for each in day.by_model
    ]


usage = listing(
    credentials.USAGE,
    Columns(
        ("credential", "label", "day", "model", "let through", "refused"),
        _used,
        "Gateways have reported no request of these keys in the last 30 days.",
    ),
)
show = acting(credentials.SHOW, _shown)
revoke = acting(credentials.REVOKE, lambda done: f"the key {done.credential} is revoked", first=_revoked)
