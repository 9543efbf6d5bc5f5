"""What officers sign to withdraw a whole release, or bring it back: a set, with a statement for each stage.

Rules:
- Each statement says which stages are in its set, and which the release has now: if that is not the same, its
  words are others than when it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sluicegate.acts import recalls
from sluicegate.acts.act import AskAct
from sluicegate.acts.recalls import (
    RecalledStage,
    RecallToSign,
    ReleaseReach,
    RestorationToSign,
    ReturningStage,
)
from sluicegate.acts.releases import ReleaseArgument
from sluicegate.core import times
from sluicegate.errors import InvalidInput
from sluicegate.statements import words
from sluicegate.statements.kind import (
    Making,
    Reason,
    StatementKind,
    UnsignedStatement,
    Wording,
    filled,
    shown_by,
)
from sluicegate.statements.stages import board, closes, closing_before, opening, opens
from sluicegate_record.form import form
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.terms.text import counted

_recalled = shown_by(recalls.RECALLING)
_returning = shown_by(recalls.RESTORING)


@form
class RecallWord(ReleaseArgument):
    """Which release is withdrawn, and why."""

    reason: Reason


def _each_closing(making: Making) -> Iterator[Making]:
    return (making._replace(found=(making.found, each)) for each in making.found.stages)


def _closing(making: Making) -> UnsignedStatement:
    whole, stage = making.found
    reason = making.said.reason.strip()
    return filled(StageClosing, whole.to_json(), stage.to_json(), {"reason": reason, "recalls": True})


def _withdraws(said: StageClosing, wording: Wording) -> Iterator[str]:
    named = [each.stage for each in wording.of_set]
    yield f"You withdraw {said.release}: all its stages close at once, {', '.join(named)}."
    if [each.stage for each in _recalled(wording.ask, said).stages] != named:
        yield "It has other stages now: make the statements again."
    yield from _one_of(len(named))
    yield from closes(said, wording)


def _one_of(many: int) -> Iterator[str]:
    if many > 1:
        yield f"This is one of {many} statements. Nothing is done before each of them is signed."


def recalled(found: RecallToSign) -> Iterator[str]:
    """What a recall does, and who is refused then: a line for each stage, and for those it reaches."""
    yield from map(_closed, found.stages)
    yield from _reach(found.reach)
    yield "grants stay, and their time runs on; applications go on; what is approved works once it is back"


def _closed(each: RecalledStage) -> str:
    state = "open" if each.open else "not open; it will not open by itself any more"
    said = f"stage {each.stage}: {state}, {counted(each.grants, 'grant')}"
    if each.in_plan:
        return said
    return f"{said}; no stage of the plan in force: only a plan that has it again brings its grants back"


def _reach(found: ReleaseReach) -> Iterator[str]:
    held = f"{counted(found.organizations, 'organization')} with {counted(found.grants, 'grant')}"
    wide = f", {counted(found.accounts, 'account')}" if found.accounts else ""
    yield f"who: {held}{wide}, {counted(found.keys, 'valid key')}"
    flight = f"{counted(found.streams, 'stream')} open, {counted(found.requests, 'request')} in the last day"
    yield f"in flight: {flight}, as gateways report them"
    yield counted(found.open_applications, "open application")


def _each_opening(making: Making) -> Iterator[Making]:
    """Those that can be opened. Raises: InvalidInput: no stage can be."""
    found = [each.opening for each in making.found.stages if each.opening is not None]
    if not found:
        said = f"no stage of {making.found.release} can open again now"
        raise InvalidInput(said, remedy="; ".join(restored(making.found)))
    return (making._replace(found=each) for each in found)


def _opening(making: Making) -> UnsignedStatement:
    return opening(making.found)


def _brings_back(said: StageOpening, wording: Wording) -> Iterator[str]:
    named = [each.stage for each in wording.of_set]
    yield f"You bring {said.release} back, with what can open now: {', '.join(named)}."
    found = {each.stage: each for each in _returning(wording.ask, said).stages}
    for each in wording.of_set:
        back = found.get(each.stage)
        then = "is not closed any more: make the statements again" if back is None else _returns(back)
        if back is not None and back.opening is not None and back.opening.closing != each.closing:
            then = "was closed again since: make the statements again"
        yield f"The stage {each.stage} {then}."
    yield from _one_of(len(named))
    yield from opens(said, wording)


def restored(found: RestorationToSign) -> Iterator[str]:
    """What a restoration does: a line for each stage, and for those it reaches."""
    if not found.stages:
        yield f"{found.release} is not withdrawn: no officer has closed a stage of it"
        return
    for each in found.stages:
        since = f"closed {times.minute(each.closed_ms)}, {counted(each.grants, 'grant')}"
        yield f"stage {each.stage} ({since}) {_returns(each)}"
    yield from _reach(found.reach)


def _returns(each: ReturningStage) -> str:
    if each.what == "waits":
        return f"stays closed: it waits for {'; '.join(each.waits_for)}"
    share = "" if each.share is None else f"; its ramp begins again, at {each.share} per cent"
    then = "opens" if each.what == "opens" else "opens when agencies agree to it again; they are asked"
    return f"{then}{share}"


def _sentences(lines: Iterator[str]) -> Iterator[str]:
    return (f"{words.capital(each)}." for each in lines)


def _recalling(said: StageClosing, ask: AskAct) -> Iterator[str]:
    return _sentences(recalled(_recalled(ask, said)))


def _restoring(said: StageOpening, ask: AskAct) -> Iterator[str]:
    return _sentences(restored(_returning(ask, said)))


def _before(follows: Callable[[Any, AskAct], Iterator[str]]) -> Callable[..., Iterator[str]]:
    """What follows, for the release that the address of a form names, if it names one."""

    def said(given: Mapping[str, str], ask: AskAct) -> Iterator[str]:
        if given.get("release"):
            yield from follows(ReleaseArgument(release=given["release"]), ask)

    return said


RECALL = StatementKind(
    name="recall",
    title="Withdraw a whole release",
    kind=StageClosing,
    asks=RecallWord,
    look=_recalled,
    make=_closing,
    words=_withdraws,
    bound_to=closing_before,
    act=recalls.RECALL,
    after=board,
    command=lambda said: f"sluicegate release recall {said.release} --reason WHY --key officer.pem",
    follows=_recalling,
    each=_each_closing,
    before=_before(_recalling),
)
RESTORATION = StatementKind(
    name="restoration",
    title="Bring a withdrawn release back",
    kind=StageOpening,
    asks=ReleaseArgument,
    look=_returning,
    make=_opening,
    words=_brings_back,
    act=recalls.RESTORE,
    after=board,
    command=lambda said: f"sluicegate release restore {said.release} --key officer.pem",
    follows=_restoring,
    each=_each_opening,
    before=_before(_restoring),
)
SETS = (RECALL, RESTORATION)
