"""Forms: a frozen class says once how a JSON object is read, written and described.

Rules:
- The name of a field gives its key: in camel case, without the unit. `valid_until_ms`, a `Time`, is
  `validUntil`. `Key` gives another key.
- A field without a default is always in the object; null is a value if its type allows None. A field with a
  default may be left out; it is written only if it differs from its default.
- `unknown` keeps the fields that a form does not know, and they are written back.
- Bytes become an object here, and stay one. Code that has a form reads its attributes, and mypy checks them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from inspect import getdoc
from reprlib import Repr
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from sluicegate_record import maker
from sluicegate_record.errors import InvalidInput, Place, SluicegateError, VerificationFailed
from sluicegate_record.log import canonical, times
from sluicegate_record.maker import Shared, Step
from sluicegate_record.maker import replace as replace  # noqa: PLC0414 - forms are copied with it

Json: TypeAlias = Any
"""A value of JSON that is not ours to know."""
Made = TypeVar("Made")
NOTHING: Mapping[str, Json] = types.MappingProxyType({})
SOURCE = {"kept": True, "source": True}
"""Metadata of a field that keeps the JSON that its form was read from."""
_REQUIRED = MISSING


class Misread(InvalidInput):
    """JSON that does not have the expected form. `path` says where, from the outside in."""

    code = "misread"

    def __init__(self, expected: str, found: str, path: tuple[str | int, ...] = ()) -> None:
        where = ".".join(map(str, path))
        super().__init__(
            f"{where}: expected {expected}, found {found}" if where else f"expected {expected}, found {found}"
        )
        self.expected, self.found, self.path = expected, found, path

    @property
    def places(self) -> list[Place]:
        """Where it is: in the field with which its path begins; none for the whole value."""
        where = ".".join(map(str, self.path))
        return [Place(str(self.path[0]), 0, 0, self.expected, self.found, where)] if where else []

    def within(self, step: str | int) -> Misread:
        """The same error, with one more step at the outside of its path."""
        return Misread(self.expected, self.found, (step, *self.path))


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """How a value is read and written. `suffix` is the unit in the name of a field; its key does not have it.

    `schema` is the JSON Schema of the written value. `read` raises Misread. A value whose type is exactly one
    of `kinds` needs no reading.
    """

    read: Callable[[Json], Any]
    write: Callable[[Any], Json]
    schema: Mapping[str, Json]
    suffix: str = ""
    kinds: tuple[type, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a field, if it does not follow from the name."""

    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader of the reference needs to know about a field beyond its name."""

    text: str


class FormField(NamedTuple):
    """A field of a form. `default` is MISSING if the field is required; `marks` are its other annotations."""

    key: str
    name: str
    codec: Codec
    default: Any
    note: str
    marks: tuple[Any, ...]

    @property
    def is_required(self) -> bool:
        """Whether the field must be in the object."""
        return self.default is _REQUIRED


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def form(cls: type[Made]) -> type[Made]:
    """Make a class a form: frozen, with slots, and with keyword arguments."""
    made = dataclass(frozen=True, slots=True, kw_only=True, init=False)(cls)
    made.__init__ = maker.constructor(made)  # type: ignore[method-assign]
    return made


@form
class Form:
    """The base of forms. `unknown` holds the fields that this build does not know."""

    unknown: Mapping[str, Json] = field(default_factory=Shared(NOTHING), repr=False, hash=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The form in a value as `canonical.loads` returns it. Raises: Misread."""
        made: Self = shape_of(cls).read(value)
        return made

    def to_json(self) -> dict[str, Json]:
        """The object, as `canonical.dumps` takes it."""
        written = dict(self.unknown)
        for key, name, codec, default, _, _ in shape_of(type(self)).fields:
            value = getattr(self, name)
            if default is _REQUIRED or value != default:
                written[key] = codec.write(value)
        return written


