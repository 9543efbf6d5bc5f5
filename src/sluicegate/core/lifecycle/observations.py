"""Observations: what parties got when they asked surfaces for a model, and what of it goes on the record.

Rules:
- What shows something else than the last observation of its probe goes on the record at once; what shows the
  same, once an hour. So a probe that asks each second adds no more than one that asks each hour.
- Nothing follows from one: it is evidence. What contradicts the record is sent to its parties, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sluicegate.acts.directives import DirectiveObservation
from sluicegate.acts.observations import ObservationReceipt, ObservationToSign, ObservationView
from sluicegate.core.lifecycle import points
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import signer_here
from sluicegate.core.lifecycle.releases import release_unknown
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.finding import reporters
from sluicegate_record.entities.happening import Trial
from sluicegate_record.entities.observation import STILL_SERVED, Observation, is_about, key_of, observed
from sluicegate_record.entries import Draft, Entry
from sluicegate_record.entries.observations import ObservationRecorded
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.terms.observations import ANSWERED, HEARTBEAT_MS, PROBES_MAX, REFUSED, Probe

WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class RecordObservation(SignedCommand):
    """Put a party's signed word on what a surface answered on the record, if it is news."""


def record_observation(
    state: State, command: RecordObservation, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecordObservation`. What shows the same as an hour ago at most changes nothing."""
    said, digest = ObservationStatement.read(command.envelope), command.envelope.digest
    key = signer_here(state, command.envelope, said.observer, said.log)
    if isinstance(key, Refusal):
        return key
    last = state.record.observations.get(key_of(said.observer, said.probe))
    if last is not None and last.id == digest:
        return Acceptance([], _receipt(last, is_recorded=True))
    refusal = _unfit(state, said) or _out_of_turn(state, said, last, now_ms)
    if refusal is not None:
        return refusal
    body = ObservationRecorded(
        log=said.log,
        observer=said.observer,
        owner=key.owner,
        probe=said.probe,
        outcome=said.outcome,
        size=said.size,
        signed_at_ms=said.signed_at_ms or now_ms,
        digest=digest,
        envelope=command.envelope,
    )
    found = observed(Trial(body, state.size, now_ms), body, state.directives.values(), last)
    if last is not None and found.shows_the_same_as(last) and now_ms < last.at_ms + HEARTBEAT_MS:
        return Acceptance([], _receipt(last, is_recorded=False))
    return Acceptance([Draft(said.probe.release, body)], _receipt(found, is_recorded=True))


def _receipt(found: Observation, *, is_recorded: bool) -> ObservationReceipt:
    return ObservationReceipt(
        observation=found.id, verdict=found.verdict, due_by=found.due_by, recorded=is_recorded
    )


def _unfit(state: State, said: ObservationStatement) -> Refusal | None:
    """Why an observation is not of a party, or of nothing that its release has; None if it is."""
    probe = said.probe
    release = state.releases.get(probe.release)
    if release is None:
        return release_unknown(probe.release)
    if said.observer not in reporters(release.plan):
        text = f"{said.observer!r} is no party of {release.name!r}"
        return Refusal("forbidden", "not_a_party", text, "its plan names agencies, evaluators and reporters")
    if all(each.id != probe.model for each in release.plan.spec.models):
        return Refusal("unknown", "model_unknown", f"{release.name!r} has no model {probe.model[:80]!r}")
    if probe.surface not in release.plan.spec.surfaces:
        return Refusal(
            "unknown", "surface_unknown", f"{release.name!r} has no surface {probe.surface[:80]!r}"
        )
    point = state.points.get(probe.point or "")
    if probe.point is not None and (point is None or point.surface != probe.surface):
        return points.point_unknown(probe.point)
    return None


def _out_of_turn(
    state: State, said: ObservationStatement, last: Observation | None, now_ms: int
) -> Refusal | None:
    """Why an observation does not come after what is on the record; None if it does."""
    text = ""
    if said.previous != (None if last is None else last.id):
        text = "the observation does not follow the last one of its probe"
    elif last is not None and (said.signed_at_ms or 0) <= last.signed_at_ms:
        at = times.format_time(last.signed_at_ms)
        text = f"the observation is no later than the one before it, of {at}"
    elif said.size > state.size or (last is not None and said.size < last.size):
        text = f"the observation says that the log had {said.size} entries before"
    if text:
        return Refusal("conflict", "observation_moved", text, "ask again, and sign what comes of it")
    if last is None and _watched(state, said.observer, now_ms) >= PROBES_MAX:
        text = f"{said.observer!r} has had {PROBES_MAX} probes in the last week"
        return Refusal("conflict", "too_many_probes", text, "watch fewer addresses and models")
    return None


def to_sign(state: State, observer: str, probe: Probe, now_ms: int) -> ObservationToSign:
    """What a party signs about a request that it makes now."""
    last = state.record.observations.get(key_of(observer, probe))
    found = (each for each in state.directives.values() if each.ended is None and is_about(each, probe))
    return ObservationToSign(
        log=state.log,
        observer=observer,
        probe=probe,
        size=state.size,
        previous=None if last is None else last.id,
        due=last is None or now_ms >= last.at_ms + HEARTBEAT_MS,
        in_force=tuple(sorted(each.name for each in found if each.in_force_seq is not None)),
    )


def _watched(state: State, observer: str, now_ms: int) -> int:
    """How many probes of an observer are on the record that it has asked for in the last week."""
    known = state.record.observations.values()
    return sum(each.observer == observer and each.at_ms > now_ms - WEEK_MS for each in known)


def view(found: Observation) -> ObservationView:
    """An observation, as it is shown."""
    return ObservationView(**_shown(found))


def _shown(found: Observation) -> dict[str, Any]:
    """The fields of an `ObservationView`."""
    return {
        "observer": found.observer,
        "probe": found.probe,
        "outcome": found.outcome,
        "verdict": found.verdict,
        "due_by": found.due_by,
        "signed_ms": found.signed_at_ms,
        "since_ms": found.since_ms,
        "size": found.size,
        "seq": found.seq,
        "observation": found.id,
    }


def sorted_for_reading(found: Iterable[Observation]) -> list[Observation]:
    """Observations in the order that is shown: first what contradicts the record, then the newest."""
    return sorted(found, key=lambda each: (not each.contradicts, -each.seq))


def against(state: State, release: str, now_ms: int) -> Iterator[Observation]:
    """What contradicts the record in a release, newest first; what is older than a week is left out."""
    found = (each for each in state.record.observations.values() if each.probe.release == release)
    yield from sorted_for_reading(
        each for each in found if each.contradicts and each.at_ms > now_ms - WEEK_MS
    )


def about(state: State, issued: Directive, releases: Container[str]) -> list[Observation]:
    """The newest observations of what a directive takes away, in these releases."""
    known = state.record.observations.values()
    found = (each for each in known if each.probe.release in releases and is_about(issued, each.probe))
    return sorted_for_reading(found)


def seen_of(state: State, issued: Directive, releases: Container[str]) -> Iterator[DirectiveObservation]:
    """What observers saw of a directive in these releases, as it is shown."""
    for found in about(state, issued, releases):
        yield DirectiveObservation(**_shown(found), shows=shown_of(issued, found))


def unobserved(state: State, issued: Directive, releases: Container[str]) -> Iterator[str]:
    """Where no one has seen whether a directive is enforced since it was issued: `model on surface`."""
    seen = {
        (each.probe.model, each.probe.surface)
        for each in about(state, issued, releases)
        if shown_of(issued, each) in _SHOWS
    }
    spec = issued.document.spec
    offered = (
        (model.id, surface)
        for name, release in state.releases.items()
        if name in releases and spec.action == "suspend"
        for model in release.plan.spec.models
        for surface in release.plan.spec.surfaces
        if model.id in spec.models and spec.is_about(surface)
    )
    for model, surface in sorted(set(offered) - seen):
        yield f"{model} on {surface}"


_SHOWS = frozenset({"removed", STILL_SERVED})
"""What shows whether a directive is enforced."""


def shown_of(issued: Directive, found: Observation) -> str:
    """What an observation shows of a directive, as `DirectiveObservation` says."""
    said = found.outcome
    if found.size <= issued.seq:
        return "earlier"
    if said.got == REFUSED:
        is_by_it = said.directive == issued.name or found.probe.point is not None
        return "removed" if is_by_it else REFUSED
    if said.got == ANSWERED and found.verdict == STILL_SERVED:
        return STILL_SERVED
    return "before" if found.verdict == "undecided" else said.got


def words(state: State, issued: Directive, model: str, surface: str) -> tuple[str, tuple[int, ...]]:
    """What was last seen of a directive where a model is asked for, in words, and by which entry.

    Both are empty if no one looked.
    """
    found = [
        each
        for each in about(state, issued, state.releases)
        if (each.probe.model, each.probe.surface) == (model, surface) and shown_of(issued, each) in _WORDS
    ]
    if not found:
        return "", ()
    first, at = found[0], times.format_time(found[0].signed_at_ms)
    return f"{first.observer} saw {_WORDS[shown_of(issued, first)]} on {surface} at {at}", (first.seq,)


_WORDS = {"removed": "it refused", "still_served": "it STILL SERVED"}


def news(entry: Entry, state: State) -> Observation | None:
    """What an entry shows, if it begins to contradict the record, or ceases to; `state` is before it."""
    body = entry.body
    if not isinstance(body, ObservationRecorded):
        return None
    last = state.record.observations.get(key_of(body.observer, body.probe))
    found = observed(entry, body, state.directives.values(), last)
    was = last is not None and last.contradicts
    is_same = last is not None and (last.verdict, last.due_by) == (found.verdict, found.due_by)
    return found if (found.contradicts or was) and not is_same else None


def verdicts(state: State, now_ms: int) -> Counter[str]:
    """How many probes that are watched now show what, by their verdict."""
    known = state.record.observations.values()
    return Counter(each.verdict for each in known if each.at_ms > now_ms - 2 * HEARTBEAT_MS)


def newest_ms(state: State) -> int:
    """When the newest observation was entered: milliseconds since 1970 UTC; 0 without one."""
    return max((each.at_ms for each in state.record.observations.values()), default=0)
