"""Drafts: applications that are kept, but not submitted.

Rules:
- A draft is not an entry: only who acts for its owner can see it, and it is deleted when one of them discards
  it. It says who of them saved it last.
- Submitting takes a draft away in the transaction that appends the application: it is submitted once.
- A draft is kept with what its organization file was read as, so that nothing is read again under the lock.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from sluicegate.acts import drafts as acts
from sluicegate.acts.applications import NewApplication, Submission
from sluicegate.acts.drafts import (
    DraftArgument,
    DraftEdit,
    DraftEnd,
    DraftFile,
    DraftFilter,
    DraftReceipt,
    Drafts,
    DraftView,
)
from sluicegate.core.lifecycle import Refusal, releases
from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.core.people import application
from sluicegate.errors import InvalidDocument
from sluicegate.parsing import documents
from sluicegate.parsing.documents import Reading
from sluicegate.ports import Ports, Principal, Principals, SavedDraft
from sluicegate.service import access, applications
from sluicegate.service.context import Context, does
from sluicegate.service.paging import following, page
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import Eligibility

DRAFTS_MAX = 20
"""How many one owner may have."""


@does(acts.SAVE)
def save(context: Context[DraftReceipt], asked: Submission) -> DraftReceipt | Refusal:
    """Keep an application without submitting it, and say what of it is not eligible.

    Its organization file may still have errors. What is not eligible is not kept: it is found each time.
    """
    made = _Kept(asked, _given(context))
    ineligible = _ineligible(context, made)
    if isinstance(ineligible, Refusal):
        return ineligible
    ledger, owner = context.ledger, context.principal.acts_for

    def change(ports: Ports) -> DraftReceipt | Refusal:
        if len(ports.principals.drafts(owner)) >= DRAFTS_MAX:
            said = f"you have {DRAFTS_MAX} drafts"
            return Refusal("conflict", "too_many_drafts", said, "submit or discard one")
        name = "draft_" + base64.b32encode(ledger.random(10)).decode().lower()
        ports.principals.add_draft(_saved(context, name, made))
        return DraftReceipt(draft=name, ineligible=())

    kept = context.arrange(change)
    return kept if isinstance(kept, Refusal) else replace(kept, ineligible=tuple(ineligible))


@does(acts.EDIT)
def edit(context: Context[DraftReceipt], asked: DraftEdit) -> DraftReceipt | Refusal:
    """Change a draft of the caller's, and say what of it is still not eligible."""
    owner = context.principal

    def change(ports: Ports) -> DraftReceipt | Refusal:
        found = _own(ports.principals, owner, asked.draft)
        if isinstance(found, Refusal):
            return found
        changed = _edited(context, _kept(found), asked)
        refused = _offered(context, changed.asked)
        if isinstance(refused, Refusal):
            return refused
        ports.principals.remove_draft(found.id)
        ports.principals.add_draft(_saved(context, found.id, changed))
        return DraftReceipt(draft=found.id, ineligible=())

    kept = context.arrange(change)
    now = _own(context.ledger.store.principals, owner, asked.draft)
    if isinstance(kept, Refusal) or isinstance(now, Refusal):
        return kept
    return replace(kept, ineligible=_shown(context, now).ineligible)


def _edited(context: Context[Any], kept: _Kept, asked: DraftEdit) -> _Kept:
    """A draft with what is to change in it."""
    names = ("release", "stage", "surface", "organization", "programmes")
    parts = {name: getattr(asked, name) for name in names}
    changed = {name: part for name, part in parts.items() if part is not None}
    if "organization" not in changed:
        return _Kept(replace(kept.asked, **changed), kept.reading)
    return _Kept(replace(kept.asked, **changed, file=asked.file), _given(context))


@does(acts.LIST)
def listed(context: Context[Drafts], wanted: DraftFilter) -> Drafts:
    """The caller's drafts, oldest first, each with what of it is not eligible now."""
    found = context.ledger.store.principals.drafts(context.principal.acts_for)
    shown, is_cut = page(following(found, wanted.before, lambda each: each.id), wanted.limit)
    drafts = tuple(_shown(context, draft) for draft in shown)
    return Drafts(drafts=drafts, next=shown[-1].id if is_cut else None)


@does(acts.SHOW)
def show(context: Context[DraftFile], asked: DraftArgument) -> DraftFile | Refusal:
    """A draft of the caller's, with its organization file."""
    found = _own(context.ledger.store.principals, context.principal, asked.draft)
    if isinstance(found, Refusal):
        return found
    kept, shown = _kept(found), _shown(context, found)
    fault = kept.reading.fault
    return DraftFile(
        draft=shown.draft,
        ineligible=shown.ineligible,
        release=shown.release,
        stage=shown.stage,
        surface=shown.surface,
        saved_at_ms=shown.saved_at_ms,
        saved_by=shown.saved_by,
        file=kept.asked.file,
        organization=kept.asked.organization,
        programmes=kept.asked.programmes,
        value=kept.reading.value,
        at=() if fault is None else fault.at,
    )