@form
class Verbatim(Form):
    """A form that keeps in `source` the JSON that it was read from.

    Digests are over that, never over a new dump. If its constructor made it, `source` is the JSON of its
    fields. Two are equal if their JSON is equal.
    """

    source: Mapping[str, Json] = field(default_factory=Shared(NOTHING), repr=False, metadata=SOURCE)

    def __post_init__(self) -> None:
        if self.source is NOTHING:
            object.__setattr__(self, "source", Form.to_json(self))

    def to_json(self) -> dict[str, Json]:
        """The object exactly as it was read."""
        return dict(self.source)


@form
class Exact(Form):
    """A form that may have no unknown field."""

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The form in a value. Raises: Misread: as for any form, and for a field that it does not have."""
        made = super(Exact, cls).from_json(value)
        if made.unknown:
            known = ", ".join(each.key for each in shape_of(cls).fields) or "none"
            raise Misread(f"the fields {known}", shown(sorted(made.unknown)))
        return made


class Shape(NamedTuple):
    """The fields of a form, their keys, and a reader of it, whatever other fields an object has."""

    fields: tuple[FormField, ...]
    keys: frozenset[str]
    read: Callable[[Json], Any]


def shape_of(cls: type[Form]) -> Shape:
    """The fields of a form, in the order they are declared."""
    found = _SHAPES.get(cls)
    if found is None:
        found = _SHAPES[cls] = _shape(cls)
    return found


_SHAPES: dict[type[Form], Shape] = {}


def _shape(cls: type[Form]) -> Shape:
    hints = get_type_hints(cls, include_extras=True)
    found = tuple(
        _field(
            each.name,
            hints[each.name],
            each.default if each.default_factory is MISSING else each.default_factory(),
        )
        for each in fields(cls)
        if each.name != "unknown" and each.init and not each.metadata.get("kept")
    )
    return Shape(found, frozenset(each.key for each in found), reader_of(cls, found, rest="unknown"))


def reader_of(cls: type[Made], read: tuple[FormField, ...], *, rest: str = "") -> Callable[[Json], Made]:
    """A reader of some fields of a form from an object. The other fields get their defaults.

    `rest` is the field that gets the other fields of the object. The reader raises Misread: the value is no
    object, or a field is missing, or has another type.
    """
    steps = (Step(each.key, each.name, each.codec.read, each.codec.kinds) for each in read)
    source = next((each.name for each in fields(cls) if "source" in each.metadata), "")  # type: ignore[arg-type]
    return maker.reader(cls, steps, lambda value: _fault(read, value), Misread, rest=rest, source=source)


def _fault(read: tuple[FormField, ...], value: Json) -> Misread:
    """Why a value cannot be read, and at which place."""
    if type(value) is not dict:
        return Misread("an object", shown(value))
    missing = next((each.key for each in read if each.is_required and each.key not in value), None)
    if missing is not None:
        return Misread(f"the field {missing!r}", "none")
    return _fault_among((each.key, value[each.key], each.codec) for each in read if each.key in value)


def _fault_among(values: Iterable[tuple[str | int, Json, Codec]]) -> Misread:
    """Why one of many values cannot be read, and at which place."""
    for step, value, codec in values:
        try:
            codec.read(value)
        except Misread as error:
            return error.within(step)
    raise AssertionError("a value that could not be read, and can")


def schema(cls: type[Form]) -> dict[str, Json]:
    """The JSON Schema of a form: its docstring and the notes of its fields describe it."""
    shape = shape_of(cls)
    return {
        "type": "object",
        "description": getdoc(cls) or "",
        "properties": {each.key: _described(each) for each in shape.fields},
        "required": [each.key for each in shape.fields if each.is_required],
        **({"additionalProperties": False} if issubclass(cls, Exact) else {}),
    }


def _described(each: FormField) -> dict[str, Json]:
    return {**each.codec.schema, **({"description": each.note} if each.note else {})}


def definitions(of: Json) -> dict[str, Json]:
    """The JSON Schemas of the forms that a schema refers to, by their names in it."""
    found: dict[str, Json] = {}
    waiting = list(_references(of))
    while waiting:
        name = waiting.pop()
        if name in _NAMED and name not in found:
            found[name] = schema(_NAMED[name])
            waiting += _references(found[name])
    return dict(sorted(found.items()))


def _references(of: Json) -> Iterator[str]:
    for key, value in (
        of.items() if isinstance(of, Mapping) else enumerate(of) if isinstance(of, list) else ()
    ):
        if key == "$ref":
            yield str(value).removeprefix("#/$defs/")
        else:
            yield from _references(value)


_NAMED: dict[str, type[Form]] = {}
"""Forms by their names in schemas."""


def shown(value: object) -> str:
    """A value for a message; a long one is cut, and only so much of it is looked at as is shown."""
    text = repr(value[:80]) if type(value) is str else _BRIEF.repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


_BRIEF = Repr()
_BRIEF.maxlist = _BRIEF.maxdict = 20
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 80
_BRIEF.maxlevel = 3


def _field(name: str, hint: Any, default: Any) -> FormField:
    marks = _marks(hint)
    codec = codec_of(hint)
    key = next(
        (mark.name for mark in marks if isinstance(mark, Key)), _camel(name.removesuffix(codec.suffix))
    )
    note = next((mark.text for mark in marks if isinstance(mark, Note)), "")
    return FormField(key, name, codec, default, note, marks)


def _marks(hint: Any) -> tuple[Any, ...]:
    """The annotations of a type, or of the types in a union."""
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return (*args[1:], *_marks(args[0]))
    unions = get_origin(hint) in {Union, types.UnionType}
    return tuple(mark for each in args for mark in _marks(each)) if unions else ()


def _camel(name: str) -> str:
    first, *others = name.rstrip("_").split("_")
    return first + "".join(map(str.capitalize, others))


def codec_of(hint: Any) -> Codec:  # noqa: PLR0911 - one a kind of type
    """The codec for values of a type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return next((mark for mark in args[1:] if isinstance(mark, Codec)), None) or codec_of(args[0])
    if origin in {Union, types.UnionType}:
        return _union([each for each in args if not getattr(each, "is_no_value", False)])
    if origin is Literal:
        return _words(args)
    if origin is tuple:
        return _list(codec_of(args[0]), tuple)
    if origin is frozenset:
        return _sorted(codec_of(args[0]))
    if origin in {Mapping, dict} or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _mapping(codec_of(args[1]))
    if hasattr(hint, "from_json"):
        return Codec(_reading(hint), lambda value: value.to_json(), _schema_of(hint))
    return _SCALARS[hint]


