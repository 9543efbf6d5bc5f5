"""`status`: every release with its stages, or one release on one screen, which `--watch` keeps new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from sluicegate.acts import outlook, releases
from sluicegate.acts.act import Nothing
from sluicegate.acts.outlook import ReleaseOutlook, StageCourse, StageEvent
from sluicegate.acts.releases import ReleaseArgument, StageStatus
from sluicegate.cli import observations, watching, wording
from sluicegate.cli.acting import helped
from sluicegate.cli.options import word
from sluicegate.cli.output import Json, tell
from sluicegate.cli.releases import designated, exposed, heard, named, required, seats, share
from sluicegate.cli.releases import status as of_all
from sluicegate.cli.watching import Shown, Watch
from sluicegate.client.http import Client
from sluicegate_record.terms.audience import APPLICANTS
from sluicegate_record.terms.text import counted

WIDTH = 80
"""How many columns the time line takes at most."""
NAME_MAX = 20
MARKS = {
    "asked": "a",
    "agreed": "A",
    "opened": "o",
    "closed": "x",
    "opens": ">",
    "expected": "?",
    "until": "u",
}
"""What an event is on the time line."""
_SAID = {
    "asked": "agencies asked about its terms",
    "agreed": "its terms agreed",
    "opened": "opened",
    "closed": "closed",
    "opens": "opens by itself, if nothing more happens",
    "expected": "expected, by the forecast",
    "until": "last day of its basis",
}


@helped(releases.STATUS)
def status(
    release: Annotated[str | None, word("One release on one screen; without it, all.")] = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """With the name of a release: its time line, seats, exposure, requirements, cases by clock, promises,
    directives, and when the next stage probably opens.
    """
    client = Client()

    def ask() -> Shown:
        if release is None:
            every = client.do(releases.STATUS, Nothing())
            return Shown(every.size, every, of_all(every))
        one = client.do(outlook.SHOW, ReleaseArgument(release=release))
        return Shown(one.size, one, screen(one))

    if watch:
        watching.watch(ask, as_json, lambda size: watching.until_longer(client, size))
    found = ask()
    tell(found.answer, as_json, found.text)


def screen(found: ReleaseOutlook) -> str:
    """One release on one screen."""
    shown = found.status
    title = f"{shown.release}: {shown.title}" if shown.title else shown.release
    where = f"{', '.join(shown.models)} on {', '.join(shown.surfaces)}"
    lines = [title, f"  {where}; {wording.minute(found.at_ms)}; {wording.log_of(found.size)}", ""]
    lines += [*timeline(found.timeline, found.at_ms), ""]
    for each, course in zip(shown.stages, found.timeline, strict=True):
        lines += _stage(each, course)
    lines += ["", f"forecast: {found.standing}"]
    lines += ["", *map(designated, shown.designations)]
    if shown.contradicted:
        seen = [f"  {observations.against(each)}" for each in shown.contradicted]
        lines += ["seen against the record:", *seen]
    lines += [*_evidence(found), *_cases(found), *_directives(found), *_promises(found)]
    return "\n".join(lines).rstrip()


def timeline(stages: Sequence[StageCourse], now_ms: int) -> list[str]:
    """The stages on one time line, at most `WIDTH` columns: a row for each, and what its marks mean."""
    moments = [each.shown_ms for stage in stages for each in stage.events] + [now_ms]
    first, last = min(moments), max(moments)
    name = min(NAME_MAX, max(len(stage.stage) for stage in stages))
    room = WIDTH - name - 3

    def place(at_ms: int) -> int:
        return (at_ms - first) * (room - 1) // max(1, last - first)

    left, right = wording.minute(first)[:10], wording.minute(last)[:10]
    lines = [f"{'':{name}}   {left}{right:>{room - len(left)}}"]
    lines += [f"{stage.stage[:name]:{name}}   {_row(stage, now_ms, place, room)}" for stage in stages]
    used = {each.what for stage in stages for each in stage.events}
    key = [f"{mark} {what}" for what, mark in MARKS.items() if what in used]
    return [*lines, f"{'':{name}}   {' '.join(['| now', '= open', *key])}"]


def _row(stage: StageCourse, now_ms: int, place: Callable[[int], int], room: int) -> str:
    cells = ["."] * room
    opened = [each.at_ms for each in stage.events if each.what == "opened"]
    if opened and stage.state in {"open", "halted"}:
        cells[place(opened[-1]) : place(now_ms)] = "=" * (place(now_ms) - place(opened[-1]))
    cells[place(now_ms)] = "|"
    for each in stage.events:
        cells[place(each.shown_ms)] = MARKS[each.what]
    return "".join(cells)


def _stage(shown: StageStatus, course: StageCourse) -> Iterator[str]:
    state = {"halted": "open, but no one is admitted", "waits": "not open yet"}.get(
        course.state, course.state
    )
    limit = "seats" if shown.seats is not None else "organizations, without a limit"
    whom = f"{seats(shown)} {limit}" if shown.audience == APPLICANTS else f"for {named(shown)}{share(shown)}"
    terms = "" if shown.terms_agreed else f"; terms wait for {', '.join(shown.awaiting) or 'a case'}"
    yield f"{shown.stage}: {state}; {whom}{terms}"
    yield from (f"  {line}" for line in map(_event, course.events))
    yield from (exposed(shown.exposure) if shown.exposure is not None else ())
    yield from ([heard(shown.heard)] if shown.heard is not None else ())
    yield from map(required, shown.requirements)


def _event(each: StageEvent) -> str:
    text = f": {each.text}" if each.text and each.what == "closed" else ""
    when = each.text if each.what == "until" else wording.minute(each.at_ms)
    return f"{when} {_SAID[each.what]}{text}"


def _evidence(found: ReleaseOutlook) -> Iterator[str]:
    if found.evidence:
        yield "evidence:"
    for each in found.evidence:
        yield f"  {each.evaluation} of {each.model} by {each.party}, {wording.minute(each.at_ms)}:"
        yield f"    {each.says}"
        yield from (f"    it decides: {why}" for why in (each.decides,) if why)


def _cases(found: ReleaseOutlook) -> Iterator[str]:
    if not found.open_cases:
        yield "no open case"
        return
    yield f"{counted(found.open_cases, 'open case')}, by clock:"
    for each in found.cases:
        due = "no time runs" if each.due_ms is None else f"due {wording.minute(each.due_ms)}"
        waits = f", waits for {', '.join(each.awaiting)}" if each.awaiting else ""
        yield f"  {due}: {each.kind} {each.case} ({each.stage}), {wording.words(each.state)}{waits}"
    if len(found.cases) < found.open_cases:
        yield f"  and {found.open_cases - len(found.cases)} more: sluicegate case list"


def _directives(found: ReleaseOutlook) -> Iterator[str]:
    if found.directives:
        yield "directives in force:"
    for each in found.directives:
        yield f"  {each.directive}: {each.words}, since {wording.minute(each.since_ms)}"


def _promises(found: ReleaseOutlook) -> Iterator[str]:
    if found.promises:
        yield "promises:"
    yield from (f"  {wording.promise(each)}" for each in found.promises)
