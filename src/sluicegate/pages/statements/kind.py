"""A kind of statement that officers sign on pages: what its form asks, how it is made, what it says in words.

Rules:
- What a page shows of a statement is read from the bytes that are signed, and every field of it is said.
- A name that the record will not have is shown only if it is one that was committed to.
- A statement is made of what its form says, and of what the act answers that shows what is to be signed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from sluicegate.acts.act import AnyAct, Arguments
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import text
from sluicegate.errors import InvalidInput
from sluicegate.pages.page import AskAct
from sluicegate.ports import UnsignedStatement
from sluicegate_record.form import Json, Misread, Note, shape_of
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms.text import REASON_MAX, quoted

HERE = "/to-sign"
NEW = f"{HERE}/new"
"""Where statements are signed, and where the form of each kind is, under its name."""
Reason = Annotated[str, text(1, REASON_MAX), Note("Why. It is public.")]
MaybeReason = Annotated[str, text(0, REASON_MAX), Note("Why. It is public.")]


class Making(NamedTuple):
    """What a statement is made of: what its form said, and who is asked; now, in milliseconds since 1970 UTC.

    `order` is the order in the form as it was read, of a directive.
    """

    ask: AskAct
    said: Any
    now_ms: int
    order: Any = None


class Wording(NamedTuple):
    """What a statement is said with: what opens its commitments, and who is asked what its digests are of."""

    ask: AskAct
    opened: Mapping[str, Opening]


Words = Callable[[Any, Wording], Iterator[str]]
"""What a statement says, sentence by sentence. The first says what it does."""


def _alone(envelope: Json, _: Mapping[str, Opening]) -> Arguments:
    return SignedStatement(envelope=envelope)


def _one_officer(_: Any, __: AskAct, ___: Collection[str]) -> int:
    return 1


def _nothing(_: Any, __: AskAct) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True, slots=True)
class OfficerStatement:
    """A kind of statement: `asks` is its form, `make` makes it of that, `act` puts it on the record.

    `words` are what it says, and `follows` what it leads to now, where a question tells that. `needed` is how
    many officers sign it, where the keys with some ids have signed. `after` is the page that shows the
    result. `command` signs it with keys in files; empty if none does. `page` has its form, if that is not
    the usual one.
    """

    name: str
    title: str
    kind: type[Statement]
    asks: type[Arguments]
    make: Callable[[Making], UnsignedStatement]
    words: Words
    act: AnyAct
    after: Callable[[Any], str]
    command: Callable[[Any], str]
    follows: Callable[[Any, AskAct], Iterator[str]] = _nothing
    asked: Callable[[Json, Mapping[str, Opening]], Arguments] = _alone
    needed: Callable[[Any, AskAct, Collection[str]], int] = _one_officer
    page: str = ""

    @property
    def form(self) -> str:
        """The page that has its form."""
        return self.page or f"{NEW}/{self.name}"


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
        raise InvalidInput(error.message, remedy="correct it, and look again at what you sign") from error


def present(**said: Json) -> dict[str, Json]:
    """Those of some fields in which something is."""
    return {name: value for name, value in said.items() if value not in (None, "", [])}


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