def _reading(hint: Any) -> Callable[[Json], Any]:
    """How to read what has a `from_json`; a form that has no other than a form's is read without it."""
    plain = getattr(hint.from_json, "__func__", None) is Form.from_json.__func__  # type: ignore[attr-defined]
    return shape_of(hint).read if plain else _by(hint.from_json)


def _by(read: Callable[[Json], Any]) -> Callable[[Json], Any]:
    def reading(value: Json) -> Any:
        try:
            return read(value)
        except Misread:
            raise
        except SluicegateError as error:
            raise Misread(error.message, shown(value)) from error

    return reading


def _schema_of(hint: Any) -> Mapping[str, Json]:
    if isinstance(hint, type) and issubclass(hint, Form):
        name = f"{hint.__module__.rpartition('.')[2]}.{hint.__name__}"
        _NAMED[name] = hint
        return {"$ref": f"#/$defs/{name}"}
    found: Mapping[str, Json] = getattr(hint, "SCHEMA", {})
    return found


def _union(hints: list[Any]) -> Codec:
    rest = [each for each in hints if each is not types.NoneType]
    assert len(rest) == 1, f"one type, or none, not {hints}"
    codec = codec_of(rest[0])
    if len(rest) == len(hints):
        return codec
    read, write = codec.read, codec.write
    return Codec(
        lambda value: None if value is None else read(value),
        lambda value: None if value is None else write(value),
        {"anyOf": [codec.schema, {"type": "null"}]},
        codec.suffix,
        (*codec.kinds, types.NoneType),
    )


