"""An observation: what a party last got from a surface, beside what was due by the directives on the record.

Rules:
- What is due is judged once, when the observation is entered, by what was on the record then.
- A directive is in the way of a request only if it was in force everywhere before its observer asked: by an
  entry in the log that it had seen. Or it began an hour before, and the observer had seen that it was issued.
  So no clock decides about less than an hour.
- Where a directive has just come, ends, or may cover the key, both outcomes are fine. Nothing is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from sluicegate_record.directives.document import EVERYONE
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entries.observations import ObservationRecorded
from sluicegate_record.form import Form, Time, form, replace
from sluicegate_record.log import canonical
from sluicegate_record.terms.observations import ANSWERED, DUE_MS, FAILED, REFUSED, Probe, ProbeOutcome

Verdict = Literal["as_due", "still_served", "not_served", "undecided", "failed"]
AS_DUE: Verdict = "as_due"
STILL_SERVED: Verdict = "still_served"
NOT_SERVED: Verdict = "not_served"
CONTRADICTS: frozenset[Verdict] = frozenset({STILL_SERVED, NOT_SERVED})
"""What contradicts the record: answered though it was due to be refused, or the other way round."""


@form
class Observation(Form):
    """The newest observation of one probe by one observer, by its digest.

    `verdict` is what it shows: `as_due`, `still_served`, `not_served`; `undecided` where the record does not
    say what was due; `failed` if there was no answer. `due_by` is the directive by which it was due to be
    refused. `since_ms` is since when it shows the same.
    """

    id: str
    observer: str
    probe: Probe
    outcome: ProbeOutcome
    size: int
    signed_at_ms: Time
    seq: int
    at_ms: Time
    since_ms: Time
    verdict: Verdict
    due_by: str | None = None

    @property
    def name(self) -> str:
        """Its name, by which the observations of one probe follow one another."""
        return key_of(self.observer, self.probe)

    @property
    def contradicts(self) -> bool:
        """Whether it contradicts the record."""
        return self.verdict in CONTRADICTS

    def shows_the_same_as(self, before: Observation) -> bool:
        """Whether it shows the same as an earlier one of its probe, whatever size of the log was said."""
        return self._shown == before._shown

    @property
    def _shown(self) -> tuple[object, ...]:
        said = self.outcome
        named = (said.got, said.status, said.reason, said.directive, said.model, said.programme)
        return (*named, self.verdict, self.due_by)


def key_of(observer: str, probe: Probe) -> str:
    """The name under which the observations of one probe by one observer follow one another."""
    return canonical.dumps([observer, probe.to_json()]).decode()


def observed(
    entry: Happening,
    body: ObservationRecorded,
    directives: Iterable[Directive],
    before: Observation | None,
) -> Observation:
    """The observation that an entry gives, after the last one of its probe.

    `directives` are those on the record before it.
    """
    about = [each for each in directives if is_about(each, body.probe)]
    verdict, due_by = _judged(entry, body, about)
    found = Observation(
        id=body.digest,
        observer=body.observer,
        probe=body.probe,
        outcome=body.outcome,
        size=body.size,
        signed_at_ms=body.signed_at_ms,
        seq=entry.seq,
        at_ms=entry.at_ms,
        since_ms=entry.at_ms,
        verdict=verdict,
        due_by=due_by,
    )
    if before is not None and found.shows_the_same_as(before):
        return replace(found, since_ms=before.since_ms)
    return found


def is_about(found: Directive, probe: Probe) -> bool:
    """Whether a directive takes the model of a probe from its surface, for some or for everyone."""
    spec = found.document.spec
    is_removal = spec.action == "suspend" and not found.is_drill
    return is_removal and probe.model in spec.models and spec.is_about(probe.surface)


def _judged(
    entry: Happening, body: ObservationRecorded, about: Iterable[Directive]
) -> tuple[Verdict, str | None]:
    """What an observation shows, and the directive by which it was due to be refused."""
    got = body.outcome.got
    if got == FAILED:
        return "failed", None
    due = {each.name: _is_in_the_way(each, entry, body) for each in about}
    by = next((name for name, is_due in due.items() if is_due), None)
    if by is not None:
        return (STILL_SERVED if got == ANSWERED else AS_DUE), by
    if got == REFUSED and due.get(body.outcome.directive or "", False) is None:
        return AS_DUE, None
    if body.probe.expects == ANSWERED and None in due.values():
        return "undecided", None
    return _beside(body), None


def _beside(body: ObservationRecorded) -> Verdict:
    """What an observation shows where no directive is in its way."""
    asked, said = body.probe.programme, body.outcome
    if body.probe.expects == REFUSED:
        return STILL_SERVED if said.got == ANSWERED else AS_DUE
    is_other = asked is not None and said.programme not in {None, asked}
    return NOT_SERVED if said.got == REFUSED or is_other else AS_DUE


def _is_in_the_way(found: Directive, entry: Happening, body: ObservationRecorded) -> bool | None:
    """Whether a directive was due to refuse a request; None where the record does not say."""
    if found.ended is not None:
        return False if found.ended.seq < body.size else None
    lifted = [is_whole and seq < body.size for is_whole, seq in _lifted(found, body.probe)]
    if lifted:
        return False if any(lifted) else None
    is_for_everyone = found.document.spec.covers == EVERYONE and found.document.spec.except_ is None
    if not is_for_everyone and body.probe.covered_by != found.name:
        return None if body.outcome.directive == found.name else False
    if found.in_force_seq is not None and found.in_force_seq < body.size:
        return True
    asked_ms = min(body.signed_at_ms, entry.at_ms)
    return True if found.seq < body.size and asked_ms >= found.holds_ms + DUE_MS else None


def _lifted(found: Directive, probe: Probe) -> Iterator[tuple[bool, int]]:
    """The lifted parts that have the model of a probe on its surface: whether for everyone, and where."""
    for part in found.parts:
        models, surfaces = part.scope.models, part.scope.surfaces
        if probe.model in (models or {probe.model}) and probe.surface in (surfaces or {probe.surface}):
            is_whole = part.scope.annexes is None and part.scope.organizations is None
            yield is_whole and not part.scope.unknown, part.seq
