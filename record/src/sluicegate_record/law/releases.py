"""The law of the log itself, of plans, openings and notes."""

from __future__ import annotations

from sluicegate_record.entities.closing import SOUND
from sluicegate_record.entries import Body, seen
from sluicegate_record.entries.releases import (
    LogStarted,
    OrganizationNominated,
    RecordAdded,
    ReleaseApplied,
    StageClosed,
    StageLacking,
    StageOpened,
)
from sluicegate_record.law.agreement import carried, in_force, rests_on_its_case
from sluicegate_record.law.referrals import lists_who_was_heard
from sluicegate_record.law.requirements import StageFacts
from sluicegate_record.law.rule import (
    At,
    LawRule,
    follows_at_once,
    is_named_by_its_digest,
    of_the_record,
    require,
    same,
    signed_by,
)
from sluicegate_record.log import checkpoint
from sluicegate_record.statements.about import About
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.terms import kinds, scrutiny, tightness
from sluicegate_record.terms.requirements import CLOSE


def starts_this_log(at: At, body: LogStarted) -> None:
    """A log starts once, under the key that it is checked by."""
    require(at.entry.seq == 0, "a log that starts a second time")
    require(body.vkey == at.log, f"a log of the key {body.vkey!r}")
    require(checkpoint.parse_vkey(body.vkey).name == body.origin, "a log under another name than its key's")


def is_of_the_release(at: At, body: ReleaseApplied) -> None:
    """A plan is of the release and the developer it is said to be of."""
    plan = seen(body.given)
    require(
        plan.metadata.name == body.release and plan.metadata.developer == at.keys.developer,
        "a plan of another release or developer",
    )
    is_public = (body.plan is not None, body.unannounced is None)
    require(is_public == (body.announced, body.announced) == (plan.spec.announced,) * 2,
            "a plan that is announced otherwise than it says")  # fmt: skip


def states_its_terms(at: At, body: ReleaseApplied) -> None:
    """The digests of the terms are those of the plan."""
    plan = seen(body.given)
    require(plan.terms == dict(body.terms), "terms whose digests are not those of the plan")


def is_tighter(at: At, body: ReleaseApplied) -> None:
    """Terms that need no new agreement are provably tighter than those in force, and those were agreed."""
    if not body.tightened:
        return
    plan, before = seen(body.given), at.record.releases.get(body.release)
    for stage, looser in body.tightened.items():
        require(
            before is not None and before.own_terms.get(stage) == looser and looser in before.agreed,
            "terms said to be tighter than others that were not in force and agreed",
        )
        old = at.terms(looser)
        fields = tightness.loosened(plan, plan.stages[stage], old.plan, old.body)
        require(not fields, f"terms said to be tighter, but not in {', '.join(fields)}")


def can_be_raised(at: At, body: ReleaseApplied) -> None:
    """The levels of a plan can amend it: no rule gets too deep, and they add nothing that is not known."""
    plan = seen(body.given)
    scrutiny.under(plan, plan.spec.scrutiny)


def is_raised_as_designated(at: At, body: ReleaseApplied) -> None:
    """A plan is in force as the designations that hold amend it."""
    require(dict(body.raised) == raised_by(at, body), "a plan that is not under the scrutiny that holds")


def raised_by(at: At, body: ReleaseApplied) -> dict[str, str]:
    """The digests of the terms in force under a plan, where designations raise them."""
    return at.record.raised(body.release, seen(body.given))


def is_signed_by_an_officer(at: At, body: StageOpened) -> None:
    """An officer signed this opening, for this log, unless the stage opens by itself."""
    if body.envelope is None:
        stage = at.terms(body.terms).body
        is_by_itself = stage.opens_when is not None and stage.agreed_by is None
        require(is_by_itself and body.officer is None, "an opening that no officer signed")
        require(body.log == at.log, "an opening in another log")
        return
    opening = StageOpening.read(body.envelope)
    same(body, opening, "release stage terms", "an opening signed for other terms")
    why = "an opening that no officer signed for this log"
    require(opening.log == body.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer or ""], why)


def undoes_what_closed_it(at: At, body: StageOpened) -> None:
    """An opening undoes the closing that an officer signed, if there is one, and names it."""
    found, shut = at.record.closing_of(body.release, body.stage), at.record.shut_by(body.release, body.stage)
    opening = None if body.envelope is None else StageOpening.read(body.envelope)
    require(shut is None or opening is not None, "an opening by itself of what an officer closed")
    closed = {None if shut is None else shut.digest}
    recall = at.record.recalls.get(body.release)
    if recall is not None and shut is None:
        closed |= set(recall.seen)  # signed while the release was withdrawn
    require(opening is None or opening.closing in closed, "an opening that undoes another closing")
    before = () if found is None else found.terms
    require(set(body.reopens) <= set(before), "an opening under terms that were not open before")


