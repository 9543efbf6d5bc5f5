"""The body of an entry: one class for each type, and the part that each field is in.

Rules:
- A field is public unless its type is `Gate[…]` or `Sealed`. A leaf holds only commitments to the fields of
  those two parts. A reader who did not get the opening sees `Hidden`.
- New builds only add fields. `strange` names the fields that a build does not know; they stay in the leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, TypeVar, dataclass_transform

from sluicegate_record.errors import VerificationFailed
from sluicegate_record.form import (
    Codec,
    Form,
    FormField,
    Json,
    Misread,
    codec_of,
    form,
    reader_of,
    shape_of,
    shown,
)
from sluicegate_record.log.leaf import Leaf, Opening

T = TypeVar("T")
SomeBody = TypeVar("SomeBody", bound="Body")


class Part(Enum):
    """The parts of an entry. `OPENINGS` is the whole sealed part, where the entry itself gives the names."""

    PUBLIC = "public"
    GATE = "gate"
    SEALED = "sealed"
    OPENINGS = "openings"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A field whose opening the reader did not get: its commitment, in lower-case hex."""

    commitment: str
    is_no_value: ClassVar = True


_OPENED = Codec(
    lambda value: value, lambda value: value, {"description": "sealed: the leaf holds a commitment"}
)
"""A sealed field is never read as JSON here. It stays the opening of its commitment."""
Gate: TypeAlias = Annotated[T | Hidden, Part.GATE]
"""A field of the gate part."""
Sealed: TypeAlias = Annotated[Opening | Hidden, Part.SEALED, _OPENED]
"""A field of the sealed part, as the opening of its commitment."""
Openings: TypeAlias = Annotated[Mapping[str, Opening | Hidden], Part.OPENINGS, _OPENED]
"""The whole sealed part, where the entry itself gives the names."""


def or_hidden(hint: Any) -> Codec:
    """How to write a value that its reader may not see: `{"seen": …}` or `{"hidden": commitment}`."""
    codec = codec_of(hint)

    def read(value: Json) -> Any:
        keys = value.keys() if type(value) is dict else ()
        if keys == {"seen"}:
            return codec.read(value["seen"])
        if keys == {"hidden"} and type(value["hidden"]) is str:
            return Hidden(value["hidden"])
        raise Misread("what was seen, or its commitment as hidden", shown(value))

    def write(value: Any) -> Json:
        return {"hidden": value.commitment} if isinstance(value, Hidden) else {"seen": codec.write(value)}

    schema = {"type": "object", "properties": {"seen": codec.schema, "hidden": {"type": "string"}}}
    return Codec(read, write, schema, codec.suffix)


class Withheld(VerificationFailed):
    """A rule needs a field that the reader did not get. `commitment` is the commitment in the leaf."""

    code = "withheld"

    def __init__(self, commitment: str) -> None:
        super().__init__(f"a field is hidden behind its commitment {commitment[:16]}…")
        self.commitment = commitment


def seen(value: T | Hidden) -> T:
    """The value of a field of the gate part. Raises: Withheld: the reader did not get it."""
    if isinstance(value, Hidden):
        raise Withheld(value.commitment)
    return value


def commitment_of(part: Opening | Hidden | None, name: str) -> str:
    """The commitment to a sealed part, whether its reader got it or not; empty without one."""
    if isinstance(part, Opening):
        return part.commitment("sealed", name)
    return part.commitment if part is not None else ""


