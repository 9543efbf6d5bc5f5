"""The law of the log itself, of keys, plans, openings and notes."""

from __future__ import annotations

from sluicegate_record.entries import Body, seen
from sluicegate_record.entries.releases import (
    KeyPinned,
    LogStarted,
    OrganizationNominated,
    RecordAdded,
    ReleaseApplied,
    StageOpened,
)
from sluicegate_record.law.agreement import carried, in_force, rests_on_its_case
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
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.about import About
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms import kinds, tightness


def starts_this_log(at: At, body: LogStarted) -> None:
    """A log starts once, under the key that it is checked by."""
    require(at.entry.seq == 0, "a log that starts a second time")
    require(body.vkey == at.log, f"a log of the key {body.vkey!r}")
    require(checkpoint.parse_vkey(body.vkey).name == body.origin, "a log under another name than its key's")


def is_a_first_key(at: At, body: KeyPinned) -> None:
    """A key is pinned once, as the first and only key of its owner."""
    keys = at.record.keys
    key = PublicKey(body.public_key, body.webauthn)
    require(body.keyid == key.keyid, "a key under another id than its own")
    key.check()
    require(body.keyid not in keys, "a key that was pinned before")
    require(all(key.owner != body.owner for key in keys.values()), "a second key of its owner")
    require(body.from_ == "configuration", "a key that is not from the configuration")


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
            before is not None and before.terms.get(stage) == looser and looser in before.agreed,
            "terms said to be tighter than others that were not in force and agreed",
        )
        old = at.terms(looser)
        fields = tightness.loosened(plan, plan.stages[stage], old.plan, old.body)
        require(not fields, f"terms said to be tighter, but not in {', '.join(fields)}")


def is_signed_by_an_officer(at: At, body: StageOpened) -> None:
    """An officer signed this opening, for this log."""
    opening = StageOpening.read(body.envelope)
    same(body, opening, "release stage terms", "an opening signed for other terms")
    why = "an opening that no officer signed for this log"
    require(opening.log == body.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer], why)


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
    follows_at_once(at, case)


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
    _is_known(at, body.about)


def _is_known(at: At, about: About) -> None:
    if about.case is not None:
        at.case(about.case)
    elif about.directive is not None:
        at.directive(about.directive)
    else:
        _has_stage(at, about.release or "", about.stage or "")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    LogStarted: (starts_this_log,),
    KeyPinned: (is_a_first_key,),
    ReleaseApplied: (is_of_the_release, states_its_terms, is_tighter),
    StageOpened: (is_signed_by_an_officer, opens_terms_in_force, is_agreed_to, rests_on_its_case),
    OrganizationNominated: (is_about_a_stage,),
    RecordAdded: (is_as_noted, is_named_by_its_digest),
}
