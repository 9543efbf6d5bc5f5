"""The law of ramps: who moves them, and where they stand then."""

from __future__ import annotations

from sluicegate_record.entities.course import Course
from sluicegate_record.entries import Body
from sluicegate_record.entries.ramps import StageRamped
from sluicegate_record.entries.releases import CarriedRamp, StageOpened
from sluicegate_record.form import replace
from sluicegate_record.law.rule import At, Broken, LawRule, of_the_record, require, same, signed_by
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.terms import audience
from sluicegate_record.terms.audience import CONTINUES, PLACES, RETURNS


def is_moved_by_an_officer(at: At, body: StageRamped) -> None:
    """An officer signed this word on a ramp, for this log, after the last one."""
    said = RampMove.read(body.envelope)
    same(body, said, "log release stage says share reason", "a ramp that was moved otherwise than signed")
    why = "a move of a ramp that no officer signed for this log"
    require(said.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer], why)
    require(body.digest == body.envelope.digest, "a move of a ramp under another digest than its own")
    require(said.previous == _course(at, body).digest, "a move of a ramp that does not follow the last one")


def moves_what_is_open(at: At, body: StageRamped) -> None:
    """A ramp is moved while its stage is open: paused once, gone on with once, taken back to less."""
    course = _course(at, body)
    require(at.record.opened.get(course.terms) is not None, "a move of a ramp of a stage that is not open")
    steps, is_paused = steps_of(at, course), course.ramp.is_paused
    in_now = course.places(steps, at.at_ms)
    if body.says == RETURNS:
        wanted = (body.share or 0) * PLACES // 100
        require(wanted < in_now, "a ramp that is taken back to a share that is not less")
        return
    require(is_paused == (body.says == CONTINUES), "a paused ramp that is paused, or one that runs let go on")
    require(in_now < PLACES, "a ramp that is over, and is paused or let go on")


def stands_where_it_says(at: At, body: StageRamped) -> None:
    """A ramp stands where it stood, or where the share begins to which it returns."""
    course = _course(at, body)
    over_ms: int | None = course.ramp.over(at.at_ms)
    if body.says == RETURNS:
        over_ms = audience.begin_of(steps_of(at, course), (body.share or 0) * PLACES // 100)
        require(over_ms is not None, "a ramp that returns to a share that is none of its steps")
    require(body.over_ms == over_ms, "a ramp that stands elsewhere than it says")


@of_the_record
def takes_over_its_ramp(at: At, body: StageOpened) -> None:
    """A stage for everyone that opens again says which share was in before.

    Earlier builds began again. They had no ramp that an officer had moved: one that was says so always.
    """
    if has_a_say(at, body):
        found = carried(at, body.release, body.stage, body.terms)
        require(body.ramp == found, "another share than was in before")


def has_a_say(at: At, body: StageOpened) -> bool:
    """Whether an opening says, or has to say, which share was in: an officer has moved the ramp before."""
    course = at.record.course_of(body.release, body.stage)
    return body.ramp is not None or (course is not None and course.digest is not None)


def carried(at: At, release: str, stage: str, terms: str) -> CarriedRamp | None:
    """What a stage that opens again takes over of its ramp; None: the ramp begins. Raises: Broken, Withheld.

    A closing that an officer signed ends what was in; one that the stage did by itself does not.
    """
    course = at.record.course_of(release, stage)
    if course is None or not at.terms(terms).body.is_for_everyone:
        return None
    closing = at.record.closing_of(release, stage)
    is_ended = course.closed_ms is not None and closing is not None and closing.digest is not None
    if is_ended or not at.terms(course.terms).body.is_for_everyone:
        return None
    places = course.places(steps_of(at, course), at.at_ms)
    return CarriedRamp(places=places, is_paused=course.ramp.is_paused)


def at_most_carried(at: At, body: StageOpened) -> StageOpened:
    """An opening as far as the record supports it: no larger share than was in before.

    A ramp that an officer stopped stands still, whatever the opening says, or does not say, of it.
    """
    found, said = carried(at, body.release, body.stage, body.terms), body.ramp or CarriedRamp(places=0)
    if found is None:
        return replace(body, ramp=None)
    places, is_paused = min(found.places, said.places), found.is_paused or said.is_paused
    return replace(body, ramp=CarriedRamp(places=places, is_paused=is_paused))


def narrowed(at: At, body: StageRamped) -> StageRamped | None:
    """What of an unlawful move narrows: a ramp that is paused or taken back stands no further than it did."""
    course = at.record.course_of(body.release, body.stage)
    if course is None or body.says == CONTINUES:
        return None
    return replace(body, over_ms=min(body.over_ms, course.ramp.over(at.at_ms)))


def steps_of(at: At, course: Course) -> tuple[tuple[int, int], ...]:
    """The shares of a stage's ramp, by the terms under which it is open. Raises: Broken, Withheld."""
    return audience.shares(at.terms(course.terms).body.ramp)


def _course(at: At, body: StageRamped) -> Course:
    found = at.record.course_of(body.release, body.stage)
    if found is None:
        raise Broken(f"no ramp of {body.release!r}/{body.stage!r}")
    require(at.terms(found.terms).body.is_for_everyone, "a ramp of a stage that is not for everyone")
    return found


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    StageRamped: (is_moved_by_an_officer, moves_what_is_open, stands_where_it_says),
    StageOpened: (takes_over_its_ramp,),
}
