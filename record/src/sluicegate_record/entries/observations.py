"""Entries of observations: what parties got when they asked surfaces for a model."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, Time
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.observations import Probe, ProbeOutcome


@entry("observation.recorded")
class ObservationRecorded(Body):
    """A party of a release asked for its model with a key of its own, and signed what it got.

    Whether it is what was due follows from the directives on the record.
    """

    log: str
    observer: str
    owner: str
    probe: Probe
    outcome: ProbeOutcome
    size: Annotated[int, Note("of the log that it had seen before it asked")]
    signed_at_ms: Time
    digest: str
    envelope: Envelope
