"""What surfaces answered to those who watch them, in words."""

from __future__ import annotations

from sluicegate.acts.directives import DirectiveObservation
from sluicegate.acts.observations import ObservationView
from sluicegate.cli import wording
from sluicegate_record.terms.observations import ProbeOutcome

_VERDICTS = {
    "as_due": "as due",
    "still_served": "STILL SERVED",
    "not_served": "NOT SERVED",
    "undecided": "fine either way",
    "failed": "shows nothing",
}


def verdict(said: str, due_by: str | None) -> str:
    """What an observation shows, in words."""
    by = "" if due_by is None else f", {due_by} is in force"
    return f"{_VERDICTS.get(said, said)}{by}"


def outcome(said: ProbeOutcome, model: str) -> str:
    """What a request got, in words."""
    if said.got == "answered":
        ran = f", as {said.model}" if said.model not in {None, model} else ""
        given = f", {said.programme}" if said.programme else ""
        return f"answered{ran}{given}"
    why = " ".join(map(str, filter(None, (said.status, said.reason, said.directive))))
    return f"{said.got} ({why})" if why else said.got


def where(shown: ObservationView) -> str:
    """The address of a probe, or the declared point that is there."""
    return shown.probe.address if shown.probe.point is None else f"{shown.probe.address}, {shown.probe.point}"


_SHOWS = {
    "removed": "seen to be refused",
    "refused": "refused for another reason",
    "still_served": "STILL SERVED",
    "answered": "answered, with a key that it does not cover,",
    "earlier": "asked before it was issued",
    "before": "answered before it was in force everywhere",
    "failed": "no answer",
}


def of_directive(shown: DirectiveObservation) -> str:
    """What an observer saw of a directive, on one line."""
    probe, what = shown.probe, _SHOWS.get(shown.shows, shown.shows)
    got = "" if shown.shows in {"removed", "answered"} else f": {outcome(shown.outcome, probe.model)}"
    by = f"by {shown.observer} at {wording.moment(shown.signed_ms)}"
    return f"  {probe.model} on {probe.surface} at {where(shown)}: {what} {by}{got}"


def against(shown: ObservationView) -> str:
    """What contradicts the record, on one line."""
    probe, said = shown.probe, verdict(shown.verdict, shown.due_by)
    got = outcome(shown.outcome, probe.model)
    at = f"{shown.observer} at {wording.moment(shown.signed_ms)}"
    return f"{probe.model} on {probe.surface} at {where(shown)}: {said}; {got}, says {at}"
