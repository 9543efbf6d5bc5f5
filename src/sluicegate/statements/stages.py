"""What officers sign about a stage or a release: opening, closing, its ramp, its end, what serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sluicegate.acts import closures, deployments, outlook, ramps, releases
from sluicegate.acts.act import AskAct
from sluicegate.acts.deployments import DeploymentArgument
from sluicegate.acts.fields import SurfaceName, some
from sluicegate.acts.ramps import RampArgument, RampToSign
from sluicegate.acts.releases import LastClosing, OpeningToSign, ReleaseArgument, StageArgument, StageStatus
from sluicegate.statements import words
from sluicegate.statements.kind import (
    Making,
    Reason,
    StatementKind,
    UnsignedStatement,
    Wording,
    filled,
    public,
    shown_by,
)
from sluicegate_record.form import Json, Note, Time, form, within
from sluicegate_record.statements.deployments import DeploymentStatement
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.statements.releases import ReleaseClosing, StageClosing, StageOpening
from sluicegate_record.terms import audience, phrases
from sluicegate_record.terms.audience import CONTINUES, PAUSES, RETURNS
from sluicegate_record.terms.text import counted

_STAGE = frozenset({("release",), ("stage",)})
_stage = shown_by(releases.OPENING)
_last_closing = shown_by(releases.CLOSING)
_report = shown_by(closures.REPORT)
_served = shown_by(deployments.SHOW)


def _opening(making: Making) -> UnsignedStatement:
    return opening(making.found)


def opening(asked: OpeningToSign) -> UnsignedStatement:
    """The opening of a stage: `asked` unchanged."""
    return filled(StageOpening, asked.to_json())


def opens(said: StageOpening, wording: Wording) -> Iterator[str]:
    """The opening of a stage, in words."""
    yield f"You open the stage {said.stage} of {said.release}."
    status = wording.ask(outlook.SHOW, ReleaseArgument(release=said.release)).status
    stage = next((each for each in status.stages if each.stage == said.stage), None)
    if stage is not None and stage.terms == said.terms:
        yield f"Under the terms in force it lets in {_audience(stage)}, to {', '.join(status.models)}."
    else:
        yield "The terms that it names are not in force any more: make the statement again."
    yield f"The terms have the digest {said.terms}."
    if said.closing is not None:
        yield f"This undoes the closing with the digest {said.closing}."
    yield from words.fields(said.to_json(), _STAGE | {("terms",), ("closing",)})


def _audience(stage: StageStatus) -> str:
    if stage.audience != audience.APPLICANTS:
        listed = "" if stage.listed is None else f" ({counted(stage.listed, 'listed organization')})"
        return f"{stage.audience}{listed}"
    seats = "any number of organizations" if stage.seats is None else counted(stage.seats, "organization")
    return f"{seats}, each admitted by {phrases.rule(stage.rule)}"


@form
class ClosingWord(StageArgument):
    """Which stage closes, and why."""

    reason: Reason


def _closing(making: Making) -> UnsignedStatement:
    return filled(StageClosing, making.found.to_json(), {"reason": making.said.reason.strip()})


def closes(said: StageClosing, wording: Wording) -> Iterator[str]:
    """The closing of a stage, in words."""
    yield f"You close the stage {said.stage} of {said.release}, at once."
    yield "Every key of it is refused, and open streams are cut. Only an officer opens it again."
    yield from _closed_before(_last_closing(wording.ask, said))
    yield from public(said.reason)
    yield from words.fields(said.to_json(), _STAGE | {("reason",)})


def _closed_before(last: LastClosing) -> Iterator[str]:
    if last.closed_ms is not None and last.officer is not None:
        yield f"The officer {last.officer} closed it before, on {words.minute(last.closed_ms)}."


def closing_before(said: StageClosing, ask: AskAct) -> Json:
    """The closing before one, by its digest: what is signed now is not for what comes after another one."""
    return _last_closing(ask, said).signed


@form
class RampWord(StageArgument):
    """Which ramp moves, how, and why."""

    says: Annotated[str, Note("pauses | continues | returns")]
    share: Annotated[
        Annotated[int, within(1, 99)] | None, Note("If it returns: to which earlier share, in per cent.")
    ] = None
    reason: Reason


def _standing(ask: AskAct, said: RampWord | RampMove) -> RampToSign:
    return ask(ramps.TO_SIGN, RampArgument(release=said.release, stage=said.stage, to=said.share))


def _ramp(making: Making) -> UnsignedStatement:
    return filled(RampMove, making.found.to_json(), {"share": None}, making.said.to_json())


def _ramp_command(said: RampMove) -> str:
    word = {PAUSES: "pause", CONTINUES: "on", RETURNS: "back"}[said.says]
    to = "" if said.share is None else f" --to {said.share}"
    return f"{word} {said.release} {said.stage}{to}"


_RAMPS = {PAUSES: "pause", CONTINUES: "let go on", RETURNS: "take back"}


def _moves(said: RampMove, _: Wording) -> Iterator[str]:
    to = "" if said.share is None else f", to {said.share} per cent of all organizations"
    yield f"You {_RAMPS[said.says]} the ramp of the stage {said.stage} of {said.release}{to}."
    yield from public(said.reason)
    yield from words.fields(said.to_json(), _STAGE | {("says",), ("share",), ("reason",)})


def _taken(said: RampMove, ask: AskAct) -> Iterator[str]:
    """Where the ramp stands, and who loses access."""
    found = _standing(ask, said)
    yield f"Now {found.share} per cent are in: {counted(found.organizations, 'organization')}."
    if said.says == RETURNS:
        losing = counted(found.losing, "organization")
        yield f"Of them {losing} would lose access, and {found.kept} more would keep it by a grant."


def _release_closing(making: Making) -> UnsignedStatement:
    found = making.found
    return filled(ReleaseClosing, {"log": found.log, "release": found.release, "report": found.digest})


def _ends(said: ReleaseClosing, _: Wording) -> Iterator[str]:
    yield f"You close the release {said.release} for good, with its report. It is not opened again."
    yield f"The report has the digest {said.report}."
    yield from words.fields(said.to_json(), {("release",), ("report",)})


def _ended(said: ReleaseClosing, ask: AskAct) -> Iterator[str]:
    found = _report(ask, said)
    if found.missing is not None:
        yield f"It cannot be closed yet: {found.missing}."
    if found.digest != said.report:
        yield "The report has changed since: make the statement again."


@form
class DeploymentWord(DeploymentArgument):
    """Which release; on which surfaces the models of its plan are served, and until when you say so."""

    surfaces: Annotated[
        Annotated[tuple[SurfaceName, ...], some(SurfaceName, 0, 50)], Note("Only these, one on a line.")
    ] = ()
    keep: Annotated[bool, Note("Say again what the last statement says of other upstreams.")] = False
    until_ms: Annotated[
        Time | None, Note("Such as 2026-07-09T16:00:00.000Z; by default as long as the plan lets it hold.")
    ] = None


def _deployment(making: Making) -> UnsignedStatement:
    said, found = making.said, making.found
    serves = found.serving(said.surfaces, keep=said.keep)
    return UnsignedStatement(
        DeploymentStatement(
            log=found.log,
            release=found.release,
            serves=tuple(serves),
            until_ms=found.until_ms(making.now_ms, said.until_ms),
            previous=None if found.statement is None else found.statement.deployment,
        )
    )


def _serves(said: DeploymentStatement, _: Wording) -> Iterator[str]:
    until = words.minute(said.until_ms)
    yield f"You assert, for the developer, what serves {said.release}, until {until}."
    for each in said.serves:
        where = ", ".join(each.surfaces)
        digests = f"weights {each.digest}, safeguards {each.safeguards}"
        yield f"{each.model} is served by {each.upstream} on {where}: {digests}."
    yield from words.fields(said.to_json(), {("release",), ("serves",), ("until",)})


def _unserved(said: DeploymentStatement, ask: AskAct) -> Iterator[str]:
    losing = _served(ask, said).losing(said.serves)
    if losing:
        yield f"{counted(losing, 'grant')} would be refused: what they rest on is left out."


def board(said: StageOpening | StageClosing | RampMove | ReleaseClosing | DeploymentStatement) -> str:
    """The page of the release that a statement is about."""
    return f"/board/{said.release}"


OPENING = StatementKind(
    name="opening",
    title="Open a stage",
    kind=StageOpening,
    asks=StageArgument,
    look=_stage,
    make=_opening,
    words=opens,
    act=releases.OPEN,
    after=board,
    command=lambda said: f"sluicegate stage open {said.release} {said.stage} --key officer.pem",
)
CLOSING = StatementKind(
    name="closing",
    title="Close a stage",
    kind=StageClosing,
    asks=ClosingWord,
    look=_stage,
    make=_closing,
    words=closes,
    bound_to=closing_before,
    act=releases.CLOSE,
    after=board,
    command=lambda said: f"sluicegate stage close {said.release} {said.stage} --reason WHY --key officer.pem",
)
RAMP = StatementKind(
    name="ramp",
    title="Pause a ramp, let it go on, or take it back",
    kind=RampMove,
    asks=RampWord,
    look=_standing,
    make=_ramp,
    words=_moves,
    act=ramps.MOVE,
    after=board,
    command=lambda said: f"sluicegate ramp {_ramp_command(said)} --reason WHY --key officer.pem",
    follows=_taken,
)
ENDING = StatementKind(
    name="release-closing",
    title="Close a release for good",
    kind=ReleaseClosing,
    asks=ReleaseArgument,
    look=_report,
    make=_release_closing,
    words=_ends,
    act=closures.CLOSE,
    after=board,
    command=lambda said: f"sluicegate release close {said.release} --key officer.pem",
    follows=_ended,
)
DEPLOYMENT = StatementKind(
    name="deployment",
    title="Say what serves a release",
    kind=DeploymentStatement,
    asks=DeploymentWord,
    look=_served,
    make=_deployment,
    words=_serves,
    act=deployments.ATTEST,
    after=board,
    command=lambda said: f"sluicegate deployment sign {said.release} --key officer.pem",
    follows=_unserved,
)
STATEMENTS = (OPENING, CLOSING, RAMP, DEPLOYMENT, ENDING)
