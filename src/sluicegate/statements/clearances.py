"""What a party signs of a requirement, a stage or a report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated

from sluicegate.acts import clearances
from sluicegate.acts.clearances import ClearanceArgument
from sluicegate.acts.fields import text
from sluicegate.statements import words
from sluicegate.statements.kind import (
    Making,
    MaybeReason,
    StatementKind,
    UnsignedStatement,
    Wording,
    filled,
    options,
    public,
    shown_by,
)
from sluicegate_record.form import Note, Time, form
from sluicegate_record.log import times
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import ADOPTED, CLEARANCES, EVALUATION, HOLD, REPORT


@form
class WordOnRequirement(ClearanceArgument):
    """What the developer says of a standard, a stage or the report of a release."""

    reason: MaybeReason = ""
    version: Annotated[Annotated[str, text(0, 100)] | None, Note("Of a standard that is adopted.")] = None
    until_ms: Annotated[
        Time | None, Note("How long an evaluation takes at most, such as 2026-07-09T16:00:00.000Z.")
    ] = None


def _clearance(making: Making) -> UnsignedStatement:
    return filled(Clearance, making.found.to_json(), making.said.to_json())


_CLEARANCES = {
    "adopts": "adopts the standard {about} for {release}",
    "withdraws": "no longer adopts the standard {about} for {release}",
    "attests": "attests that {release} meets the standard {about}",
    "retracts": "no longer attests that {release} meets the standard {about}",
    "begins": "begins its evaluation before the stage {about} of {release}",
    "extends": "needs longer for its evaluation before the stage {about} of {release}",
    "ends": "ends its evaluation before the stage {about} of {release}",
    "holds": "holds the stage {about} of {release}: it does not open",
    "releases": "no longer holds the stage {about} of {release}",
    "signs": "signs the report of {release}, with the digest {about}",
    "dissents": "dissents from the report of {release}, with the digest {about}",
}


def _clears(said: Clearance, _: Wording) -> Iterator[str]:
    about, release = words.exact(said.about), words.exact(said.release)
    yield f"{said.party} {_CLEARANCES[said.says].format(about=about, release=release)}."
    yield from public(said.reason)
    yield from words.fields(said.to_json(), {("party",), ("says",), ("release",), ("about",), ("reason",)})


def _clearance_command(said: Clearance) -> str:
    kind, about = CLEARANCES[said.says].kind, shlex.quote(said.about)
    reason = " --reason WHY" if said.reason else ""
    if kind == REPORT:
        return (
            f"release sign {said.release}"
            if said.says == "signs"
            else f"release dissent {said.release}{reason}"
        )
    if kind == HOLD:
        return f"stage {said.says.removesuffix('s')} {said.release} {about}{reason}"
    if kind == EVALUATION:
        until = "" if said.until_ms is None else f" --until {times.format_time(said.until_ms)}"
        return f"stage evaluate {said.release} {about} {said.says}{until}{reason}"
    word = "adopt" if kind == ADOPTED else "attest"
    how = options({"version": said.version}) if CLEARANCES[said.says].holds else f" --{_UNDONE[said.says]}"
    return f"release {word} {said.release} --standard {about}{how}{reason}"


_UNDONE = {"withdraws": "withdraw", "retracts": "retract"}


CLEARANCE = StatementKind(
    name="clearance",
    title="Say something of a requirement or a report",
    kind=Clearance,
    asks=WordOnRequirement,
    look=shown_by(clearances.TO_SIGN),
    make=_clearance,
    words=_clears,
    act=clearances.RECORD,
    after=lambda said: f"/board/{said.release}",
    command=lambda said: f"sluicegate {_clearance_command(said)} --key officer.pem",
)