def _words(words: tuple[Any, ...]) -> Codec:
    known = frozenset((type(word), word) for word in words)

    def read(value: Json) -> Any:
        if type(value) not in _WORDS or (type(value), value) not in known:
            raise Misread(" or ".join(map(str, words)), shown(value))
        return value

    return Codec(read, _same, {"enum": list(words)})


_WORDS = frozenset({str, bool, int})


def _list(item: Codec, made: Callable[[Iterable[Any]], Any]) -> Codec:
    read_item, kinds = item.read, frozenset(item.kinds)

    def read(value: Json) -> Any:
        if type(value) is not list:
            raise Misread("a list", shown(value))
        try:
            return made(value if kinds.issuperset(map(type, value)) else map(read_item, value))
        except Misread:
            raise _fault_among((i, each, item) for i, each in enumerate(value)) from None

    return Codec(
        read, lambda value: [item.write(each) for each in value], {"type": "array", "items": item.schema}
    )


def _sorted(item: Codec) -> Codec:
    codec = _list(item, frozenset)
    return Codec(codec.read, lambda value: sorted(item.write(each) for each in value), codec.schema)


def _mapping(item: Codec) -> Codec:
    read_item, kinds = item.read, item.kinds

    def read(value: Json) -> Any:
        if type(value) is not dict:
            raise Misread("an object", shown(value))
        try:
            return {key: each if type(each) in kinds else read_item(each) for key, each in value.items()}
        except Misread:
            raise _fault_among((key, each, item) for key, each in value.items()) from None

    schema = {"type": "object", "additionalProperties": item.schema}
    return Codec(read, lambda value: {key: item.write(each) for key, each in value.items()}, schema)


def _scalar(kind: type, word: str, json_type: str) -> Codec:
    def read(value: Json) -> Any:
        if type(value) is not kind:
            raise Misread(word, shown(value))
        return value

    return Codec(read, _same, {"type": json_type}, kinds=(kind,))


def _same(value: Any) -> Any:
    return value


def within(least: int, most: int = 2**53 - 1) -> Codec:
    """A whole number within bounds, both inclusive."""

    def read(value: Json) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Misread(f"a whole number from {least:,} to {most:,}", shown(value))
        return value

    return Codec(read, _same, {"type": "integer", "minimum": least, "maximum": most})


_SCALARS: dict[Any, Codec] = {
    str: _scalar(str, "text", "string"),
    int: _scalar(int, "a whole number", "integer"),
    bool: _scalar(bool, "true or false", "boolean"),
    Any: Codec(_same, _same, {}),
}


def _hex(value: Json) -> bytes:
    try:
        found = bytes.fromhex(value)
    except (TypeError, ValueError):
        found = b""
    if found.hex() != value or not found:
        raise Misread("lower-case hexadecimal digits", shown(value))
    return found


def _base64(value: Json) -> bytes:
    if type(value) is not str:
        raise Misread("base64", shown(value))
    return canonical.unb64(value)


def _time(value: Json) -> int:
    if type(value) is not str:
        raise Misread(_TIME, shown(value))
    try:
        return times.parse_time(value)
    except VerificationFailed:
        raise Misread(_TIME, shown(value)) from None


_TIME = "a time such as 2026-06-12T21:21:00.000Z"
Time = Annotated[int, Codec(_time, times.format_time, {"type": "string", "format": "date-time"}, "_ms")]
"""Milliseconds since 1970 UTC; RFC 3339 in JSON."""
Hex = Annotated[bytes, Codec(_hex, bytes.hex, {"type": "string", "pattern": "^([0-9a-f]{2})+$"})]
"""Bytes; lower-case hexadecimal digits in JSON."""
Base64 = Annotated[bytes, Codec(_by(_base64), canonical.b64, {"type": "string", "contentEncoding": "base64"})]
"""Bytes; standard base64 in JSON."""


class Absent:
    """A field that is left out, for fields where null means something else."""

    is_no_value: ClassVar = True

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()
