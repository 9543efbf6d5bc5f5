"""The body of an entry: one class an entry type, with the part that each field is in.

Rules:
- A field is public unless its type says `Gate[…]` or `Sealed`. Of those two parts a leaf holds commitments
  only: a reader who was not given the opening sees `Hidden`.
- Fields are only added. What a build does not know is named in `strange`; it stays in the leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, TypeVar, dataclass_transform

from sluicegate_record.errors import VerificationFailed
from sluicegate_record.form import Codec, Form, FormField, Json, Misread, Reader, form, make, shape_of, take
from sluicegate_record.log.leaf import Leaf, Opening

T = TypeVar("T")
Made = TypeVar("Made", bound="Body")


class Part(Enum):
    """The parts of an entry. `OPENINGS` is the whole sealed part, under names that the entry itself gives."""

    PUBLIC = "public"
    GATE = "gate"
    SEALED = "sealed"
    OPENINGS = "openings"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A field that the reader was not given: its commitment, lower-case hex."""

    commitment: str
    is_no_value: ClassVar = True


_OPENED = Codec(
    lambda value: value, lambda value: value, {"description": "sealed: the leaf holds a commitment"}
)
"""What is sealed is never read as JSON here: it stays what opens its commitment."""
Gate: TypeAlias = Annotated[T | Hidden, Part.GATE]
"""A field of the gate part."""
Sealed: TypeAlias = Annotated[Opening | Hidden, Part.SEALED, _OPENED]
"""A field of the sealed part, by what opens its commitment."""
Openings: TypeAlias = Annotated[Mapping[str, Opening | Hidden], Part.OPENINGS, _OPENED]
"""The whole sealed part, where the entry itself gives the names."""


class Withheld(VerificationFailed):
    """A field that is needed and was not given; `commitment` is what the leaf has of it."""

    code = "withheld"

    def __init__(self, commitment: str) -> None:
        super().__init__(f"a field is hidden behind its commitment {commitment[:16]}…")
        self.commitment = commitment


def seen(value: T | Hidden) -> T:
    """A field of the gate part. Raises: Withheld: the reader was not given it."""
    if isinstance(value, Hidden):
        raise Withheld(value.commitment)
    return value


@form
class Body(Form):
    """What an entry says. `strange` names the fields, as `part.field`, that this build does not know."""

    type: ClassVar[str] = ""
    strange: frozenset[str] = field(default=frozenset(), repr=False, metadata={"kept": True})

    @classmethod
    def read(cls, leaf: Leaf, gate: Mapping[str, Opening], sealed: Mapping[str, Opening]) -> Body:
        """The body of a leaf, as far as it is opened.

        Requires: the openings fit their commitments.
        Raises:   Misread: a field is missing, or of another type.
        """
        layout = layout_of(cls)
        found = take(layout.public, leaf.public)
        for key, name, read, is_required in layout.gate:
            if key in leaf.gate:
                found[name] = _opened(key, read, gate[key]) if key in gate else Hidden(leaf.gate[key])
            elif is_required:
                raise Misread(f"the field {key!r} of the gate part", "none")
        for key, name, _, _ in layout.sealed:
            if key in leaf.sealed:
                found[name] = sealed.get(key) or Hidden(leaf.sealed[key])
        if layout.openings:
            found[layout.openings] = {
                key: sealed.get(key) or Hidden(commitment) for key, commitment in leaf.sealed.items()
            }
        found["strange"] = layout.strange(leaf)
        return make(cls, found)

    def public(self) -> dict[str, Json]:
        """The public part, as the leaf holds it."""
        return self._written(Part.PUBLIC)

    def gate(self) -> dict[str, Json]:
        """The values of the gate part, in the order of their declaration."""
        return self._written(Part.GATE)

    def sealed(self) -> dict[str, Opening]:
        """What opens the sealed part."""
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


def _opened(key: str, read: Callable[[Json], Any], opening: Opening) -> Any:
    try:
        return read(opening.value())
    except Misread as error:
        raise error.within(key) from None


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def entry(type_: str) -> Callable[[type[Made]], type[Made]]:
    """Declare the body of the entries of a type."""

    def declare(cls: type[Made]) -> type[Made]:
        made = form(cls)
        made.type = type_
        TYPES[type_] = made
        return made

    return declare


TYPES: dict[str, type[Body]] = {}
"""The body of each type of entry."""


class Layout(NamedTuple):
    """The fields of a body by their parts. `openings` names the field that holds all of the sealed part."""

    public: tuple[Reader, ...]
    gate: tuple[Reader, ...]
    sealed: tuple[Reader, ...]
    openings: str
    public_keys: frozenset[str]
    gate_keys: frozenset[str]
    sealed_keys: frozenset[str]

    def strange(self, leaf: Leaf) -> frozenset[str]:
        """The fields of a leaf that this build does not know, as `part.field`."""
        sealed = leaf.sealed.keys() if not self.openings else _NOTHING_STRANGE
        if (
            leaf.public.keys() <= self.public_keys
            and leaf.gate.keys() <= self.gate_keys
            and sealed <= self.sealed_keys
        ):
            return _NOTHING_STRANGE
        parts = (("public", leaf.public, self.public_keys), ("gate", leaf.gate, self.gate_keys),
                 ("sealed", sealed, self.sealed_keys))  # fmt: skip
        return frozenset(
            f"{part}.{name}" for part, names, known in parts for name in names if name not in known
        )


_NOTHING_STRANGE: frozenset[str] = frozenset()


def layout_of(cls: type[Body]) -> Layout:
    """The fields of a body by their parts, in the order of their declaration."""
    found = _LAYOUTS.get(cls)
    if found is None:
        found = _LAYOUTS[cls] = _layout(cls)
    return found


_LAYOUTS: dict[type[Body], Layout] = {}


def _layout(cls: type[Body]) -> Layout:
    shape = shape_of(cls)
    parts = {part: tuple(reader for reader, each in zip(shape.readers, shape.fields, strict=True)
                         if part_of(each) is part) for part in Part}  # fmt: skip
    public, gate, sealed = (parts[part] for part in (Part.PUBLIC, Part.GATE, Part.SEALED))
    openings = next((reader.name for reader in parts[Part.OPENINGS]), "")
    keys = (frozenset(reader.key for reader in readers) for readers in (public, gate, sealed))
    return Layout(public, gate, sealed, openings, *keys)


def part_of(field_: FormField) -> Part:
    """The part of an entry that a field of its body is in."""
    return next((mark for mark in field_.marks if isinstance(mark, Part)), Part.PUBLIC)
