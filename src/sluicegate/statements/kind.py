"""A kind of statement: what its form asks, how it is made, what it says, and the act that records it.

Rules:
- A statement is made of what its form says, and of what acts answer that show what is to be signed. It is
  made in one way, whether a passkey on a page or a key in a file signs it.
- What a page shows of a statement is read from the bytes that are signed, and every field of it is said.
- A name that the record will not have is shown only if it is one that was committed to.
- Statements of a set are signed one by one, and go on the record at once or not at all.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, NamedTuple

from sluicegate.acts import keys, log
from sluicegate.acts.act import Act, Answered, AnyAct, Arguments, AskAct, Nothing
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import Day, text
from sluicegate.acts.keys import KeyFilter
from sluicegate.acts.recalls import SignedStatements
from sluicegate.errors import InvalidInput
from sluicegate_record.directives.received import NOTE_MAX, Arrival
from sluicegate_record.form import Json, Misread, Note, shape_of
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.text import REASON_MAX, quoted

HERE = "/to-sign"
NEW = f"{HERE}/new"
"""The pages on which statements are signed, and where the form of each kind is, under its name."""
Reason = Annotated[str, text(1, REASON_MAX), Note("Why. It is public.")]
MaybeReason = Annotated[str, text(0, REASON_MAX), Note("Why. It is public.")]
How = Annotated[str, Note("letter | call | meeting | message")]
On = Annotated[Day, Note("On which day, such as 2026-06-12.")]
LetterDigest = Annotated[
    str,
    text(0, 71),
    Note("Of the letter as it was received: sha256: and 64 hex digits, as sha256sum prints."),
]
SaidNote = Annotated[str, text(0, NOTE_MAX), Note("Or what was said.")]
"""How the word of someone else arrived, which officers write down."""


@dataclass(frozen=True, slots=True)
class UnsignedStatement:
    """A statement before it is signed. `opened` opens its commitments, by field."""

    statement: Statement
    opened: Mapping[str, Opening] = field(default_factory=dict)


class Making(NamedTuple):
    """What a statement is made of: what the acts answered that show what is to be signed, and what is said.

    Units: `now_ms` milliseconds since 1970 UTC.
    """

    found: Any
    said: Any
    now_ms: int


class Wording(NamedTuple):
    """What a statement is said with: who is asked what its digests are of, what opens its commitments, and
    all statements of its set, in their order.
    """

    ask: AskAct
    opened: Mapping[str, Opening]
    of_set: Sequence[Any] = ()


Words = Callable[[Any, Wording], Iterator[str]]
"""What a statement says, sentence by sentence. The first says what it does."""


def _alone(envelope: Json, _: Mapping[str, Opening]) -> Arguments:
    return SignedStatement(envelope=envelope)


def _one_owner(_: Any, __: AskAct, ___: Collection[str]) -> int:
    return 1


def _itself(making: Making) -> Iterable[Making]:
    return (making,)


def _words_alone(_: Any, __: AskAct) -> Json:
    return None


def _nothing(_: Any, __: AskAct) -> Iterator[str]:
    yield from ()


class ReadText(NamedTuple):
    """How the text in a form is read: as that of an act; and what is said then, of the form and that."""

    act: AnyAct
    joined: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementKind(Generic[Answered]):
    """A kind of statement: `asks` is its form, `look` asks the acts that show what is to be signed, `make`
    makes it of both, `act` puts it on the record.

    `words` are what it says, `bound_to` what it is signed for beside them: if that changes, it is made again.
    `follows` is what it leads to now, where a question tells that. `needed` is how many officers sign it,
    where the keys with some ids have signed. `after` is the page that shows the result. `command` signs it
    with keys in files; empty if none does. `page` has its form, if that is not the usual one. `text` is how
    the text in its form is read, if it has one. `each` gives what each statement of a set is made of, if it
    is a kind of which a set is made; `before` is what its form says of those fields that the address fills
    in.
    """

    name: str
    title: str
    kind: type[Statement]
    asks: type[Arguments]
    look: Callable[[AskAct, Any], Any]
    make: Callable[[Making], UnsignedStatement]
    words: Words
    bound_to: Callable[[Any, AskAct], Json] = _words_alone
    act: Act[Any, Answered]
    after: Callable[[Any], str]
    command: Callable[[Any], str]
    follows: Callable[[Any, AskAct], Iterator[str]] = _nothing
    asked: Callable[[Json, Mapping[str, Opening]], Arguments] = _alone
    needed: Callable[[Any, AskAct, Collection[str]], int] = _one_owner
    page: str = ""
    text: ReadText | None = None
    each: Callable[[Making], Iterable[Making]] | None = None
    before: Callable[[Mapping[str, str], AskAct], Iterator[str]] = _nothing

    @property
    def form(self) -> str:
        """The page that has its form."""
        return self.page or f"{NEW}/{self.name}"

    def make_all(self, making: Making) -> list[UnsignedStatement]:
        """What is signed: one statement, or those of a set. Raises: InvalidInput: there is no such one."""
        return [self.make(each) for each in (self.each or _itself)(making)]

    def record_all(self, signed: Sequence[tuple[Json, Mapping[str, Opening]]]) -> Arguments:
        """What the act is asked with: the envelope of each statement, and what opens its commitments."""
        if self.each is not None:
            return SignedStatements(envelopes=tuple(envelope for envelope, _ in signed))
        [(envelope, opened)] = signed
        return self.asked(envelope, opened)


AnyKind = StatementKind[Any]


def filled(kind: type[Statement], *sources: Mapping[str, Json]) -> UnsignedStatement:
    """A statement whose fields are in some objects; what is in a later one counts.

    Raises: InvalidInput: there is no such statement.
    """
    said: dict[str, Json] = {}
    for source in sources:
        said |= source
    fields = {each.key: said.get(each.key) for each in shape_of(kind).fields if each.key in said}
    needed = {each.key for each in shape_of(kind).fields if each.is_required}
    return UnsignedStatement(read(kind, {k: v for k, v in fields.items() if v is not None or k in needed}))


def read(kind: Any, value: Mapping[str, Json]) -> Any:
    """A form in an object. Raises: InvalidInput: it cannot be read."""
    try:
        return kind.from_json(dict(value))
    except Misread as error:
        remedy = "correct it, and look again at what you sign"
        raise InvalidInput(error.message, remedy=remedy, at=error.places) from error


def present(**said: Json) -> dict[str, Json]:
    """Those of some fields in which something is."""
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def shown_by(act: Act[Any, Answered]) -> Callable[[AskAct, Any], Answered]:
    """Asks an act with those fields of a form, or of a statement, that it takes."""

    def look(ask: AskAct, said: Any) -> Answered:
        taken = {each.key for each in shape_of(act.asked).fields}
        return ask(act, read(act.asked, {k: v for k, v in present(**said.to_json()).items() if k in taken}))

    return look


def head(ask: AskAct, _: Any = None) -> str:
    """The verifier key of the log."""
    return ask(log.HEAD, Nothing()).vkey


def developer(ask: AskAct) -> str:
    """The party that officers sign for."""
    return ask(keys.LIST, KeyFilter(state="counts")).developer


def about(said: Any) -> dict[str, Json]:
    """What a note or a promise is about, as its form says it."""
    return present(release=said.release, stage=said.stage, case=said.case, directive=said.directive)


def arrival(said: Any) -> Arrival | None:
    """How a word arrived, as a form says it; None if it says nothing. Raises: InvalidInput."""
    given = present(how=said.how, on=said.on, digest=said.digest, note=said.note)
    return read(Arrival, given) if given else None


def options(given: Mapping[str, Json]) -> str:
    """Options of a command, each after a space, with what they say; those without a value are left out."""
    return "".join(f" --{name} {shlex.quote(str(each))}" for name, each in present(**given).items())


def public(reason: str | None) -> Iterator[str]:
    """A reason, if there is one."""
    if reason:
        yield f"Your reason is public: {quoted(reason)}"


def check_opened(committed: str | None, opened: Mapping[str, Opening], name: str) -> Json:
    """What opens a commitment of a statement; None if it commits to nothing. Raises: InvalidInput."""
    opening = opened.get(name)
    if committed != (None if opening is None else opening.commitment("sealed", name)):
        raise InvalidInput(f"{name}: another one than the statement commits to", code="opening_differs")
    return None if opening is None else canonical.loads(opening.body)
