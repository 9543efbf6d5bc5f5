"""Acts on drafts: save, edit, list, submit, discard."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import Act, ActAnswer, Arguments
from sluicegate.acts.applications import (
    APPLICANTS,
    NewApplication,
    OrganizationText,
    ProgrammeAsked,
    Submission,
    Wanted,
)
from sluicegate.acts.errors import ErrorPlace
from sluicegate.acts.fields import FileName, ReleaseName, StageName, SurfaceName
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.paging import LongPaging
from sluicegate_record.form import Json, Note, Time, form


@form
class DraftArgument(Arguments):
    """Which draft."""

    draft: Annotated[str, Note("The draft, such as draft_6n3v….")]


@form
class DraftReceipt(ActAnswer):
    """A draft, and why it could not be submitted as it stands: a sentence each."""

    draft: str
    ineligible: tuple[str, ...]


SAVE = Act(
    "draft.save",
    APPLICANTS,
    "command",
    "/api/v1/drafts",
    Submission,
    DraftReceipt,
    "Save an application without submitting it, and show what is not eligible.",
    daily("drafts"),
)


@form
class DraftEdit(DraftArgument):
    """What is to change in a draft. What is left out stays as it is."""

    release: ReleaseName | None = None
    stage: StageName | None = None
    surface: SurfaceName | None = None
    organization: OrganizationText | None = None
    file: FileName = "organization"
    programmes: Wanted | None = None


EDIT = Act(
    "draft.edit",
    APPLICANTS,
    "command",
    "/api/v1/drafts/{draft}",
    DraftEdit,
    DraftReceipt,
    "Change a draft, and show what is still not eligible. Its name stays.",
    daily("drafts"),
)


@form
class DraftView(DraftReceipt):
    """A draft as its owner sees it. `saved_by` is the name of who of its people saved it last, if known."""

    release: str
    stage: str
    surface: str
    saved_at_ms: Time
    saved_by: str | None = None


@form
class DraftFilter(LongPaging):
    """Which drafts."""


@form
class Drafts(ActAnswer):
    """A page of the caller's drafts, oldest first. `next` is the last one of this page, if there are more."""

    drafts: tuple[DraftView, ...]
    next: str | None = None


@form
class DraftFile(DraftView):
    """A draft with its organization file: its text, what that was read as, and `at`: what is wrong in it."""

    file: str
    organization: str
    programmes: tuple[ProgrammeAsked, ...]
    value: Json
    at: tuple[ErrorPlace, ...]


SHOW = Act(
    "draft.show",
    APPLICANTS,
    "question",
    "/api/v1/drafts/{draft}",
    DraftArgument,
    DraftFile,
    "Show a draft of yours: what it says, what is wrong in it, and what is not eligible.",
)
LIST = Act(
    "draft.list",
    APPLICANTS,
    "question",
    "/api/v1/drafts",
    DraftFilter,
    Drafts,
    "List your drafts.",
)
SUBMIT = Act(
    "draft.submit",
    APPLICANTS,
    "command",
    "/api/v1/drafts/{draft}/submit",
    DraftArgument,
    NewApplication,
    "Submit a draft.",
    daily("applications"),
)


@form
class DraftEnd(ActAnswer):
    """The draft that is forgotten."""

    draft: str
    discarded: bool


DISCARD = Act(
    "draft.discard",
    APPLICANTS,
    "command",
    "/api/v1/drafts/{draft}/discard",
    DraftArgument,
    DraftEnd,
    "Delete a draft.",
    ENDS,
    effect="ends",
)
