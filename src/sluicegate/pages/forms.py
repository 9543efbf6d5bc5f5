"""A form for an act, made from its row: its fields, what they are for, and what was sent back in them.

Rules:
- A form asks for what the row of its act has. What it sends is read by that row, as
  strictly as a request to the API.
- What is wrong in a field is said at that field, with what was written in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from markupsafe import Markup

from sluicegate.acts.act import AnyAct, Arguments, AskAct
from sluicegate.acts.listed import with_list
from sluicegate.acts.sheets import SheetField, sheet_of
from sluicegate.acts.table import ACTS
from sluicegate.errors import InvalidInput, Place, wrong_field
from sluicegate.pages import known, sheets
from sluicegate.pages.known import NOTHING_KNOWN, KnownThings
from sluicegate.pages.page import Filled, FormLook, Reader, Sent
from sluicegate.pages.sheets import SheetTable
from sluicegate.parsing.request import ActRequest, UnreadJson
from sluicegate.parsing.request import written as request_of
from sluicegate.statements.words import label
from sluicegate_record.form import FormField, Json, shape_of

FormFault = Mapping[str, Any]
"""Why a form was refused, as `answers.fault` gives it."""
FieldKind = Literal["line", "text", "number", "yes", "choice", "date", "lines", "json"]
LINE_MAX = 200
"""Texts that may be longer have a field of several lines."""
DOCUMENT_FROM = 50_000
"""Texts that may be as long as this are documents."""
_CHOICE = re.compile(r"[\w-]+( \| [\w-]+)+")
_TITLE = re.compile(r"[.;:](?= |$)")
"""What ends the title in the help of an act."""
_COMMAND = re.compile(r"'sluicegate ([a-z-]+)(?: ([a-z-]+))?(?=[ '])[^'\n]*'")
"""A command of the command line within a text: its one or two words, and what follows them."""
_COMMANDS = {
    "status": "release.list",
    "application drafts": "draft.list",
    "notify list": "subscription.list",
    "notify dead": "subscription.dead",
}
"""The acts of commands that have another name than their act."""
_FAMILIES = {
    "clearance": "Requirements and reports",
    "definition": "Words of orders",
    "designation": "Judgements on models",
    "id": "Ids",
    "keys": "Signing keys",
    "licence": "Licences: exceptions from directives",
    "list": "Screening lists",
    "observation": "What surfaces answer",
    "point": "Points where others enforce",
    "position": "Signed files",
    "token": "Tokens",
}
"""What families of acts are called on pages, where the word in their names does not say it."""
TAKEN = "_taken"
"""The field of a page that has the digest of the file that a sheet was taken from, until it is changed."""
_OF_FILES = {"file", TAKEN[1:]}
"""What a form says of the files of its texts, for which it does not ask."""


@dataclass(frozen=True, slots=True)
class AskedField:
    """One field of a form. `value` is what is in it; `most` how many characters it takes at most;
    `offer` what it can name; `sheet` what a sheet in it has, if it takes one; `faults` what is wrong in it.
    """

    key: str
    label: str
    note: str
    kind: FieldKind
    required: bool
    value: str
    choices: tuple[str, ...] = ()
    most: int | None = None
    offer: KnownThings = NOTHING_KNOWN
    sheet: SheetField | None = None
    faults: tuple[str, ...] = ()

    @property
    def table(self) -> SheetTable | None:
        """The sheet in it as a table, if there is one."""
        return None if self.sheet is None or _is_json(self.value) else sheets.table(self.value)

    @property
    def is_document(self) -> bool:
        """Whether a whole document is written in it."""
        return (self.most or 0) >= DOCUMENT_FROM


def addressed(given: Sent) -> Sent:
    """What an address fills in of a form: no digest of a file, which only the page that takes one knows."""
    return {key: each for key, each in given.items() if key != TAKEN}


def asked(
    act: AnyAct, values: Mapping[str, str] | None = None, fault: FormFault | None = None
) -> tuple[AskedField, ...]:
    """The fields of the form of an act, with some values, and what is wrong in them."""
    return fields_of(act.asked, values or {}, fault)


def lacking(act: AnyAct, given: Sent) -> tuple[str, ...]:
    """What is still to be filled in before an act can be asked: the labels of its fields."""
    return tuple(
        each.label for each in asked(act) if each.required and not "".join(given.get(each.key, ())).strip()
    )


def fields_of(
    asked: type[Arguments], values: Mapping[str, str], fault: FormFault | None = None
) -> tuple[AskedField, ...]:
    """The fields of a form, with some values, and what is wrong in them."""
    return tuple(
        _field(each, values.get(each.key, ""), fault)
        for each in shape_of(asked).fields
        if each.key not in _OF_FILES
    )


@dataclass(frozen=True, slots=True)
class ActForm:
    """The form of an act within a page. `hidden` are the fields that the page has filled in.

    `then` is where to go when it is done; empty: a page with what the act answers. `ends`: it ends something.
    `fault` is why it was refused, without the places that are in its fields.
    """

    act: str
    asks: bool
    fields: tuple[AskedField, ...]
    hidden: Mapping[str, str]
    submit: str
    then: str
    ends: bool
    fault: FormFault | None = None


def form(  # noqa: PLR0913 - what a page knows better than the row of the act
    act: AnyAct,
    values: Mapping[str, str] | None = None,
    *,
    hidden: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    labels: Mapping[str, str] | None = None,
    submit: str = "",
    then: str = "",
    fault: FormFault | None = None,
) -> ActForm:
    """The form of an act; `only` are the fields that it shows, if it does not show all, and `labels` what
    the page calls some. `fault` is why it was refused: what is in a field is said there.
    """
    kept, called = hidden or {}, labels or {}
    fields = tuple(
        replace(each, label=called.get(each.key, each.label))
        for each in asked(act, values, fault)
        if each.key not in kept and (only is None or each.key in only or each.required)
    )
    return ActForm(
        act.name,
        act.kind == "question",
        fields,
        kept,
        submit or title(act),
        then,
        act.ends,
        elsewhere(fields, fault),
    )


def offering(fields: Iterable[AskedField], ask: AskAct, act: AnyAct | None = None) -> tuple[AskedField, ...]:
    """Some fields, of an act if one is said, each with what it can name, as far as who asks may know it."""
    shown = tuple(fields)
    offers = known.offers((each.key for each in shown if each.kind == "line"), ask, act)
    return tuple(replace(each, offer=offers.get(each.key, NOTHING_KNOWN)) for each in shown)


def elsewhere(fields: Iterable[AskedField], fault: FormFault | None) -> FormFault | None:
    """Why a form was refused, with the places in its text alone, without those that are in its fields."""
    keys = {each.key for each in fields}
    return fault and {**fault, "at": [each for each in fault["at"] if each.line and each.file not in keys]}


def wrong_at(place: Place) -> str:
    """What is wrong at a place in a field."""
    where = f"line {place.line}, column {place.column}: " if place.line else ""
    part = "" if place.line else place.field.removeprefix(place.file).removeprefix(".")
    return f"{where or (part and f'{part}: ')}expected {place.expected}, found {place.found}"


def again(field: AskedField, given: Mapping[str, str]) -> AskedField:
    """A field with what was written in it, if its form was refused."""
    return replace(field, value=given[field.key]) if field.key in given else field


def title(act: AnyAct) -> str:
    """What an act is called on a page: the first part of its help, such as `Answer an agency's question`."""
    return _TITLE.split(act.help, maxsplit=1)[0]


def rest(act: AnyAct) -> str:
    """What its help says beside that; empty if nothing."""
    return act.help.removeprefix(title(act)).lstrip(".;: ")


def on_pages(text: str) -> Markup:
    """A text that names commands, as a page says it: by what each does, with its page."""
    found, at = Markup(""), 0
    for each in _COMMAND.finditer(text):
        act = _act_of(f"{each[1]} {each[2]}") or _act_of(each[1])
        if act is not None:
            link = Markup('<a href="/acts/{}">{}</a>').format(act.name, title(act))
            found, at = found + text[at : each.start()] + link, each.end()
    return found + text[at:]


def _act_of(command: str) -> AnyAct | None:
    """The act of a command, by its words."""
    return ACTS.get(_COMMANDS.get(command, command.replace(" ", ".")))


def families(acts: Iterable[AnyAct], reader: Reader) -> Mapping[str, Sequence[AnyAct]]:
    """What a reader may do, by family."""
    found: dict[str, list[AnyAct]] = {}
    for act in acts:
        if reader.may(act):
            family = act.name.partition(".")[0]
            named = _FAMILIES.get(family, family.replace("-", " ").capitalize())
            found.setdefault(named, []).append(act)
    return found


def said(asked: type[Arguments], sent: Mapping[str, Sequence[str]]) -> dict[str, Json]:
    """What a form says, which becomes one of `asked`. Fields that were left empty are left out. A sheet
    and JSON stay texts, which `parsing` reads.

    Raises: InvalidInput: a field that is not asked for.
    """
    known = {each.key: _field(each, "", None) for each in shape_of(asked).fields}
    for key in sent:
        if key not in known:
            raise InvalidInput(f"{key[:80]}: this form does not ask for it")
    return dict(_stated(known, sent))


def _stated(known: Mapping[str, AskedField], sent: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Json]]:
    for key, (first, *more) in sent.items():
        field = known[key]
        if more and field.kind != "lines":
            raise wrong_field(key, "one value", "several")
        if first.strip() or more or (field.required and field.kind in {"line", "text"}):
            yield key, _value(field, [first, *more])


def _value(field: AskedField, given: Sequence[str]) -> Json:
    first = given[0]
    match field.kind:
        case "number":
            text = first.strip()
            return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 20 else text
        case "yes":
            return first == "yes"
        case "lines":
            return [line for each in given for line in map(str.strip, each.splitlines()) if line]
        case "json":
            return first if field.sheet is not None and not _is_json(first) else UnreadJson(first)
        case "text":
            return first.replace("\r\n", "\n")
        case _:
            return first.strip()


def _is_json(text: str) -> bool:
    """Whether a text is meant as a list or an object of JSON, not as a sheet."""
    return text.lstrip()[:1] in {"{", "["}


def request(act: AnyAct, sent: Mapping[str, Sequence[str]]) -> tuple[ActRequest, bytes]:
    """The request that a form for an act makes, and its body. Raises: as `said`."""
    return request_of(act, said(act.asked, sent))


def _field(each: FormField, value: str, fault: FormFault | None) -> AskedField:
    schema = _plain(each.codec.schema)
    kind, choices = _kind(schema, each.note)
    sheet = sheet_of(each)
    most = schema.get("maxLength")
    faults = tuple(wrong_at(place) for place in (fault or {}).get("at", ()) if place.file == each.key)
    note = with_list(each.key, each.note)
    stated = (each.key, label(each.key), note, kind, each.is_required, value)
    return AskedField(*stated, choices, most, sheet=sheet, faults=faults)


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without null, if it allows that and one other thing."""
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return others[0] if len(others) == 1 else schema


