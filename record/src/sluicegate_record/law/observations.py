"""The law of observations: whose word it is, which one it follows, and what it can have seen.

Whether an observation agrees with the record is not law: one that contradicts it is as lawful as any other.
"""

from __future__ import annotations

from sluicegate_record.entities.finding import reporters
from sluicegate_record.entities.observation import key_of
from sluicegate_record.entries import Body
from sluicegate_record.entries.observations import ObservationRecorded
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, require, same, signed_by
from sluicegate_record.statements.observations import ObservationStatement

OTHERWISE = "an observation that was signed otherwise"
_SAYS = "log observer probe outcome size signed_at_ms"


def is_its_observers_word(at: At, body: ObservationRecorded) -> None:
    """A party signed what it got, for this log, and the entry says what was signed."""
    said = ObservationStatement.read(body.envelope)
    same(body, said, _SAYS, OTHERWISE)
    why = "an observation that its observer did not sign for this log"
    require(said.log == at.log, why)
    signed_by(at, body.envelope, body.observer, [body.owner], why)


def is_of_a_party(at: At, body: ObservationRecorded) -> None:
    """Who observes is a party of the release, and what it asks for is a model on a surface of it."""
    plan = at.release(body.probe.release).plan
    require(body.observer in reporters(plan), "an observation of a party that the plan does not name")
    models = {each.id for each in plan.spec.models}
    is_of_it = body.probe.model in models and body.probe.surface in plan.spec.surfaces
    require(is_of_it, "an observation of a model or a surface that the release does not have")


def follows_the_last_observation(at: At, body: ObservationRecorded) -> None:
    """An observation names the last one of its probe, and is later: each is there, and once."""
    last = at.record.observations.get(key_of(body.observer, body.probe))
    previous = ObservationStatement.read(body.envelope).previous
    why = "an observation that does not follow the last one of its probe"
    require(previous == (None if last is None else last.id), why)
    require(last is None or last.signed_at_ms < body.signed_at_ms, why)
    require(last is None or last.size <= body.size, why)


def has_seen_what_there_was(at: At, body: ObservationRecorded) -> None:
    """The log that its observer had seen before it asked is not longer than it was."""
    require(body.size <= at.entry.seq, "an observation after entries that were not there yet")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    ObservationRecorded: (
        is_its_observers_word,
        is_named_by_its_digest,
        is_of_a_party,
        follows_the_last_observation,
        has_seen_what_there_was,
    ),
}
