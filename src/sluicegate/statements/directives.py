"""Orders: a directive as it was written, bound to its log, with its names beside it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from sluicegate.acts import directives
from sluicegate.acts.act import AskAct, Nothing
from sluicegate.acts.directives import AnnexNames, DirectiveArgument, DirectiveText, SignedDirective
from sluicegate.acts.fields import text
from sluicegate.core.directives import annex, directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.people.legal_names import names_of
from sluicegate.core.people.persons import DEFINITIONS, Definition
from sluicegate.errors import InvalidInput, Place
from sluicegate.statements import words
from sluicegate.statements.kind import (
    How,
    LetterDigest,
    Making,
    On,
    ReadText,
    SaidNote,
    StatementKind,
    UnsignedStatement,
    Wording,
    arrival,
    developer,
    head,
    options,
)
from sluicegate_record.directives.document import DirectiveSpec, Document
from sluicegate_record.directives.phrases import covered
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.form import Json, Note, form
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.terms import phrases
from sluicegate_record.terms.text import counted, quoted

_NOT_COMPARED = "not compared"
"""Under what is kept, beside what opens the commitments of an order, which of its annexes were not compared
with the digests that it states. It opens nothing, and goes no further than the page on which one signs.
"""


@form
class OrderWord(DirectiveText):
    """An order as it was written, with its annexes; how it arrived, if it is of someone else."""

    how: How = ""
    on: On = ""
    digest: LetterDigest = ""
    note: SaidNote = ""
    drill: Annotated[bool, Note("As a drill, which refuses no request.")] = False
    taken: Annotated[str, text(0, 71), Note("The digest of the file that the names were taken from.")] = ""


class OrderRead(NamedTuple):
    """What a form says, and the order in it as it was read."""

    word: OrderWord
    order: dict[str, Any]


def _bound(ask: AskAct, said: OrderRead) -> Signing:
    word, given = said
    received = arrival(word)
    if received is None:
        _check_own(given["spec"]["issuer"], developer(ask))
    annexes = annex.checked(given, {name: _names_in(each) for name, each in word.annexes.items()})
    how = None if received is None else {key: str(each) for key, each in received.to_json().items()}
    return bound(ask, given, annexes, how)


def _directive(making: Making) -> UnsignedStatement:
    word, given = making.said
    made = order(as_drill(given, making.now_ms) if word.drill else given, making.found)
    if not (stated := not_compared(given, word.taken)):
        return made
    return replace(made, opened={**made.opened, _NOT_COMPARED: Opening(b"", canonical.dumps(stated))})


def not_compared(given: Mapping[str, Any], taken: str) -> dict[str, str]:
    """The annexes of a written directive, each with the digest that it states for it, that were not compared
    with what is beside it. `taken` is the digest of the file that the names were taken from; empty: of none.

    Raises: InvalidInput: it is another file than the directive states.
    """
    stated = {name: str(each["digest"]) for name, each in (given["spec"].get("annexes") or {}).items()}
    if not taken or len(stated) != 1:
        return stated
    [(name, digest)] = stated.items()
    if taken != digest:
        expected = f"the file that the order states as {name}, with the digest {digest}"
        place = Place("annexes", 0, 0, expected, f"one with the digest {taken}")
        raise InvalidInput(
            str(place),
            code="digest_differs",
            at=[place],
            remedy="take the file that the order states, or put the digest of the file that is meant into it",
        )
    return {}


def said_not_compared(stated: Mapping[str, str]) -> Iterator[str]:
    """What is said of annexes that were not compared with the digests that their order states."""
    for name, digest in sorted(stated.items()):
        yield (
            f"The order states the list {name} with the digest {digest}."
            " What was written here as its names was not compared with that."
        )


def bound(
    ask: AskAct,
    given: Mapping[str, Any],
    annexes: Mapping[str, Mapping[str, list[str]]],
    received: Mapping[str, str] | None = None,
    log: str = "",
) -> Signing:
    """What a written directive is bound to: its log, what it replaces, and what its words mean.

    `annexes` are the names in its files; `received` says how it arrived, if officers transcribe it.
    """
    replaced = given["metadata"].get("replaces")
    if replaced is not None:
        replaced = ask(directives.SHOW, DirectiveArgument(directive=replaced)).document.digest
    known = _definitions(ask, given)
    return Signing(log or head(ask), salt, annexes, known, replaced, received)


def salt() -> bytes:
    """32 fresh random bytes."""
    return secrets.token_bytes(32)


def _definitions(ask: AskAct, given: Mapping[str, Any]) -> dict[str, Definition]:
    """The definitions on the record, if a directive uses one that not every build has."""
    stated = [given["spec"].get(part) for part in ("covers", "except")]
    wanted = {
        who["persons"]["definition"]
        for who in stated
        if isinstance(who, dict) and isinstance(who.get("persons"), dict)
    }
    if wanted <= DEFINITIONS.keys():
        return {}
    found = ask(directives.DEFINITIONS, Nothing()).definitions
    return {each.definition: Definition(each.definition, each.statuses, each.source) for each in found}


def order(given: dict[str, Any], signing: Signing) -> UnsignedStatement:
    """A written directive as it is signed: the names in it are beside it.

    Requires: `given` is what `core.directives.directive.read` returned. Raises: as `directive.to_sign`.
    """
    document, opened = directive.to_sign(given, signing)
    return UnsignedStatement(DirectiveStatement(document=document.to_json()), opened)


def as_drill(given: dict[str, Any], now_ms: int, name: str = "") -> dict[str, Any]:
    """A written directive as a drill, by a name of its own or one by the time."""
    at = datetime.fromtimestamp(now_ms / 1_000, UTC)
    called = name or directive.drill_name(given["metadata"]["name"], at)
    return {**given, "metadata": {"name": called, "drill": True}}


def recorded(envelope: Json, opened: Mapping[str, Opening]) -> SignedDirective:
    """What is asked to put a signed directive on the record."""
    return SignedDirective(envelope=envelope, opened=_opening(opened))


def _opening(opened: Mapping[str, Opening]) -> dict[str, Opening]:
    """What opens commitments, of what is kept beside a directive."""
    return {name: each for name, each in opened.items() if name != _NOT_COMPARED}


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
    return 1 if Document.check(said.document).metadata.transcribed is None else OWNERS_TOGETHER


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
        *((each,) for each in ("effective", "expires", "drain")),
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
    yield _time(spec)
    if found.replaces is not None:
        yield f"It takes the place of {found.replaces.directive}, with the digest {found.replaces.document}."
    yield from _names(said.document, _opening(wording.opened))
    if _NOT_COMPARED in wording.opened:
        yield from said_not_compared(wording.opened[_NOT_COMPARED].value())
    yield f"Its basis: {spec.basis.kind}, {quoted(spec.basis.authority)}."
    yield f"It can be lifted by {phrases.rule(spec.lifted_by)}."
    yield f"Licences from it are given by {phrases.rule(spec.licensing)}."
    if isinstance(metadata.transcribed, Arrival):
        yield f"You write down what came as a {_arrived(metadata.transcribed)}. Two officers sign it."
    yield from rest(said.document)


def _time(spec: DirectiveSpec) -> str:
    """From when until when a directive narrows access, and what happens to streams that are open then."""
    begins = "at once" if spec.effective_ms is None else f"from {words.exactly(spec.effective_ms)}"
    ends = "" if spec.expires_ms is None else f", and ends by itself at {words.exactly(spec.expires_ms)}"
    seconds = spec.drain_ms // 1_000
    streams = f"may go on for {counted(seconds, 'second')}" if seconds else "are cut then"
    return f"It is in force {begins}{ends}. Streams that are open {streams}."


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
        yield f"{where}: {counted(len(listed), 'name')}, not public: {'; '.join(map(_listed, listed))}"


def _listed(row: str) -> str:
    """A row of a list, in words: by which name, and by which others, it says one organization."""
    first, *others = map(quoted, names_of(row))
    return f"{first} (also {', '.join(others)})" if others else first


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


DIRECTIVE = StatementKind(
    name="directive",
    title="Write down an order",
    kind=DirectiveStatement,
    asks=OrderWord,
    look=_bound,
    make=_directive,
    words=_directs,
    act=directives.ISSUE,
    after=lambda said: f"/directives/{said.document['metadata']['name']}",
    command=_command,
    asked=recorded,
    needed=needed,
    page="/order",
    text=ReadText(directives.PREVIEW, OrderRead),
)