def _kind(schema: Mapping[str, Any], note: str) -> tuple[FieldKind, tuple[str, ...]]:
    choices = tuple(note.split(" | ")) if _CHOICE.fullmatch(note) else tuple(schema.get("enum", ()))
    match schema.get("type"):
        case "string" | None if choices:
            return "choice", choices
        case "string":
            return _text_kind(schema), ()
        case "integer" | "number":
            return "number", ()
        case "boolean":
            return "yes", ()
        case "array" if _plain(schema.get("items", {})).get("type") == "string":
            return "lines", ()
        case _:
            return "json", ()


def _text_kind(schema: Mapping[str, Any]) -> FieldKind:
    if schema.get("format") == "date":
        return "date"
    return "text" if schema.get("maxLength", LINE_MAX) > LINE_MAX else "line"


def written(value: Json) -> str:
    """A value as it is in a field."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def usual(act: AnyAct, look: FormLook) -> Filled:
    """The usual page of an act: its form, or what it answered; after a question its form, too."""
    made = form(act, look.given, fault=look.fault)
    if look.answer is None or is_asked_again(act):
        made = replace(made, fields=offering(made.fields, look.ask, act))
    values = {"act": act, "form": made}
    if look.answer is None:
        return Filled("act.html", {**values, "fault": made.fault}, is_written=True)
    return Filled("acted.html", {**values, "answer": look.answer.to_json(), "again": is_asked_again(act)})


def is_asked_again(act: AnyAct) -> bool:
    """Whether what an act answers has its form beside it: it changes nothing."""
    return act.kind in {"question", "look"}