@does(acts.SUBMIT)
def submit(context: Context[NewApplication], asked: DraftArgument) -> NewApplication | Refusal:
    """Submit a draft; one that is refused stays. Raises: InvalidDocument."""
    known = _own(context.ledger.store.principals, context.principal, asked.draft)
    kept = _kept(known) if isinstance(known, SavedDraft) else None

    def command(ports: Ports) -> SubmitApplication | Refusal:
        found = _own(ports.principals, context.principal, asked.draft)
        if isinstance(found, Refusal):
            return found
        if kept is None or found != known:
            said = "the draft was changed meanwhile"
            return Refusal("conflict", "draft_changed", said, "look at it, and submit it again")
        organization = kept.reading.required()
        made = applications.prepared(context, ports.principals, kept.asked, organization)
        if not isinstance(made, Refusal):
            ports.principals.remove_draft(found.id)
        return made

    return context.execute(command)


@does(acts.DISCARD)
def discard(context: Context[DraftEnd], asked: DraftArgument) -> DraftEnd | Refusal:
    """Forget a draft."""

    def change(ports: Ports) -> DraftEnd | Refusal:
        found = _own(ports.principals, context.principal, asked.draft)
        if isinstance(found, Refusal):
            return found
        ports.principals.remove_draft(found.id)
        return DraftEnd(draft=found.id, discarded=True)

    return context.arrange(change)


def _own(known: Principals, principal: Principal, draft: str) -> SavedDraft | Refusal:
    found = {each.id: each for each in known.drafts(principal.acts_for)}.get(draft)
    said = f"no draft {draft[:80]!r}"
    return found or Refusal("unknown", "draft_unknown", said, "'sluicegate application drafts' lists yours")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A draft, and what its organization file was read as."""

    asked: Submission
    reading: Reading
    by: str | None = None
    """Who saved it last; an earlier build did not keep that."""


def _given(context: Context[Any]) -> Reading:
    """What the organization file that comes with a request was read as."""
    assert context.reading is not None
    return context.reading


def _saved(context: Context[Any], name: str, kept: _Kept) -> SavedDraft:
    by = context.principal
    beside = {"reading": kept.reading.to_json(), "by": by.id}
    body = json.dumps({**kept.asked.to_json(), **beside}, ensure_ascii=False)
    return SavedDraft(name, by.acts_for, body, context.ledger.now_ms())


def _shown(context: Context[Any], draft: SavedDraft) -> DraftView:
    kept = _kept(draft)
    ineligible = _ineligible(context, kept)
    people = context.ledger.store.principals.team(context.principal)
    return DraftView(
        draft=draft.id,
        ineligible=(ineligible.message,) if isinstance(ineligible, Refusal) else tuple(ineligible),
        release=kept.asked.release,
        stage=kept.asked.stage,
        surface=kept.asked.surface,
        saved_at_ms=draft.created_at_ms,
        saved_by=next((each.name for each in people if each.id == kept.by), None),
    )


def _kept(draft: SavedDraft) -> _Kept:
    """A draft as it was kept. One that an earlier build kept is read here: there can be no more of them."""
    body: Any = canonical.loads(draft.body.encode())
    stated, by = body.pop("reading", None), body.pop("by", None)
    asked = Submission.from_json(body)
    reading = documents.read(asked) if stated is None else Reading.from_json(stated)
    assert reading is not None
    return _Kept(asked, reading, by)


def _ineligible(context: Context[Any], kept: _Kept) -> list[str] | Refusal:
    """Why an application could not be submitted as it stands: a sentence each; or why it never could."""
    asked = kept.asked
    try:
        organization = kept.reading.required()
    except InvalidDocument as error:
        organization, faults = None, [str(place) for place in error.at] or [error.message]
    else:
        faults = []
    offered = _offered(context, asked)
    if isinstance(offered, Refusal):
        return offered
    surfaces, eligibility = offered
    if asked.surface not in surfaces:
        faults.append(f"no surface {asked.surface!r}, expected one of {', '.join(surfaces)}")
    return faults if organization is None else [*faults, *application.ineligible(organization, eligibility)]


def _offered(context: Context[Any], asked: Submission) -> tuple[tuple[str, ...], Eligibility] | Refusal:
    """The surfaces of a release, and who may apply for a stage of it."""
    with context.ledger.reading() as state:
        release = state.releases.get(asked.release)
        knows = access.known(context.principal, state, context.ledger.directs)
        known = release is not None and knows(release)
        if release is None or not known or asked.stage not in release.terms:
            return releases.stage_unknown(asked.release, asked.stage)
        return release.plan.spec.surfaces, release.plan.stages[asked.stage].eligibility
