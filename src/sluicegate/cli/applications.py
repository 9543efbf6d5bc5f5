"""`application`, `nomination`: apply, follow an application, and hope for one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import applications as acts
from sluicegate.acts import cases as of_case
from sluicegate.acts import drafts as of_draft
from sluicegate.acts.applications import (
    AnswerReceipt,
    NewAppeal,
    NewApplication,
    Nominations,
    ProgrammeAsked,
    ReplyReceipt,
    SeatReceipt,
    Submission,
)
from sluicegate.acts.cases import CaseView
from sluicegate.acts.drafts import DraftArgument, DraftFile, DraftReceipt, Drafts
from sluicegate.cli import wording
from sluicegate.cli.acting import Given, acting, helped, option, written
from sluicegate.cli.confirmation import Yes, read_first
from sluicegate.cli.files import read_text
from sluicegate.cli.listing import Columns, listing
from sluicegate.cli.output import Json, emit, tell
from sluicegate.client.http import Client
from sluicegate.core.people.persons import identifier
from sluicegate.errors import WrongUsage
from sluicegate_record.form import Misread
from sluicegate_record.log import times

TEMPLATE = Path(__file__).with_name("organization.yaml")
"""An organization file with every field, which comes with the package."""


def _ending(case: CaseView) -> str:
    """What withdrawing an application does."""
    whose = f" of {case.organization}" if case.organization else ""
    return f"{case.kind} case {case.case}{whose}, {case.release}/{case.stage}, ends: no one decides it"


def _opened(done: NewApplication, what: str = "application") -> str:
    text = f"{what} {done.application} is {wording.words(done.state)}"
    return f"{text}\n  follow it: sluicegate application show {done.application}"


def _sending(release: str, stage: str, surface: str) -> str:
    """What sending an application does."""
    return f"the application for {release}/{stage} on {surface} goes to the developer and to those who decide"


def _saved(done: DraftReceipt) -> str:
    lines = [f"{done.draft} is saved; only you can see it"]
    if not done.ineligible:
        return "\n".join([*lines, f"  submit it: sluicegate application send {done.draft}"])
    lines += [f"  not eligible: {why}" for why in done.ineligible]
    lines.append(f"  correct it: sluicegate application edit {done.draft} --organization FILE")
    return "\n".join(lines)


def _drafts(found: Drafts) -> list[list[str]]:
    return [
        [
            each.draft,
            f"{each.release}/{each.stage}",
            each.surface,
            times.format_time(each.saved_at_ms),
            "; ".join(each.ineligible),
        ]
        for each in found.drafts
    ]


def _file(found: DraftFile) -> str:
    """A draft as the file that it would be sent with, and what is wrong in it."""
    about = f"{found.draft}: {found.release}/{found.stage} on {found.surface}"
    return "\n".join(
        [about, *(f"  not eligible: {why}" for why in found.ineligible), found.organization.rstrip()]
    )


def _sending_draft(found: DraftFile) -> str:
    return _sending(found.release, found.stage, found.surface)


def _answered(done: AnswerReceipt) -> str:
    due = "" if done.due_ms is None else f", whose answer is now due {times.format_time(done.due_ms)}"
    return f"answered {done.agency}{due}"


def _taken(done: SeatReceipt) -> str:
    next_ = f"sluicegate credential issue --grant {done.grant}"
    return f"{done.determination}: grant {done.grant}\n  next: {next_}"


def _reply(done: ReplyReceipt) -> str:
    until = times.format_time(done.reviewed_until_ms)
    return f"your reply is in {done.case}; it is reviewed until {until}"


def _appeal(done: NewAppeal) -> str:
    lines = [f"appeal {done.case}", f"  follow it: sluicegate application show {done.case}"]
    if done.no_grant is not None:
        lines.append(f"  it is heard for the record, and no grant comes back: {done.no_grant}")
    lines += [f"  no one can decide it now: {why}" for why in done.unheard]
    return "\n".join(lines)


def _nominations(found: Nominations) -> list[list[str | None]]:
    return [
        [
            each.nomination,
            f"{each.release}/{each.stage}",
            each.organization,
            each.invited,
            ", ".join(each.applied),
        ]
        for each in found.nominations
    ]


def _wanted(given: list[str]) -> dict[str, Any]:
    """The programmes that are typed; `standard` alone means no other one."""
    return {"programmes": tuple(map(_programme, given if given != ["standard"] else []))}


def _programme(given: str) -> ProgrammeAsked:
    """A programme, such as `cyber:daybreak_red`, and who alone is to have it: members, or user profiles, of
    whose ids the control plane gets digests alone.
    """
    asked, _, holders = given.partition("@")
    concern, _, name = asked.partition(":")
    if not concern.strip() or not name.strip():
        raise WrongUsage(
            f"no programme {given[:80]!r}, expected such as cyber:daybreak_red",
            remedy="'sluicegate status' shows the programmes of each release",
        )
    each = (text.strip() for text in holders.split(",") if text.strip())
    who = tuple(text if text.startswith("mem_") else identifier(text).hex() for text in each)
    try:
        return ProgrammeAsked.from_json(
            {"concern": concern.strip(), "name": name.strip(), "holders": list(who)}
        )
    except Misread as error:
        raise WrongUsage(f"no programme {given[:80]!r}: {error.message}") from None


amend = acting(
    acts.AMEND,
    lambda done: _opened(done, "amendment"),
    organization=written("--organization", "organization"),
    programmes=Given("--programme", list[str], _wanted),
)
nominate = acting(
    acts.NOMINATE,
    lambda done: f"nomination {done.nomination}: the organization must still apply",
    organization=written("--organization", "organization"),
)
DRAFTS = ("draft", "stage", "surface", "saved", "not eligible")
NOMINATED = ("nomination", "stage", "organization", "invited", "applied")
drafts = listing(of_draft.LIST, Columns(DRAFTS, _drafts, "No draft."))
draft = acting(of_draft.SHOW, _file)
edit = acting(
    of_draft.EDIT,
    _saved,
    organization=written("--organization", "organization"),
    programmes=Given("--programme", list[str], _wanted),
)
send = acting(
    of_draft.SUBMIT,
    _opened,
    first=lambda client, asked: _sending_draft(client.do(of_draft.SHOW, DraftArgument(draft=asked.draft))),
)
discard = acting(
    of_draft.DISCARD,
    lambda done: f"{done.draft} is discarded",
    first=lambda _, asked: f"draft {asked.draft} is deleted",
)
answer = acting(acts.ANSWER, _answered, agency="--to")
accept = acting(acts.ACCEPT, _taken)
withdraw = acting(
    acts.WITHDRAW,
    lambda done: f"{done.case} is withdrawn",
    first=lambda client, asked: _ending(client.do(of_case.SHOW, of_case.CaseArgument(case=asked.case))),
)
reply = acting(acts.REPLY, _reply)
appeal = acting(acts.APPEAL, _appeal)
return_ = acting(acts.RETURN, lambda done: f"{done.case} is returned without action")
nominations = listing(acts.NOMINATIONS, Columns(NOMINATED, _nominations, "No organization is nominated."))


def template(as_json: Json = False) -> None:
    """Print an organization file, so that you can save it and fill it in."""
    text = read_text(TEMPLATE)
    emit({"template": text}, as_json, text.rstrip("\n"))


@helped(acts.SUBMIT)
def submit(
    release: Annotated[str, option(Submission, "release")],
    stage: Annotated[str, option(Submission, "stage")],
    surface: Annotated[str, option(Submission, "surface")],
    organization: Annotated[Path, option(Submission, "organization")],
    programme: Annotated[list[str] | None, option(Submission, "programmes")] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Save it without submitting it, and show what is not eligible.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    asked = Submission(
        release=release,
        stage=stage,
        surface=surface,
        organization=read_text(organization),
        file=str(organization),
        **_wanted(programme or []),
    )
    if draft:
        kept = Client().do(of_draft.SAVE, asked)
        tell(kept, as_json, _saved(kept))
        return
    if not yes:
        asks = [f"programme {each}" for each in programme or ()]
        shown = "\n".join([asked.organization.rstrip(), *asks])
        read_first(shown, yes, as_json, _sending(release, stage, surface))
    done = Client().do(acts.SUBMIT, asked)
    tell(done, as_json, f"{_opened(done)}\n  get notices about it: sluicegate notify add -h")