@form
class Body(Form):
    """What an entry says. `strange` names the fields that this build does not know, as `part.field`."""

    type: ClassVar[str] = ""
    strange: frozenset[str] = field(default=frozenset(), repr=False, metadata={"kept": True})

    @classmethod
    def read(cls, leaf: Leaf, gate: Mapping[str, Opening], sealed: Mapping[str, Opening]) -> Body:
        """The body of a leaf, as far as the openings are given.

        Requires: the openings fit their commitments.
        Raises:   Misread: a field is missing, or has another type.
        """
        layout = layout_of(cls)
        made = layout.read(leaf.public)
        if leaf.gate or leaf.sealed or layout.gate:
            for name, value in layout.hidden(leaf, gate, sealed):
                object.__setattr__(made, name, value)
        if made.unknown or ((leaf.gate or leaf.sealed) and not layout.knows(leaf)):
            object.__setattr__(made, "strange", frozenset(layout.strange(leaf)))
        return made

    def public(self) -> dict[str, Json]:
        """The public part, as in the leaf."""
        return self._written(Part.PUBLIC)

    def gate(self) -> dict[str, Json]:
        """The values of the gate part, in the order of their declaration."""
        return self._written(Part.GATE)

    def sealed(self) -> dict[str, Opening]:
        """The openings of the sealed part."""
        found: dict[str, Opening] = {}
        for each in shape_of(type(self)).fields:
            value, part = getattr(self, each.name), part_of(each)
            if part is Part.OPENINGS:
                found |= value
            elif part is Part.SEALED and value is not None:
                found[each.key] = value
        return found

    def _written(self, part: Part) -> dict[str, Json]:
        found = {}
        for each in shape_of(type(self)).fields:
            value = getattr(self, each.name)
            if part_of(each) is part and (each.is_required or value != each.default):
                found[each.key] = each.codec.write(value)
        return found


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def entry(type_: str) -> Callable[[type[SomeBody]], type[SomeBody]]:
    """Declare the body of the entries of a type."""

    def declare(cls: type[SomeBody]) -> type[SomeBody]:
        made = form(cls)
        made.type = type_
        TYPES[type_] = made
        return made

    return declare


TYPES: dict[str, type[Body]] = {}
"""The body of each type of entry."""


class Layout(NamedTuple):
    """The fields of a body by their parts. `openings` names the field that holds the whole sealed part.

    `read` makes a body of a public part alone, and leaves the other parts empty.
    """

    public: tuple[FormField, ...]
    gate: tuple[FormField, ...]
    sealed: tuple[FormField, ...]
    openings: str
    read: Callable[[Mapping[str, Json]], Body]
    public_keys: frozenset[str]
    gate_keys: frozenset[str]
    sealed_keys: frozenset[str]

    def hidden(
        self, leaf: Leaf, gate: Mapping[str, Opening], sealed: Mapping[str, Opening]
    ) -> Iterator[tuple[str, Any]]:
        """The fields that are not in the public part, by name, opened as far as possible. Raises: Misread."""
        for each in self.gate:
            if each.key in leaf.gate:
                yield each.name, _opened(each, leaf, gate)
            elif each.is_required:
                raise Misread(f"the field {each.key!r} of the gate part", "none")
        for each in self.sealed:
            if each.key in leaf.sealed:
                yield each.name, sealed.get(each.key) or Hidden(leaf.sealed[each.key])
        if self.openings:
            committed = leaf.sealed.items()
            yield self.openings, {key: sealed.get(key) or Hidden(each) for key, each in committed}

    def knows(self, leaf: Leaf) -> bool:
        """Whether this build knows every field of a leaf that is not public."""
        return (not leaf.gate or leaf.gate.keys() <= self.gate_keys) and (
            not leaf.sealed or bool(self.openings) or leaf.sealed.keys() <= self.sealed_keys
        )

    def strange(self, leaf: Leaf) -> Iterator[str]:
        """The fields of a leaf that this build does not know, as `part.field`."""
        yield from (f"public.{name}" for name in leaf.public if name not in self.public_keys)
        yield from (f"gate.{name}" for name in leaf.gate if name not in self.gate_keys)
        if not self.openings:
            yield from (f"sealed.{name}" for name in leaf.sealed if name not in self.sealed_keys)


def _opened(each: FormField, leaf: Leaf, gate: Mapping[str, Opening]) -> Any:
    """A field of the gate part. Raises: Misread."""
    if each.key not in gate:
        return Hidden(leaf.gate[each.key])
    try:
        return each.codec.read(gate[each.key].value())
    except Misread as error:
        raise error.within(each.key) from None


def layout_of(cls: type[Body]) -> Layout:
    """The fields of a body by their parts, in the order of their declaration."""
    found = _LAYOUTS.get(cls)
    if found is None:
        found = _LAYOUTS[cls] = _layout(cls)
    return found


_LAYOUTS: dict[type[Body], Layout] = {}


def _layout(cls: type[Body]) -> Layout:
    declared = shape_of(cls).fields
    public, gate, sealed, openings = (
        tuple(each for each in declared if part_of(each) is part) for part in Part
    )
    keys = (frozenset(each.key for each in part) for part in (public, gate, sealed))
    all_sealed = openings[0].name if openings else ""
    return Layout(public, gate, sealed, all_sealed, reader_of(cls, public, rest="unknown"), *keys)


def part_of(field_: FormField) -> Part:
    """The part of an entry that a field of its body is in."""
    return next((mark for mark in field_.marks if isinstance(mark, Part)), Part.PUBLIC)
