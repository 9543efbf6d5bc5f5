"""Functions that are written for a frozen class once: its constructor, a reader and a copier.

Rules:
- Programs read logs entry by entry, and fold them entity by entity. So each field costs one line here, and no
  loop.
- The written code contains only the names of fields, which are valid Python names, and keys and plain
  defaults as literals. Other defaults and functions come in as objects.
- An object is filled while it is a blank: an object of the same layout, whose fields can be set. Then it
  becomes one of its class, and is frozen. To set a field around a frozen class takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

Made = TypeVar("Made")


class Step(NamedTuple):
    """How to read a field.

    A value whose type is exactly one of `kinds` stays unchanged; `read` reads the others.
    """

    key: str
    name: str
    read: Callable[[Any], Any]
    kinds: tuple[type, ...] = ()


def reader(  # noqa: PLR0913 - the fields by what they hold, and the errors
    cls: type[Made],
    steps: Iterable[Step],
    fault: Callable[[Any], Exception],
    faults: type[Exception],
    *,
    rest: str = "",
    source: str = "",
) -> Callable[[Any], Made]:
    """A function that reads an object: it reads the fields of `steps`, and the others get their defaults.

    A field that has a default may be missing. If another one is missing, or a step raises one of `faults`,
    or the value is no object, the function raises what `fault` makes of it. It does not call `__post_init__`.
    The field `rest` gets what no step reads, if the object has more; the field `source` gets the object.
    """
    by_name = {step.name: step for step in steps}
    names: dict[str, Any] = {"new": object.__new__, "blank": _blank(cls), "cls": cls, "fault": fault}  # type: ignore[arg-type]  # classes are hashable
    names |= {"faults": (KeyError, faults), "keys": frozenset(step.key for step in by_name.values())}
    lines: list[str] = []
    needed = 0
    for each in fields(cls):  # type: ignore[arg-type]  # every form is a dataclass
        default = "given" if each.name == source else _default(each, names)
        if each.name in by_name:
            lines += _read(by_name[each.name], default, names)
            needed += not default
        elif default:
            lines.append(f"made.{each.name} = {default}")
    if rest:
        left = "{key: given[key] for key in given if key not in keys}"
        lines += ["if len(given) != known:", f"    made.{rest} = {left}"]
    tried = ["try:", *(f"    {line}" for line in lines), "except faults:", "    raise fault(given) from None"]
    checked = ["if type(given) is not dict:", "    raise fault(given)"]
    begun = ["made = new(blank)", f"known = {needed}"]
    return _function(
        "read", "given", [*checked, *begun, *tried, "made.__class__ = cls", "return made"], names
    )


@cache
def _blank(cls: Any) -> type:
    """A class with the layout of a frozen one, whose fields can be set."""
    open_ = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(cls.__name__, cls.__bases__, {"__slots__": cls.__slots__, **open_})


def constructor(cls: type) -> Callable[..., None]:
    """The `__init__` that `dataclasses` would write for a class whose fields are given by name."""
    names: dict[str, Any] = {"blank": _blank(cls), "turn": object.__setattr__, "left_out": MISSING}
    given, lines = [], ["cls = self.__class__", 'turn(self, "__class__", blank)']
    for each in fields(cls):
        name, default = each.name, _default(each, names)
        if not each.init:
            lines += [f"self.{name} = {default}"] if default else []
        elif each.default_factory is MISSING or isinstance(each.default_factory, Shared):
            given.append(f"{name}={default}" if default else name)
            lines.append(f"self.{name} = {name}")
        else:
            given.append(f"{name}=left_out")
            lines.append(f"self.{name} = {default} if {name} is left_out else {name}")
    lines.append("self.__class__ = cls")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    return _function("__init__", ", ".join(["self, *", *given]), lines, names)


class Shared:
    """A default factory whose value is one for all objects. The written code takes it without a call."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        """The value."""
        return self.value


def _default(each: Field[Any], names: dict[str, Any]) -> str:
    """The value of a field that is left out, as an expression; empty if it has no default."""
    if isinstance(each.default_factory, Shared):
        names[f"default_{each.name}"] = each.default_factory.value
        return f"default_{each.name}"
    if each.default_factory is not MISSING:
        names[f"fresh_{each.name}"] = each.default_factory
        return f"fresh_{each.name}()"
    if type(each.default) in _LITERAL:
        return repr(each.default)
    if each.default is not MISSING:
        names[f"default_{each.name}"] = each.default
        return f"default_{each.name}"
    return ""


_LITERAL = frozenset({NoneType, bool, int, str})
"""The types of values that are written into the code as literals."""


def _read(step: Step, default: str, names: dict[str, Any]) -> Iterator[str]:
    name, key = step.name, repr(step.key)
    names[f"read_{name}"] = step.read
    taken = [f"found = given[{key}]"]
    kinds = {f"kind_{kind.__name__}": kind for kind in step.kinds}
    names |= kinds
    if kinds:
        others = " and ".join(f"kind is not {kind}" for kind in kinds)
        taken += ["kind = type(found)", f"if {others}:", f"    found = read_{name}(found)"]
        taken.append(f"made.{name} = found")
    else:
        taken.append(f"made.{name} = read_{name}(found)")
    if default:
        yield f"if {key} in given:"
        yield from (f"    {line}" for line in (*taken, "known += 1"))
        yield from ("else:", f"    made.{name} = {default}")
    else:
        yield from taken


if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - mypy knows its fields by this very name
else:

    def replace(value: Made, **changes: Any) -> Made:
        """A copy with some fields changed, as `dataclasses.replace` makes it, but quicker."""
        names = (type(value), *changes)
        copier = _COPIERS.get(names)
        if copier is None:
            copier = _COPIERS[names] = _copier(*names)
        return copier(value, *changes.values())


_COPIERS: dict[tuple[Any, ...], Callable[..., Any]] = {}
"""By a class and the fields that change."""


def _copier(cls: type, *changed: str) -> Callable[..., Any]:
    """A function that copies a value, and takes the new values of some fields.

    A field that the constructor does not take is as in a new object. Raises: TypeError: no such field.
    """
    names: dict[str, Any] = {"new": object.__new__, "blank": _blank(cls), "cls": cls}
    values = {each.name: f"value.{each.name}" if each.init else _default(each, names) for each in fields(cls)}
    for name in changed:
        if name not in values:
            raise TypeError(f"{cls.__name__} has no field {name!r}")
        values[name] = f"new_{name}"
    lines = ["made = new(blank)", *(f"made.{name} = {kept}" for name, kept in values.items())]
    lines.append("made.__class__ = cls")
    if hasattr(cls, "__post_init__"):
        lines.append("made.__post_init__()")
    arguments = ", ".join(("value", *(f"new_{name}" for name in changed)))
    return _function("copy", arguments, [*lines, "return made"], names)


def _function(name: str, arguments: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    body = "\n".join(f"    {line}" for line in lines)
    exec(f"def {name}({arguments}):\n{body}\n", names)  # noqa: S102 - of the names of fields alone
    made: Callable[..., Any] = names[name]
    return made
