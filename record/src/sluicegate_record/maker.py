"""Functions that are written for a frozen class once, as `dataclasses` writes its constructor.

Rules:
- Programs read logs entry by entry, and fold them entity by entity. So each field costs one line here, and no
  loop.
- The written code contains only the names of fields, which are valid Python names. Keys, defaults and
  functions come in as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, fields
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
    names: dict[str, Any] = {"new": object.__new__, "cls": cls, "fault": fault, "faults": (KeyError, faults)}
    names["keys"] = frozenset(step.key for step in by_name.values())
    lines: list[str] = []
    for each in fields(cls):  # type: ignore[arg-type]  # every form is a dataclass
        names[f"put_{each.name}"] = getattr(cls, each.name).__set__
        default = "given" if each.name == source else _default(each, names)
        if each.name in by_name:
            lines += _read(by_name[each.name], default, names)
        elif default:
            lines.append(f"put_{each.name}(made, {default})")
    if rest:
        left = "{key: given[key] for key in given if key not in keys}"
        lines += ["if not given.keys() <= keys:", f"    put_{rest}(made, {left})"]
    tried = ["try:", *(f"    {line}" for line in lines), "except faults:", "    raise fault(given) from None"]
    checked = ["if type(given) is not dict:", "    raise fault(given)", "made = new(cls)"]
    return _function("read", "given", [*checked, *tried, "return made"], names)


def _default(each: Field[Any], names: dict[str, Any]) -> str:
    """The value of a field that is left out, as an expression; empty if it has no default."""
    if each.default is not MISSING:
        names[f"default_{each.name}"] = each.default
        return f"default_{each.name}"
    if each.default_factory is not MISSING:
        names[f"fresh_{each.name}"] = each.default_factory
        return f"fresh_{each.name}()"
    return ""


def _read(step: Step, default: str, names: dict[str, Any]) -> Iterator[str]:
    name = step.name
    names |= {f"key_{name}": step.key, f"read_{name}": step.read, f"kinds_{name}": step.kinds}
    taken = [f"found = given[key_{name}]"]
    if step.kinds:
        taken += [f"if type(found) not in kinds_{name}:", f"    found = read_{name}(found)"]
    else:
        taken.append(f"found = read_{name}(found)")
    if default:
        yield f"if key_{name} in given:"
        yield from (f"    {line}" for line in taken)
        yield from ("else:", f"    found = {default}")
    else:
        yield from taken
    yield f"put_{name}(made, found)"


if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - mypy knows its fields by this very name
else:

    def replace(value: Made, **changes: Any) -> Made:
        """A copy with some fields changed, as `dataclasses.replace` makes it, but quicker."""
        cls = type(value)
        copier = _COPIERS.get(cls)
        if copier is None:
            copier = _COPIERS[cls] = _copier(cls)
        return copier(value, changes)


_COPIERS: dict[type, Callable[[Any, dict[str, Any]], Any]] = {}


def _copier(cls: type) -> Callable[[Any, dict[str, Any]], Any]:
    """A function that copies a value with changes.

    A field that the constructor does not take is as in a new object.
    """
    names: dict[str, Any] = {"new": object.__new__, "cls": cls, "refused": _refused}
    lines = ["made = new(cls)"]
    puts: dict[str, Callable[[Any, Any], None]] = {}
    for each in fields(cls):
        puts[each.name] = names[f"put_{each.name}"] = getattr(cls, each.name).__set__
        kept = f"value.{each.name}" if each.init else _default(each, names)
        lines.append(f"put_{each.name}(made, {kept})")
    names["puts"] = puts
    lines += ["for name in changes:", "    if name not in puts:", "        refused(cls, name)",
              "    puts[name](made, changes[name])"]  # fmt: skip
    if hasattr(cls, "__post_init__"):
        lines.append("made.__post_init__()")
    return _function("copy", "value, changes", [*lines, "return made"], names)


def _refused(cls: type, name: str) -> None:
    raise TypeError(f"{cls.__name__} has no field {name!r}")


def _function(name: str, arguments: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    body = "\n".join(f"    {line}" for line in lines)
    exec(f"def {name}({arguments}):\n{body}\n", names)  # noqa: S102 - of the names of fields alone
    made: Callable[..., Any] = names[name]
    return made
