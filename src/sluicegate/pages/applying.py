"""Applying on pages: what a stage asks for, and an application in steps, kept as a draft.

Rules:
- What is written in a step goes into the draft's organization file, which the page composes: JSON, which is
  YAML. The act checks it as any other file; what is wrong stands at the fields.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from sluicegate.acts import applications, drafts, keys, releases
from sluicegate.acts.act import APPLICANT, AskAct, Nothing
from sluicegate.acts.drafts import DraftArgument, DraftFile, DraftReceipt
from sluicegate.acts.keys import KeyFilter, KeyView
from sluicegate.acts.releases import ReleaseStatus, StageStatus, Status
from sluicegate.errors import InvalidInput
from sluicegate.pages import forms, standings
from sluicegate.pages.forms import AskedField
from sluicegate.pages.page import ComposedForm, Filled, FormLook, Sending, ShowForm, SitePage, View
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Json
from sluicegate_record.log import canonical
from sluicegate_record.terms import audience
from sluicegate_record.terms.programmes import STANDARD

APPLY, DRAFTS = "/apply", "/drafts"
ONLY = frozenset({APPLICANT})
ORGANIZATION, USE, CRITERIA, REVIEW = "organization", "use", "criteria", "review"
STEPS: Mapping[str, str] = {
    ORGANIZATION: "Your organization",
    USE: "Who will use it",
    CRITERIA: "What the stage asks",
    REVIEW: "Look through and send",
}
"""The steps of an application, in order, and what they are called."""
_DIGEST = "sha256:"


class RowField(NamedTuple):
    """A field with a thing on each line, its parts separated by semicolons; `numbers` are whole numbers."""

    parts: tuple[str, ...]
    numbers: frozenset[str] = frozenset()

    def read(self, text: str) -> list[dict[str, Json]]:
        """The things on the lines of a text."""
        return [dict(self._thing(line)) for line in text.splitlines() if line.strip()]

    def _thing(self, line: str) -> Iterator[tuple[str, Json]]:
        for name, said in zip(self.parts, map(str.strip, line.split(";", len(self.parts) - 1)), strict=False):
            if said:
                is_number = name in self.numbers and said.isascii() and said.isdecimal() and len(said) < 10
                yield name, int(said) if is_number else said

    def written(self, things: Any) -> str:
        """Things as lines."""
        listed = things if isinstance(things, list) else []
        return "\n".join(
            "; ".join(str(each.get(part, "")) for part in self.parts).rstrip("; ")
            for each in listed
            if isinstance(each, dict)
        )


@dataclass(frozen=True, slots=True)
class FileField:
    """A field of an organization file on a page. `rows`: a list of things."""

    key: str
    label: str
    note: str
    step: str
    kind: forms.FieldKind = "line"
    rows: RowField | None = None
    choices: tuple[str, ...] = ()
    required: bool = False

    def asked(self, value: Json) -> AskedField:
        """The field with what is in it."""
        text = forms.written(value) if self.rows is None else self.rows.written(value)
        text = "" if value is None else text
        return AskedField(self.key, self.label, self.note, self.kind, self.required, text, self.choices)

    def read(self, text: str) -> Json:
        """What is in it; None if that is nothing."""
        if self.rows is not None:
            return self.rows.read(text) or None
        if self.kind == "lines":
            return [line for line in map(str.strip, text.splitlines()) if line] or None
        return text.replace("\r\n", "\n").strip() or None


OWNERS = RowField(("name", "registeredIn", "share"), frozenset({"share"}))
FIELDS: tuple[FileField, ...] = (
    FileField("name", "Legal name", "As it is registered.", ORGANIZATION, required=True),
    FileField("registeredIn", "Registered in", "Two letters, such as US.", ORGANIZATION, required=True),
    FileField("aliases", "Other names", "That it goes by, one on a line.", ORGANIZATION, kind="lines"),
    FileField("lei", "Legal entity identifier", "20 letters and digits.", ORGANIZATION),
    FileField(
        "registry",
        "Registers",
        "Register and number, such as US-DE 0012345, one on a line.",
        ORGANIZATION,
        kind="lines",
    ),
    FileField(
        "owners",
        "Owners",
        "One on a line: name; country; share in per cent. Such as: Example Holding; US; 60",
        ORGANIZATION,
        kind="lines",
        rows=OWNERS,
    ),
    FileField(
        "signatories",
        "Who signs for it",
        "One on a line: name; title.",
        ORGANIZATION,
        kind="lines",
        rows=RowField(("name", "title")),
    ),
    FileField(
        "sector",
        "Sector",
        "Whose loss of access comes first when a directive is previewed.",
        ORGANIZATION,
        kind="choice",
        choices=("government", "critical-infrastructure"),
    ),
    FileField("intendedUse", "What you will use it for", "", USE, kind="text"),
    FileField(
        "worksIn",
        "Where people will use it",
        "Countries, two letters each, one on a line.",
        USE,
        kind="lines",
    ),
    FileField(
        "affiliates",
        "Bodies of your group that will use it",
        "One on a line: name; country.",
        USE,
        kind="lines",
        rows=RowField(("name", "registeredIn")),
    ),
    FileField(
        "onwardAccess",
        "Who else you give access to",
        "",
        USE,
        kind="choice",
        choices=("none", "affiliates", "embedded", "resale"),
    ),
)
"""The fields of an organization file that the pages ask for, by step."""
ATTACHMENTS = FileField(
    "attachments",
    "Attachments",
    "Documents stay with you. Their names and digests are in your application, which is not public, so that "
    "what you show later is what you meant. One on a line: name; SHA-256.",
    CRITERIA,
    kind="lines",
    rows=RowField(("name", "digest")),
)
LABELS: Mapping[str, str] = {each.key: each.label for each in (*FIELDS, ATTACHMENTS)}
"""What the fields of an organization file are called for who applies."""
PROGRAMMES = FileField(
    "programmes",
    "Programmes",
    "Beside the standard ones, one on a line, such as cyber:daybreak_red.",
    USE,
    kind="lines",
)
"""What a grant is to have. It is asked for beside the file, where the release has programmes."""
NO_OWNERS = "no-owners"
"""The field that says that no one owns as much as the stage asks about: an empty list, not nothing."""


def criterion_key(at: int) -> str:
    """The field of a criterion."""
    return f"criterion-{at}"


# Pages


def _criteria(view: View[Nothing, Status]) -> Filled:
    """What a stage asks for, before someone applies."""
    release, stage = _stage(view.found, view.path["release"], view.path["stage"])
    values = {
        "release": release,
        "stage": stage,
        "rule": standings.rule(stage.rule, release.names),
        "decide": standings.rule(stage.appeal.decide, release.names),
        "eligibility": _eligibility(stage),
        "fields": [forms.again(each.asked(None), view.given) for each in FIELDS if each.required],
        "surface": AskedField(
            "surface",
            "Surface",
            "Where you will use it.",
            "choice",
            required=True,
            value=view.given.get("surface", ""),
            choices=release.surfaces,
        ),
    }
    return Filled("apply.html", values)


def _eligibility(stage: StageStatus) -> Mapping[str, Json]:
    """What is asked of applicants beside the criteria in words."""
    asked = stage.eligibility.to_json()
    return {name: value for name, value in asked.items() if name != "criteria"}


def _stage(status: Status, release: str, stage: str) -> tuple[ReleaseStatus, StageStatus]:
    for each in status.releases:
        for found in each.stages if each.release == release else ():
            if found.stage == stage and found.audience == audience.APPLICANTS and each.closed is None:
                return each, found
    said = f"no stage {release[:60]}/{stage[:60]} that takes applications"
    raise InvalidInput(said, code="stage_unknown", remedy="'Your applications' lists what you can apply for")


def _draft(view: View[DraftArgument, DraftFile]) -> Filled:
    return _drafted(view.found, view.path["step"], view.ask, view.given)


def _drafted(draft: DraftFile, step: str, ask: AskAct, given: Mapping[str, str]) -> Filled:
    """A step of a draft."""
    if step not in STEPS:
        raise InvalidInput(f"no step {step[:40]!r}", remedy=f"expected one of {', '.join(STEPS)}")
    status = ask(releases.STATUS, Nothing())
    release, stage = _stage(status, draft.release, draft.stage)
    value, here = stated(draft), f"{DRAFTS}/{draft.draft}"
    again = partial(forms.again, given=given)
    criteria = value.get("criteria")
    answers = criteria if isinstance(criteria, Mapping) else {}
    values = {
        "draft": draft,
        "release": release,
        "stage": stage,
        "step": step,
        "steps": STEPS,
        "after": _after(step),
        "value": value,
        "fields": [again(each.asked(value.get(each.key))) for each in FIELDS if each.step == step],
        "programmes": again(_programmes(release, draft)) if step == USE and release.programmes else None,
        "no_owners": NO_OWNERS in given if given else value.get("owners") == [],
        "criteria": [
            again(_criterion(at, text, answers)) for at, text in enumerate(stage.eligibility.criteria)
        ],
        "attachments": again(ATTACHMENTS.asked(value.get("attachments"))),
        "seal": sealing_to(ask, release.names, stage.agencies) if step == CRITERIA else None,
        "eligibility": _eligibility(stage),
        "faults": _by_field(draft),
        "labels": LABELS,
        "step_of": {each.key: each.step for each in (*FIELDS, ATTACHMENTS)},
        "submit": forms.form(
            drafts.SUBMIT, hidden={"draft": draft.draft}, submit="Send the application", then="/applications"
        ),
        "discard": forms.form(
            drafts.DISCARD, hidden={"draft": draft.draft}, submit="Delete this draft", then="/applications"
        ),
        "here_path": here,
    }
    return Filled("draft.html", values)


def _sent(look: FormLook) -> Filled:
    """What is wrong with a draft that was sent is said where its sender looked through it."""
    if look.fault is None or "draft" not in look.given:
        return forms.usual(drafts.SUBMIT, look)
    draft = look.ask(drafts.SHOW, DraftArgument(draft=look.given["draft"]))
    filled = _drafted(draft, REVIEW, look.ask, {})
    remedy = _REMEDIES.get(look.fault["code"], look.fault["remedy"])
    return Filled(filled.template, {**filled.values, "fault": {**look.fault, "remedy": remedy}})


_REMEDIES: Mapping[str, str] = {
    "identifiers_differ": f"state under '{STEPS[ORGANIZATION]}' what you stated before; once you have a "
    f"grant, '{forms.title(applications.AMEND)}' among all that you can do changes them"
}
"""What to do on pages about a fault, by its code, where another way is usual at the command line."""


class SealingRecipient(NamedTuple):
    """A key to which a document can be sealed, and what its party is called."""

    called: str
    key: KeyView


class SealingTo(NamedTuple):
    """Who a document can be sealed to: what they are called, and their keys."""

    parties: tuple[str, ...]
    called: str
    keys: tuple[SealingRecipient, ...]

    @property
    def given(self) -> Json:
        """What the browser seals to: the name and the key, in base64, of each."""
        return [[each.called, canonical.b64(each.key.public)] for each in self.keys]


def sealing_to(ask: AskAct, names: standings.Names, agencies: Collection[str]) -> SealingTo | None:
    """Those of some agencies that open what is sealed to a key of theirs; None without any."""
    known = ask(keys.LIST, KeyFilter()).keys
    found = [each for each in known if each.opens and each.party in agencies]
    parties = tuple(dict.fromkeys(each.party for each in found))
    called = " and ".join(standings.called(each, names) for each in parties)
    recipients = tuple(SealingRecipient(standings.called(each.party, names), each) for each in found)
    return SealingTo(parties, called, recipients) if found else None


def _programmes(release: ReleaseStatus, draft: DraftFile) -> AskedField:
    """The programmes that are asked for; the note says which there are."""
    named = ((concern, name) for concern, names in release.programmes.items() for name in names)
    there = ", ".join(f"{concern}:{name}" for concern, name in named if name != STANDARD)
    held = PROGRAMMES.asked([f"{each.concern}:{each.name}" for each in draft.programmes])
    return replace(held, note=f"{PROGRAMMES.note} There are: {there}.")


def _criterion(at: int, text: str, answers: Mapping[str, Json]) -> AskedField:
    """The field of a criterion; it is called by its own words."""
    said = answers.get(text)
    value = said if isinstance(said, str) else ""
    return AskedField(criterion_key(at), text, "", "text", required=False, value=value)


def _after(step: str) -> str:
    names = [*STEPS, REVIEW]
    return names[names.index(step) + 1]


def stated(draft: DraftFile) -> Mapping[str, Any]:
    """What a draft's organization file states, also with errors if a page composed it.

    Raises: InvalidInput: someone wrote the file, and it cannot be read.
    """
    if isinstance(draft.value, dict):
        return draft.value
    try:
        found = canonical.loads(draft.organization.encode())
    except NotCanonical:
        found = None
    if not isinstance(found, dict):
        said = "the organization file of this draft was not written here, and has errors"
        raise InvalidInput(
            said, remedy=f"correct it: sluicegate application edit {draft.draft} --organization FILE"
        )
    return found


def _by_field(draft: DraftFile) -> Mapping[str, Sequence[str]]:
    """What is wrong in the file, by the field of the page."""
    found: dict[str, list[str]] = {}
    for each in draft.at:
        key = each.field.partition(".")[0].partition("[")[0]
        found.setdefault(key, []).append(f"expected {each.expected}, found {each.found}")
    return found


# Forms


def _begun(sending: Sending) -> Mapping[str, Json]:
    """What begins a draft."""
    file = {each.key: each.read(sending.text(each.key)) for each in FIELDS if each.required}
    return {
        "release": sending.path["release"],
        "stage": sending.path["stage"],
        "surface": sending.text("surface"),
        "organization": _file(file),
    }


def _after_begun(_: Sending, done: DraftReceipt) -> str:
    return f"{DRAFTS}/{done.draft}/{ORGANIZATION}"


def _edited(sending: Sending) -> Mapping[str, Json]:
    """What changes in a draft by a step: its fields take the place of those that were there."""
    draft = sending.ask(drafts.SHOW, DraftArgument(draft=sending.path["draft"]))
    step, file = _step_of(sending), dict(stated(draft))
    for each in FIELDS:
        if each.step == step:
            file[each.key] = each.read(sending.text(each.key))
    if step == ORGANIZATION and sending.text(NO_OWNERS) and not file["owners"]:
        file["owners"] = []
    if step == CRITERIA:
        _, stage = _stage(sending.ask(releases.STATUS, Nothing()), draft.release, draft.stage)
        file["criteria"] = dict(_answered(sending, stage.eligibility.criteria)) or None
        file["attachments"] = _attached(ATTACHMENTS.read(sending.text(ATTACHMENTS.key)))
    edit: dict[str, Json] = {"draft": draft.draft, "organization": _file(file), "file": "organization"}
    if step == USE and PROGRAMMES.key in sending.sent:
        edit["programmes"] = list(_wanted(draft, sending.text(PROGRAMMES.key)))
    return edit


def _step_of(sending: Sending) -> str:
    """The step that is sent. Raises: InvalidInput: there is no such one."""
    step = sending.path["step"]
    if step not in STEPS:
        raise InvalidInput(f"no step {step[:40]!r} of an application", remedy=f"one of {', '.join(STEPS)}")
    return step


def _wanted(draft: DraftFile, text: str) -> Iterator[Json]:
    """The programmes on the lines of a text; who alone is to have one stays as it was."""
    kept = {(each.concern, each.name): list(each.holders) for each in draft.programmes}
    for line in filter(None, map(str.strip, text.splitlines())):
        concern, _, name = (part.strip() for part in line.partition(":"))
        yield {"concern": concern, "name": name, "holders": kept.get((concern, name), [])}


def _answered(sending: Sending, criteria: Iterable[str]) -> Iterator[tuple[str, str]]:
    for at, text in enumerate(criteria):
        said = sending.text(criterion_key(at)).replace("\r\n", "\n").strip()
        if said:
            yield text, said


def _attached(things: Json) -> Json:
    """Attachments, their digests as the record writes them."""
    if not isinstance(things, list):
        return None
    return [
        {**each, "digest": _DIGEST + digest} if len(digest := str(each.get("digest", ""))) == 64 else each
        for each in things
        if isinstance(each, dict)
    ]


def _after_edited(sending: Sending, _: DraftReceipt) -> str:
    return f"{DRAFTS}/{sending.path['draft']}/{_after(sending.path['step'])}"


def _file(stated: Mapping[str, Json]) -> str:
    """An organization file: a line for each field, so that faults have places."""
    return json.dumps({k: v for k, v in stated.items() if v is not None}, ensure_ascii=False, indent=1)


def apply_path(release: str, stage: str) -> str:
    """Where someone applies for a stage."""
    return f"{APPLY}/{quote(release, safe='')}/{quote(stage, safe='')}"


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage(f"{APPLY}/{{release}}/{{stage}}", releases.STATUS, _criteria, roles=ONLY),
    SitePage(f"{DRAFTS}/{{draft}}/{{step}}", drafts.SHOW, _draft, roles=ONLY),
)
FORMS: tuple[ComposedForm[Any], ...] = (
    ComposedForm(f"{APPLY}/{{release}}/{{stage}}", drafts.SAVE, _begun, _after_begun),
    ComposedForm(f"{DRAFTS}/{{draft}}/{{step}}", drafts.EDIT, _edited, _after_edited),
)
ACTS: Mapping[str, ShowForm] = {drafts.SUBMIT.name: _sent}
"""The acts that have a page of their own."""
