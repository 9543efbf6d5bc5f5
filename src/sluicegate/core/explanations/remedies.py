"""What is said of a refusal: why it is, and who has to do what for it to change.

Rules:
- Nothing is said that the refusal does not show its reader, or the record the key's holder.
- A reason without a row says what its refusal says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import GrantRow
from sluicegate.core.explanations.inquiry import Inquiry, LayerWords, of_grant, of_key, of_stage
from sluicegate.core.lifecycle import applications, keyring, observations, outlook, stages
from sluicegate.core.lifecycle.trail import ACCOUNT, CASE, DEPLOYMENT, DIRECTIVE, GRANT, RELEASE
from sluicegate_record.entities.release import Release
from sluicegate_record.log import times
from sluicegate_record.terms import kinds, phrases, quorum


def refused(inquiry: Inquiry, deny: Deny) -> LayerWords:
    """What is said of one refusal."""
    more = REMEDIES.get(deny.reason)
    return LayerWords(deny.text, deny.remedy) if more is None else more(inquiry, deny)


def _key_ended(inquiry: Inquiry, deny: Deny) -> LayerWords:
    said = "is revoked" if deny.reason is Reason.CREDENTIAL_REVOKED else "has expired"
    another = f"nothing makes it valid again; its administrator issues another one: {_issue(inquiry.own.id)}"
    return LayerWords(f"{inquiry.credential.id} {said}", another, of_key(inquiry))


def _unattested(inquiry: Inquiry, _: Deny) -> LayerWords:
    name = "" if inquiry.release is None else inquiry.release.name
    model, surface, developer = inquiry.ask.model, inquiry.ask.surface, inquiry.state.developer
    said = f"no statement of {developer} holds that what was agreed to serves {model} on {surface}"
    signs = f"an officer of {developer} signs one, 'sluicegate deployment sign {name} --key KEY'"
    return LayerWords(
        said,
        f"{signs}; 'sluicegate deployment show {name}' says what holds",
        inquiry.trail(DEPLOYMENT, name, 1),
    )


def _issue(grant: str) -> str:
    return f"'sluicegate credential issue --grant {grant}'"


def _key_waits(inquiry: Inquiry, _: Deny) -> LayerWords:
    batch = keyring.import_of(inquiry.credential.id)
    said = f"{inquiry.credential.id} came with the import {batch}, which does not count yet, or was discarded"
    return LayerWords(
        said, "the developer completes the import: 'sluicegate credential imports'", of_key(inquiry)
    )


def _not_found(inquiry: Inquiry, deny: Deny) -> LayerWords:
    if inquiry.offer is None or inquiry.found.refusals[-1] is deny:
        return LayerWords(deny.text, deny.remedy)
    release = inquiry.offer.release
    said = (
        f"{release} is not announced, and this organization is not admitted: to it the model does not exist"
    )
    change = "the developer announces it ('announced: true' in the plan), or the organization is admitted"
    return LayerWords(said, change, inquiry.trail(RELEASE, release, 1))


def _suspended(inquiry: Inquiry, deny: Deny) -> LayerWords:
    name = deny.directive or ""
    found = inquiry.state.directives[name]
    basis = "an order" if deny.by_order else "a directive"
    spec = found.document.spec
    lifts = sorted(quorum.parties_of(spec.lifted_by))
    who = f"{lifts[0]} lifts it" if len(lifts) == 1 else f"{' and '.join(lifts)} lift it"
    change = (
        f"{who} ('sluicegate directive lift {name}'), or {phrases.rule(spec.licensing)} decides on an "
        f"exception for it ('sluicegate licence request {name}')"
    )
    seen, places = observations.words(inquiry.state, found, inquiry.ask.model, inquiry.ask.surface)
    said = f"{name}, {basis} of {found.issuer}, suspends it" + (f"; {seen}" if seen else "")
    return LayerWords(said, change, (*inquiry.trail(DIRECTIVE, name), *places))


def _not_open(inquiry: Inquiry, deny: Deny) -> LayerWords:
    stage, release, held = inquiry.stage, inquiry.release, inquiry.held
    if held is not None and inquiry.now_ms < held.valid_from_ms:
        from_ = times.format_time(held.valid_from_ms)
        return LayerWords(f"{held.id} is valid only from {from_}", "time alone", of_grant(inquiry, held.id))
    weak = _suspended_by(inquiry)
    if weak:
        said = f"by the terms of this access {inquiry.ask.model} is suspended until {weak} is closed"
        closes = "a retest closes it ('sluicegate finding show FINDING' says who may)"
        return LayerWords(said, closes, (inquiry.state.record.findings[weak].seq,))
    if stage is None or release is None:
        name = "" if release is None else release.name
        coming = None if release is None else outlook.forecast(inquiry.state, release, {}, inquiry.now_ms)
        words = deny.remedy if coming is None else coming.words
        return LayerWords(f"no stage of {name} is open", words, inquiry.trail(RELEASE, name, 1))
    return LayerWords(_closed(inquiry, stage), _opens(inquiry, stage, release), of_stage(inquiry, stage))


def _suspended_by(inquiry: Inquiry) -> str:
    """The finding that suspends the model by the terms on which the request would rest; empty without one."""
    table, audience = inquiry.state.table, None if inquiry.offer is None else inquiry.offer.audience
    resting = [each.terms for each in (inquiry.held, audience) if each is not None]
    weak = (table.weakness(terms, inquiry.ask.model) for terms in resting if terms in table.open_terms)
    return next((each.suspended_by for each in weak if each is not None and each.suspended_by), "")


def _closed(inquiry: Inquiry, stage: tuple[str, str]) -> str:
    name = "/".join(stage)
    audience = inquiry.offer.audience if inquiry.offer is not None else None
    if audience is not None and audience.asked.stage == stage[1]:
        return f"stage {name} is open to a share of all organizations, and this one is not in it yet"
    return f"stage {name} is not open, under the terms of this organization"


def _opens(inquiry: Inquiry, stage: tuple[str, str], release: Release) -> str:
    audience = inquiry.offer.audience if inquiry.offer is not None else None
    if audience is not None and audience.asked.stage == stage[1]:
        pause = f"sluicegate ramp pause {stage[0]} {stage[1]} --reason REASON --key KEY"
        return f"time, as its ramp grows; an officer of the developer can pause it: '{pause}'"
    coming = outlook.forecast(inquiry.state, release, {}, inquiry.now_ms)
    if coming is not None and coming.stage == stage[1]:
        return coming.words
    body = release.plan.stages.get(stage[1])
    missing = []
    if body is not None:
        shown = stages.shown(inquiry.state.record, *stage, inquiry.now_ms)
        missing = [each.requirement for each in shown if each.state != "met"]
    waits = f"it waits for {', '.join(missing)}" if missing else "an officer of the developer opens it"
    return f"{waits}: 'sluicegate status {release.name}' shows by whose act"


def _grant_over(inquiry: Inquiry, deny: Deny) -> LayerWords:
    row = next(
        row for row in (inquiry.held, inquiry.own) if row is not None and _is_over(row, deny, inquiry.now_ms)
    )
    if not row.release:
        said = f"{row.id} is closed"
        return LayerWords(said, "the developer opens another account", inquiry.trail(ACCOUNT, row.id))
    how = {
        Reason.GRANT_REMOVED: "was removed",
        Reason.GRANT_SUSPENDED: "is suspended",
        Reason.GRANT_EXPIRED: "has expired",
    }.get(deny.reason, "was given back by its holder")
    return LayerWords(f"{row.id} {how}", _again(inquiry, deny, row), of_grant(inquiry, row.id))


def _is_over(row: GrantRow, deny: Deny, now_ms: int) -> bool:
    is_over = row.valid_until_ms is not None and now_ms >= row.valid_until_ms
    return row.barred is deny.reason or (deny.reason is Reason.GRANT_EXPIRED and is_over)


def _again(inquiry: Inquiry, deny: Deny, row: GrantRow) -> str:
    if deny.reason is Reason.GRANT_SUSPENDED:
        report = inquiry.state.record.suspending(row.id)
        if report is not None:
            retest = f"a retest closes {report.id} ('sluicegate finding show {report.id}' says who may)"
            return f"{retest}; then the developer resumes it"
        return f"the developer resumes it: 'sluicegate grant resume {row.id}'"
    if deny.reason is Reason.GRANT_REMOVED:
        return _appeal(inquiry, row)
    return f"the organization's administrator applies again, and {inquiry.deciders} agree"


def _appeal(inquiry: Inquiry, row: GrantRow) -> str:
    """How to appeal a removal, and until when."""
    cases = (inquiry.state.cases[name] for name in inquiry.state.cases_of.get(row.organization, ()))
    removals = [each for each in cases if each.kind == kinds.REMOVAL and each.question.grant == row.id]
    if not removals:
        return "another grant, which its agencies would have to agree to"
    removal = removals[-1]
    by_ms = applications.appeal_again_until_ms(inquiry.state.record, removal)
    if by_ms is None:
        return f"nothing any more: removal {removal.id} can no longer be appealed"
    until = f"until {times.format_time(by_ms)}"
    return f"its holder appeals {until}: 'sluicegate application appeal {removal.id} --text …'"


def _not_provisioned(inquiry: Inquiry, deny: Deny) -> LayerWords:
    held = inquiry.held
    if held is None or held is inquiry.own:
        return LayerWords(deny.text, deny.remedy)
    said = f"{held.id} admits the organization, and this key is under {inquiry.own.id}"
    change = f"its administrator issues a key under it: {_issue(held.id)}"
    return LayerWords(said, change, (*of_grant(inquiry, held.id), *of_key(inquiry)))


def _pending(inquiry: Inquiry, deny: Deny) -> LayerWords:
    case = deny.application or ""
    found = inquiry.state.cases.get(case)
    waits = () if found is None else inquiry.state.docket.heading(case).awaiting
    change = f"it waits for {' and '.join(waits)}" if waits else "it waits"
    return LayerWords(f"application {case} is under review", change, inquiry.trail(CASE, case))


def _elsewhere(inquiry: Inquiry, _: Deny) -> LayerWords:
    offer = inquiry.offer
    release = "" if offer is None else offer.release
    rows = [
        row for row in inquiry.state.table.held.get(inquiry.own.organization, ()) if row.release == release
    ]
    surfaces = ", ".join(sorted({row.surface for row in rows}))
    said = f"the organization is admitted on {surfaces}, not on {inquiry.ask.surface}"
    change = f"its administrator applies for {inquiry.ask.surface}; each surface is decided by itself"
    return LayerWords(said, change, tuple(at for row in rows for at in inquiry.trail(GRANT, row.id, 2)))


def _not_admitted(inquiry: Inquiry, deny: Deny) -> LayerWords:
    if any(row is not None and row.barred is deny.reason for row in (inquiry.held, inquiry.own)):
        return _grant_over(inquiry, deny)
    held = inquiry.held
    if held is not None:
        said = f"{held.id} is under terms without this model"
        change = f"an amendment to the terms in force: 'sluicegate application amend {held.id}'"
        return LayerWords(said, change, of_grant(inquiry, held.id))
    how = (
        "sluicegate application submit --release RELEASE --stage STAGE --surface SURFACE --organization FILE"
    )
    change = f"its administrator applies ('{how}'), and {inquiry.deciders} agree"
    return LayerWords("the organization is not admitted to this model", change)


def _not_granted(inquiry: Inquiry, deny: Deny) -> LayerWords:
    held = inquiry.held or inquiry.own
    lacked = deny.programme
    asked = "" if lacked is None else lacked.asked
    change = "the request leaves it out"
    if lacked is not None and lacked.why == "suspended":
        change += (
            f"; or the developer resumes it: 'sluicegate grant resume {held.id} --programme \"{asked}\"'"
        )
    elif lacked is not None and lacked.why == "elsewhere":
        change += f", or names it in {lacked.travels!r}"
    elif lacked is not None and lacked.why == "not_held":
        change += ", or names a person that has it"
    elif held.release and lacked is not None and lacked.why == "not_granted":
        amend = f"'sluicegate application amend {held.id} --programme …'"
        change += f"; or its administrator asks for it ({amend}), and {inquiry.deciders} agree"
    return LayerWords(deny.text, change, inquiry.trail(GRANT, held.id))


def _person_asked(inquiry: Inquiry, deny: Deny) -> LayerWords:
    about = inquiry.state.table.directed.get(inquiry.ask.model)
    entity = inquiry.state.table.entity(inquiry.own.organization)
    named = {} if about is None else {each.name: each for each in about.candidates(entity, ())}
    asking = [name for name, each in named.items() if (each.restricts or {}).get("personNamed")]
    places = tuple(at for name in asking for at in inquiry.trail(DIRECTIVE, name))
    return LayerWords(deny.text, deny.remedy, places or inquiry.trail(GRANT, inquiry.own.id))


REMEDIES: Mapping[Reason, Callable[[Inquiry, Deny], LayerWords]] = {
    Reason.CREDENTIAL_UNKNOWN: _key_waits,
    Reason.CREDENTIAL_REVOKED: _key_ended,
    Reason.CREDENTIAL_EXPIRED: _key_ended,
    Reason.MODEL_NOT_FOUND: _not_found,
    Reason.DIRECTIVE_IN_FORCE: _suspended,
    Reason.STAGE_NOT_OPEN: _not_open,
    Reason.DEPLOYMENT_UNATTESTED: _unattested,
    Reason.GRANT_REMOVED: _grant_over,
    Reason.GRANT_SUSPENDED: _grant_over,
    Reason.GRANT_EXPIRED: _grant_over,
    Reason.NOT_PROVISIONED: _not_provisioned,
    Reason.APPLICATION_PENDING: _pending,
    Reason.SURFACE_NOT_GRANTED: _elsewhere,
    Reason.NOT_ADMITTED: _not_admitted,
    Reason.PROGRAMME_NOT_GRANTED: _not_granted,
    Reason.PERSON_REQUIRED: _person_asked,
}
"""What is said of each reason that needs more than its own remedy."""
