"""Orders that officers sign on pages: a directive as it was written, its names beside it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from sluicegate.acts import directives, keys, log
from sluicegate.acts.act import Nothing
from sluicegate.acts.directives import AnnexNames, DirectiveArgument, DirectiveText, SignedDirective
from sluicegate.acts.fields import Day, text
from sluicegate.acts.keys import KeyFilter
from sluicegate.core.directives import annex, directive
from sluicegate.core.people.persons import Definition
from sluicegate.errors import InvalidInput
from sluicegate.pages import words
from sluicegate.pages.page import AskAct
from sluicegate.pages.statements.kind import Making, OfficerStatement, Wording, options, present, read
from sluicegate.ports import UnsignedStatement
from sluicegate_record.directives.document import Document
from sluicegate_record.directives.phrases import covered
from sluicegate_record.directives.received import NOTE_MAX, Arrival
from sluicegate_record.entities.key import OFFICERS
from sluicegate_record.form import Json, Note, form
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.terms import phrases
from sluicegate_record.terms.text import counted, quoted

How = Annotated[str, Note("letter | call | meeting | message")]
On = Annotated[Day, Note("On which day, such as 2026-06-12.")]
LetterDigest = Annotated[
    str,
    text(0, 71),
    Note("Of the letter as it was received: sha256: and 64 hex digits, as sha256sum prints."),
]
SaidNote = Annotated[str, text(0, NOTE_MAX), Note("Or what was said.")]
"""How the word of someone else arrived, which officers write down."""


@form
class OrderWord(DirectiveText):
    """An order as it was written, with its annexes; how it arrived, if it is of someone else."""

    how: How = ""
    on: On = ""
    digest: LetterDigest = ""
    note: SaidNote = ""
    drill: Annotated[bool, Note("As a drill, which refuses no request.")] = False


def arrival(said: Any) -> Arrival | None:
    """How a word arrived, as a form says it; None if it says nothing. Raises: InvalidInput."""
    given = present(how=said.how, on=said.on, digest=said.digest, note=said.note)
    return read(Arrival, given) if given else None


def _directive(making: Making) -> UnsignedStatement:
    given, said = making.order, making.said
    received = arrival(said)
    if received is None:
        _check_own(given["spec"]["issuer"], making.ask(keys.LIST, KeyFilter(state="counts")).developer)
    replaced = given["metadata"].get("replaces")
    if replaced is not None:
        replaced = making.ask(directives.SHOW, DirectiveArgument(directive=replaced)).document.digest
    if said.drill:
        at = datetime.fromtimestamp(making.now_ms / 1_000, UTC)
        called = directive.drill_name(given["metadata"]["name"], at)
        given = {**given, "metadata": {"name": called, "drill": True}}
    known = making.ask(directives.DEFINITIONS, Nothing()).definitions
    signing = directive.Signing(
        making.ask(log.HEAD, Nothing()).vkey,
        lambda: secrets.token_bytes(32),
        annex.checked(given, {name: _names_in(each) for name, each in said.annexes.items()}),
        {each.definition: Definition(each.definition, each.statuses, each.source) for each in known},
        replaced,
        None if received is None else {key: str(each) for key, each in received.to_json().items()},
    )
    document, opened = directive.to_sign(given, signing)
    return UnsignedStatement(DirectiveStatement(document=document.to_json()), opened)


def _check_own(issuer: str, developer: str) -> None:
    """Check that officers sign an order as their own. Raises: InvalidInput: it is of someone else."""
    if issuer != developer:
        raise InvalidInput(
            f"this order is of {issuer}, and how it arrived is not said: two officers write it down",
            code="arrival_missing",
            remedy="fill in how it arrived, on which day, and the letter's digest or what was said",
        )


def _names_in(each: AnnexNames) -> dict[str, list[str]]:
    return {key: list(names) for key, names in each.to_json().items() if isinstance(names, list)}


def needed(said: DirectiveStatement, _: AskAct, __: Collection[str]) -> int:
    """How many officers sign a directive: two write down what came from someone else."""
    return 1 if Document.check(said.document).metadata.transcribed is None else OFFICERS


_METADATA_SAID = frozenset(
    {
        ("name",),
        ("drill",),
        *(("replaces", each) for each in ("directive", "document")),
        *(("transcribed", each) for each in ("how", "on", "digest", "note")),
    }
)
_SPEC_SAID = frozenset(
    {
        *((each,) for each in ("issuer", "action", "models", "surfaces", "liftedBy", "licensedBy")),
        *(("basis", each) for each in ("kind", "authority")),
        *((part, each) for part in ("covers", "except") for each in ("annexes", "registeredIn")),
        *((part, "organizations", "count") for part in ("covers", "except")),
        *(
            (part, "persons", each)
            for part in ("covers", "except")
            for each in ("count", "definition", "statuses")
        ),
    }
)
"""The fields of a directive that its sentences name. Every other one is listed."""


def _directs(said: DirectiveStatement, wording: Wording) -> Iterator[str]:
    found = Document.check(said.document)
    spec, metadata = found.spec, found.metadata
    what = "drill, which refuses no request," if metadata.drill else "directive"
    does = f"{spec.issuer} {spec.action}s {', '.join(spec.models)}"
    yield f"You put the {what} {metadata.name} in force: {does}."
    where = "on all surfaces" if spec.surfaces == "all" else f"on the surfaces {', '.join(spec.surfaces)}"
    excepted = "" if spec.except_ is None else f", except {covered(spec.except_)}"
    yield f"It covers {covered(spec.covers)}{excepted}, {where}."
    if found.replaces is not None:
        yield f"It takes the place of {found.replaces.directive}, with the digest {found.replaces.document}."
    yield from _names(said.document, wording.opened)
    yield f"Its basis: {spec.basis.kind}, {quoted(spec.basis.authority)}."
    yield f"It can be lifted by {phrases.rule(spec.lifted_by)}."
    yield f"Licences from it are given by {phrases.rule(spec.licensing)}."
    if isinstance(metadata.transcribed, Arrival):
        yield f"You write down what came as a {_arrived(metadata.transcribed)}. Two officers sign it."
    yield from rest(said.document)


def rest(document: Mapping[str, Json]) -> Iterator[str]:
    """The fields of a directive that its sentences do not name, each as label and value."""
    yield from words.fields(document["spec"], _SPEC_SAID)
    yield from words.fields(document["metadata"], _METADATA_SAID)
    yield from words.fields(document, {("apiVersion",), ("kind",), ("metadata",), ("spec",)})


def _arrived(said: Arrival) -> str:
    parts = [f"{said.how} of {said.on}"]
    parts += [f"with the digest {said.digest}"] if said.digest else []
    parts += [f"of which was noted: {quoted(said.note)}"] if said.note else []
    return ", ".join(parts)


def _names(document: Json, opened: Mapping[str, Opening]) -> Iterator[str]:
    """The names beside a document. Raises: InvalidInput: the document commits to other ones."""
    committed = canonical.dumps(document).decode()
    for name, opening in sorted(opened.items()):
        if f'"{opening.commitment("sealed", name)}"' not in committed:
            raise InvalidInput(f"{name}: other names than the order commits to", code="opening_differs")
        listed = list(_flat(opening.value()))
        where = name.replace(".", ", ")
        yield f"{where}: {counted(len(listed), 'name')}, not public: {'; '.join(map(quoted, listed))}"


def _flat(value: Json) -> Iterator[str]:
    """The texts in lists and objects of lists."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _flat(each)
    else:
        yield str(value)


def _command(said: DirectiveStatement) -> str:
    metadata = Document.check(said.document).metadata
    received = metadata.transcribed
    if not isinstance(received, Arrival):
        word = "drill run" if metadata.drill else "directive issue"
        return f"sluicegate {word} FILE --key officer.pem"
    given = " --document LETTER" if received.digest else " --note TEXT"
    given += options({"how": received.how, "on": received.on})
    if metadata.drill:
        sign = (
            f"sluicegate directive sign FILE --drill{given} --key first.pem --key second.pem -o signed.json"
        )
        return f"{sign}; sluicegate drill run signed.json"
    return f"sluicegate directive transcribe FILE{given} --key first.pem --key second.pem"


DIRECTIVE = OfficerStatement(
    "directive",
    "Write down an order",
    DirectiveStatement,
    OrderWord,
    _directive,
    _directs,
    directives.ISSUE,
    lambda said: f"/directives/{said.document['metadata']['name']}",
    _command,
    asked=lambda envelope, opened: SignedDirective(envelope=envelope, opened=opened),
    needed=needed,
    page="/order",
)
