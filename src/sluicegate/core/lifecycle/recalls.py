"""Withdrawing a release, and bringing it back: all its stages close in one commit, and open in one.

Rules:
- A recall is the closing of each stage that the plan has, and of each that an earlier plan has left open.
  Each is an officer's `stage.closed`: law, gateways and cases see the closing of a stage.
- A stage that a later plan adds waits for an officer, too, until one has opened a stage of the release.
- It comes back by openings, each of which undoes the closing of its stage, as after `stage close`. All that a
  stage requires must hold again.
- In a restoration each stage sees those before it open.
- Each statement is looked at first: who signed it, and whether there is such a stage; then what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sluicegate.acts.recalls import RecallReceipt, RestorationReceipt
from sluicegate.acts.releases import StageReceipt
from sluicegate.core.lifecycle import releases
from sluicegate.core.lifecycle.answer import Acceptance, Refusal, SignedTogether
from sluicegate.core.lifecycle.keys import signer_for
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate.core.terms import requirement_phrases
from sluicegate_record.entries import Draft, place_all
from sluicegate_record.entries.releases import StageOpened
from sluicegate_record.law.requirements import facts_of
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.terms.plan import Stage


@dataclass(frozen=True, slots=True)
class RecallRelease(SignedTogether):
    """Withdraw a release, by an officer's closing of each stage."""


@dataclass(frozen=True, slots=True)
class RestoreRelease(SignedTogether):
    """Bring a release back, by an officer's opening of each stage."""


def reached(record: Record, release: str) -> list[str]:
    """The stages that a recall closes: those of the plan, in order, and those earlier plans left open."""
    found = dict.fromkeys(record.releases[release].plan.stages)
    for digest, opened_ms in record.opened.items():
        terms = record.terms[digest]
        if opened_ms is not None and terms.plan.metadata.name == release:
            found.setdefault(terms.stage)
    return list(found)


def recall_release(
    state: State, command: RecallRelease, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RecallRelease`: it closes every stage, or is refused. The same statements change nothing."""
    signed = {_closing(each).stage: each for each in command.envelopes}
    names = sorted({_closing(each).release for each in command.envelopes})
    if len(names) > 1:
        return _of_several(names)
    name = names[0]
    if name not in state.releases:
        return releases.release_unknown(name)
    drafts: list[Draft] = []
    for envelope in signed.values():
        done = releases.close_stage(state, releases.CloseStage(envelope), now_ms, entropy)
        if isinstance(done, Refusal):
            return done
        drafts += done.drafts
    missing = [each for each in reached(state.record, name) if each not in signed]
    if missing:
        said = f"a recall closes every stage; the closing of {', '.join(missing)} is missing"
        return Refusal("conflict", "recall_partial", said, "sign what 'sluicegate release recall' signs now")
    return Acceptance(drafts, RecallReceipt(release=name, stages=tuple(signed)))


def restore_release(
    state: State, command: RestoreRelease, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `RestoreRelease`: each stage opens, or agencies are asked about it; or it is refused."""
    signed = {_opening(each).stage: each for each in command.envelopes}
    names = sorted({_opening(each).release for each in command.envelopes})
    if len(names) > 1:
        return _of_several(names)
    name = names[0]
    if name not in state.releases:
        return releases.release_unknown(name)
    for envelope in signed.values():
        key = signer_for(state, envelope, state.developer)
        if isinstance(key, Refusal):
            return key
    order = list(state.releases[name].plan.stages)
    ahead, drafts, results = Ahead(state), list[Draft](), list[StageReceipt]()
    for stage in sorted(signed, key=lambda each: order.index(each) if each in order else -1):
        done = releases.open_stage(ahead, releases.OpenStage(signed[stage]), now_ms, entropy)
        if isinstance(done, Refusal):
            return done
        drafts += done.drafts
        _go_ahead(ahead, done.drafts, now_ms)
        assert isinstance(done.result, StageReceipt)
        results.append(done.result)
    return Acceptance(
        drafts,
        RestorationReceipt(
            release=name,
            opened=tuple(each.stage for each in results if each.case is None),
            asked={each.stage: each.case for each in results if each.case is not None},
        ),
    )


class StageReturn(NamedTuple):
    """How a closed stage can come back: `waits_for` is what is missing, in words."""

    stage: str
    what: Literal["opens", "asks", "waits"]
    closed_ms: int
    waits_for: tuple[str, ...] = ()


def returning(state: State, release: str, now_ms: int) -> Iterator[StageReturn]:
    """The stages of a release that an officer closed, in their order; those that open are seen by the next.

    One that was not open before it was closed waits for `stage open`: a restoration opens only what was.
    """
    ahead, found = Ahead(state), state.releases[release]
    for name, stage in found.plan.stages.items():
        closing = state.record.shut_by(release, name)
        if closing is None:
            continue
        back = StageReturn(name, "opens", closing.at_ms)
        missing = tuple(_missing(ahead, release, stage, now_ms))
        if not closing.terms:
            back = back._replace(what="waits", waits_for=("an officer's 'sluicegate stage open'", *missing))
        elif missing:
            back = back._replace(what="waits", waits_for=missing)
        elif stage.agreed_by is not None:
            back = back._replace(what="asks")
        else:
            body = StageOpened(log=state.log, release=release, stage=name, terms=found.terms[name])
            _go_ahead(ahead, [Draft(release, body)], now_ms)
        yield back


def _missing(state: State, release: str, stage: Stage, now_ms: int) -> Iterator[str]:
    """What a stage lacks before an officer's opening has an effect: it opens, or agencies are asked."""
    found = state.record.releases[release]
    if found.terms[stage.name] not in found.agreed:
        yield f"the terms, to which {' and '.join(sorted(stage.agencies))} agree"
        return
    facts = facts_of(state.record, release, stage.name, now_ms)
    if stage.agreed_by is None or facts.agreement(stage.agreed_by) is not None:
        yield from map(requirement_phrases.required, facts.unmet(stage))


def _go_ahead(ahead: Ahead, drafts: Sequence[Draft], now_ms: int) -> None:
    for entry in place_all(drafts, seq=ahead.size, at_ms=now_ms, by="", command=""):
        ahead.apply(entry)


def _closing(envelope: Envelope) -> StageClosing:
    return StageClosing.read(envelope)


def _opening(envelope: Envelope) -> StageOpening:
    return StageOpening.read(envelope)


def _of_several(names: Sequence[str]) -> Refusal:
    said = f"statements about several releases: {', '.join(each[:64] for each in names)}"
    return Refusal("conflict", "other_release", said, "send those of one release together")