def is_closed_by_an_officer(at: At, body: StageClosed) -> None:
    """An officer signed this closing, for this log, unless the stage has lost what it requires."""
    if body.envelope is None:
        is_of_none = (body.officer, body.digest, body.reason) == (None, None, None)
        require(body.lost and is_of_none, "a closing that no officer signed")
        require(body.log == at.log, "a closing in another log")
        return
    closing = StageClosing.read(body.envelope)
    same(body, closing, "log release stage reason", "a closing signed for another stage or reason")
    why = "a closing that no officer signed for this log"
    require(closing.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer or ""], why)
    require(body.digest == body.envelope.digest and not body.lost, "a closing that was signed otherwise")
    found = at.record.closing_of(body.release, body.stage)
    require(found is None or body.digest not in found.seen, "a closing that was entered before")


@of_the_record
def closes_what_is_open(at: At, body: StageClosed) -> None:
    """A closing names the terms that are open, and what the stage has lost."""
    release = at.release(body.release)
    opened = at.record.opened
    require(all(opened.get(terms) is not None for terms in body.terms), "a closing of what is not open")
    current = release.terms.get(body.stage, "")
    require(opened.get(current) is None or current in body.terms, "a closing that leaves the stage open")
    if body.envelope is None:
        stage = at.terms(current).body if current else None
        lack = StageFacts(at, release, body.stage).loss(stage)
        require((lack.lost, lack.then) == (body.lost, CLOSE), "a closing of a stage that has lost nothing")


@of_the_record
def lacks_what_it_says(at: At, body: StageLacking) -> None:
    """An open stage lacks what is said of it, and that is new."""
    release = at.release(body.release)
    require(release.terms.get(body.stage) == body.terms, "a lack under terms that are not in force")
    lack = StageFacts(at, release, body.stage).lack(at.terms(body.terms).body)
    require((lack.lost, lack.then or None) == (body.lost, body.then), "another lack than the record has")
    known = at.record.lacking.get(body.terms, SOUND)
    require((known.lost, known.then) != (lack.lost, lack.then), "a lack that was told before")


def opens_terms_in_force(at: At, body: StageOpened) -> None:
    """What is opened are the terms in force, which every agency has agreed to."""
    in_force(at, body.release, body.stage, body.terms)


def is_agreed_to(at: At, body: StageOpened) -> None:
    """Where agencies must agree to the opening, they have, in a case about these terms."""
    terms = at.terms(body.terms)
    if terms.body.agreed_by is None:
        require(body.case is None, "an opening in a case, where no agency has to agree")
        return
    case = at.case(body.case or "", kinds.OPENING)
    question = case.question
    asked = (question.log, question.release, question.stage, question.terms)
    require(asked == (at.log, body.release, body.stage, body.terms), "an opening agreed to in another case")
    carried(at, case, terms.body.agreed_by)
    if not body.met:
        follows_at_once(at, case)


def has_what_it_requires(at: At, body: StageOpened) -> None:
    """All that the stage requires holds at this moment."""
    stage = at.terms(body.terms).body
    facts = StageFacts(at, at.release(body.release), body.stage)
    if stage.opens_when is None:
        require(not facts.is_hindered, "an opening over a finding that is open")
        require(not body.met, "proofs of an opening that requires nothing")
        return
    opens_ms = facts.holds_ms(stage)
    require(opens_ms is not None and opens_ms <= at.at_ms, "an opening while something is required")
    require(body.met or body.envelope is not None, "an opening by itself without its proofs")
    is_proven = not body.met or not at.believes or body.met == tuple(facts.met(stage))
    require(is_proven, "an opening with other proofs than the record has")


@of_the_record
def is_about_a_stage(at: At, body: OrganizationNominated) -> None:
    """An organization is nominated for a stage of a release."""
    _has_stage(at, body.release, body.stage)


def _has_stage(at: At, release: str, stage: str) -> None:
    require(stage in at.release(release).terms, f"no stage {stage!r} of {release!r}")


@of_the_record
def is_as_noted(at: At, body: RecordAdded) -> None:
    """A note is signed by its party for this log, and is about something on the record."""
    note = NoteStatement.read(body.envelope)
    why = "a note that was signed otherwise"
    require(note.log == at.log and note.about.case == body.case, why)
    same(body, note, "about kind on text party", why)
    signed_by(at, body.envelope, body.party, [body.owner], "a note that its party did not sign")
    is_there(at, body.about)


def is_there(at: At, about: About) -> None:
    """Check that something is on the record. Raises: Broken."""
    if about.case is not None:
        at.case(about.case)
    elif about.directive is not None:
        at.directive(about.directive)
    elif about.stage is not None:
        _has_stage(at, about.release or "", about.stage)
    else:
        at.release(about.release or "")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    LogStarted: (starts_this_log,),
    ReleaseApplied: (is_of_the_release, states_its_terms, can_be_raised, is_raised_as_designated, is_tighter),
    StageOpened: (
        is_signed_by_an_officer,
        undoes_what_closed_it,
        opens_terms_in_force,
        is_agreed_to,
        has_what_it_requires,
        rests_on_its_case,
        lists_who_was_heard,
    ),
    StageClosed: (is_closed_by_an_officer, closes_what_is_open),
    StageLacking: (lacks_what_it_says,),
    OrganizationNominated: (is_about_a_stage,),
    RecordAdded: (is_as_noted, is_named_by_its_digest),
}
