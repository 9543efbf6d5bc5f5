"""What an entry says, in one line for a person.

Rules:
- Only what its public part says: who reads it may not know more.
- A type without a row says the first sentence of its description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sluicegate_record.entries import (
    Entry,
    accounts,
    cases,
    credentials,
    directives,
    grants,
    ramps,
    releases,
)
from sluicegate_record.entries.body import Body
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.log import times
from sluicegate_record.terms.text import counted


def narrated(entry: Entry) -> str:
    """What an entry says."""
    said = _SAID.get(type(entry.body))
    if said is not None:
        return said(entry.body)
    about = " ".join((type(entry.body).__doc__ or entry.type).split())
    return about.partition(". ")[0].rstrip(".")


def until(until_ms: int | None) -> str:
    """Until when something lasts."""
    return "without end" if until_ms is None else f"until {times.format_time(until_ms)}"


def _plan(body: releases.ReleaseApplied) -> str:
    stages = counted(len(body.terms), "stage")
    return f"the plan of {body.release} is in force, with {stages}" + (
        "" if body.announced else "; it is not announced"
    )


def _opened(body: releases.StageOpened) -> str:
    by = "by itself" if body.officer is None else f"by {body.officer}"
    return f"stage {body.release}/{body.stage} opens, {by}"


def _closed(body: releases.StageClosed) -> str:
    why = body.reason or f"it lost {', '.join(body.lost)}"
    return f"stage {body.release}/{body.stage} closes: {why}"


def _lacking(body: releases.StageLacking) -> str:
    what = f"lacks {', '.join(body.lost)}" if body.lost else "lacks nothing any more"
    return f"stage {body.release}/{body.stage} {what}"


def _case(body: cases.CaseOpened) -> str:
    about = body.directive or "/".join(filter(None, (body.release, body.stage)))
    return f"case {body.case} is opened: {body.kind} of {about}"


def _determined(body: cases.CaseDetermined) -> str:
    return f"case {body.case} is decided: {body.outcome}"


def _position(body: cases.PositionRecorded) -> str:
    return f"{body.agency} says {body.position} in case {body.case}"


def _approved(body: grants.GrantApproved) -> str:
    where = f"{body.release}/{body.stage} on {body.surface}"
    return f"grant {body.grant} for {where}, {until(body.valid_until_ms)}, by case {body.case}{_also(body)}"


def _amended(body: grants.GrantAmended) -> str:
    return f"grant {body.grant} is amended, {until(body.valid_until_ms)}, by case {body.case}{_also(body)}"


def _moved(body: grants.GrantMoved) -> str:
    where = f"{body.release}/{body.stage}"
    return f"grant {body.grant} goes on as part of {where}, by case {body.case}{_also(body)}"


def _also(body: SupportedBody) -> str:
    """What counted in place of positions."""
    silent = f"; the silence of {' and '.join(body.silent)} counted" if body.silent else ""
    unopposed = "; no one who was notified objected" if body.unopposed else ""
    return silent + unopposed + ("; officers proceeded" if body.proceeded else "")


def _grant_suspended(body: grants.GrantSuspended) -> str:
    return f"{_part(body)}: suspended ({body.reason_code})"


def _grant_resumed(body: grants.GrantResumed) -> str:
    return f"{_part(body)}: valid again"


def _part(body: grants.GrantSuspended | grants.GrantResumed) -> str:
    """A grant, or only some of its programmes."""
    return f"{', '.join(body.programmes)} of grant {body.grant}" if body.programmes else f"grant {body.grant}"


def _directive(body: directives.DirectiveIssued) -> str:
    spec = body.document.spec
    replaces = f", in place of {body.replaces}" if body.replaces is not None else ""
    return f"directive {body.directive} of {body.issuer}: {spec.action} {', '.join(spec.models)}{replaces}"


def _lifted(body: directives.DirectiveLifted) -> str:
    part = "" if body.scope is None else "a part of "
    return f"{part}directive {body.directive} is lifted"


_SAID: Mapping[type[Body], Callable[[Any], str]] = {
    releases.ReleaseApplied: _plan,
    releases.StageOpened: _opened,
    releases.StageClosed: _closed,
    releases.StageLacking: _lacking,
    ramps.StageRamped: lambda body: f"{body.officer} {body.says} the ramp of {body.release}/{body.stage}",
    accounts.AccountOpened: lambda body: f"account {body.account} is opened",
    accounts.AccountClosed: lambda body: f"account {body.account} is closed",
    cases.CaseOpened: _case,
    cases.CaseWaitlisted: lambda body: f"case {body.case} is on the waitlist",
    cases.CaseDetermined: _determined,
    cases.PositionRecorded: _position,
    grants.GrantApproved: _approved,
    grants.GrantAmended: _amended,
    grants.GrantMoved: _moved,
    grants.GrantSuspended: _grant_suspended,
    grants.GrantResumed: _grant_resumed,
    grants.GrantEnded: lambda body: f"grant {body.grant} has ended: {body.how}",
    grants.GrantReinstated: lambda body: f"grant {body.grant} is again what it was before its removal",
    credentials.CredentialIssued: lambda body: f"key {body.credential} is issued under {body.grant}",
    credentials.CredentialRevoked: lambda body: f"key {body.credential} is revoked",
    credentials.CredentialExpiring: lambda body: f"key {body.credential} gets an end",
    credentials.CredentialsChunk: lambda body: (
        f"part {body.part} of the import {body.name}: {counted(body.count, 'key')}"
    ),
    credentials.CredentialsImported: lambda body: f"the keys of the import {body.name} count",
    credentials.CredentialsDiscarded: lambda body: f"the keys of the import {body.name} do not count",
    directives.DirectiveIssued: _directive,
    directives.DirectiveConfirmed: lambda body: f"the issuer confirms directive {body.directive}",
    directives.DirectiveLifted: _lifted,
    directives.DirectiveExpired: lambda body: f"directive {body.directive} has expired",
}
