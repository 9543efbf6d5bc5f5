"""Ramps: an officer pauses one, lets it go on, or takes it back to an earlier share.

Rules:
- The law says where a ramp stands. Nothing here decides that a second time.
- A ramp that was taken back stands still, until an officer lets it go on: its share's time begins then.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate.acts.ramps import RampReceipt, RampShare
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import stage_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.course import Course
from sluicegate_record.entries import Draft
from sluicegate_record.entries.ramps import StageRamped
from sluicegate_record.law.ramps import steps_of
from sluicegate_record.law.requirements import at_now
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.terms import audience
from sluicegate_record.terms.audience import CONTINUES, PLACES, RETURNS


@dataclass(frozen=True, slots=True)
class MoveRamp(SignedCommand):
    """Move a ramp by an officer's signed word."""


def move_ramp(state: State, command: MoveRamp, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `MoveRamp`. The newest word again changes nothing."""
    said, digest = RampMove.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, state.developer, said.log)
    if isinstance(key, Refusal):
        return key
    course = ramp_of(state.record, said.release, said.stage)
    if isinstance(course, Refusal):
        return course
    steps = steps_of(at_now(state.record, now_ms), course)
    if course.digest == digest:
        return Acceptance([], _receipt(said, course.places(steps, now_ms)))
    refusal = _unfit(said, course, steps, now_ms)
    if refusal is not None:
        return refusal
    back_ms = audience.begin_of(steps, (said.share or 0) * PLACES // 100)
    over_ms = back_ms if said.says == RETURNS and back_ms is not None else course.ramp.over(now_ms)
    body = StageRamped(
        log=said.log,
        release=said.release,
        stage=said.stage,
        says=said.says,
        share=said.share,
        over_ms=over_ms,
        reason=said.reason,
        officer=key.owner,
        digest=digest,
        envelope=command.envelope,
    )
    places = course.ramp.moved(now_ms, said.says, over_ms).places(steps, now_ms)
    return Acceptance([Draft(said.release, body)], _receipt(said, places))


def narrows(command: MoveRamp) -> bool:
    """Whether a word on a ramp takes access away, or lets no one else in. Raises: BadEnvelope."""
    return RampMove.read(command.envelope).says != CONTINUES


def ramp_of(record: Record, release: str, stage: str) -> Course | Refusal:
    """The course of a stage that is open for everyone, or why it has no ramp to move."""
    found = record.releases.get(release)
    if found is None or stage not in found.terms:
        return stage_unknown(release, stage)
    course = record.course_of(release, stage)
    if course is None or record.opened.get(course.terms) is None:
        said = f"the stage {stage!r} is not open"
        return Refusal("conflict", "stage_not_open", said, "'sluicegate status' shows what it waits for")
    if not record.terms[course.terms].body.is_for_everyone:
        said = f"the stage {stage!r} is not for everyone"
        return Refusal(
            "conflict",
            "no_ramp",
            said,
            "'sluicegate stage close RELEASE STAGE --reason REASON --key KEY' closes it",
        )
    return course


def _unfit(said: RampMove, course: Course, steps: tuple[tuple[int, int], ...], now_ms: int) -> Refusal | None:
    """Why a word does not fit where a ramp stands; None if it does."""
    if said.previous != course.digest:
        text = "the statement does not follow the newest one about this ramp"
        return Refusal("conflict", "ramp_moved", text, "sign it again")
    in_now, is_paused = course.places(steps, now_ms), course.ramp.is_paused
    if said.says == RETURNS:
        return _not_earlier(said.share, in_now, steps)
    if in_now == PLACES:
        return Refusal("conflict", "ramp_over", "the ramp is over: everyone is in")
    if is_paused != (said.says == CONTINUES):
        return Refusal("conflict", "ramp_stands", f"the ramp {'is paused' if is_paused else 'runs'} already")
    return None


def no_earlier(record: Record, course: Course, share: int, now_ms: int) -> Refusal | None:
    """Why a ramp does not go back to a share, in per cent; None if it does."""
    steps = steps_of(at_now(record, now_ms), course)
    return _not_earlier(share, course.places(steps, now_ms), steps)


def _not_earlier(share: int | None, in_now: int, steps: tuple[tuple[int, int], ...]) -> Refusal | None:
    earlier = [per_cent(places) for _, places in steps if places < in_now]
    if share in earlier:
        return None
    text = f"{share} per cent is no earlier share of this ramp, which is at {per_cent(in_now)}"
    remedy = (
        f"one of {', '.join(map(str, earlier))}"
        if earlier
        else "'sluicegate stage close RELEASE STAGE --reason REASON --key KEY' closes the stage"
    )
    return Refusal("conflict", "no_such_share", text, remedy)


def _receipt(said: RampMove, places: int) -> RampReceipt:
    return RampReceipt(release=said.release, stage=said.stage, says=said.says, share=per_cent(places))


def shown(record: Record, release: str, stage: str, now_ms: int) -> RampShare | None:
    """Where the ramp of a stage stands now; None if the stage is not open for everyone, or has no shares."""
    course = ramp_of(record, release, stage)
    if isinstance(course, Refusal):
        return None
    steps = steps_of(at_now(record, now_ms), course)
    in_now, over_ms = course.places(steps, now_ms), course.ramp.over(now_ms)
    if len(steps) == 1:
        return None
    coming = [(at, each) for at, each in steps if each > in_now]
    next_ms = now_ms + coming[0][0] - over_ms if coming and not course.ramp.is_paused else None
    return RampShare(
        share=per_cent(in_now),
        paused=course.ramp.is_paused and bool(coming),
        next_share=per_cent(coming[0][1]) if coming else None,
        next_ms=next_ms,
    )


def per_cent(places: int) -> int:
    """A share in per cent, of how many places are in."""
    return places * 100 // PLACES
