"""YAML documents with places: what a person wrote, and where.

Rules:
- YAML 1.2 core schema: `NO` is a country, `on` a string, a date a string.
- No anchors, aliases, tags or merges; a key comes once; a file has one document.
- Every error found is reported, with file:line:column, what was expected and what was found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sluicegate.bounds import DEPTH_MAX, DIGITS_MAX, DOCUMENT_BYTES_MAX, FAULTS_MAX, NODES_MAX
from sluicegate.core.terms.nearest import nearest
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.log import canonical
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.text import counted

FIELD_MAX = 300
"""How many characters of a field's path a fault shows."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair. JSON escapes can write one, UTF-8 cannot."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a path of a document.

    `near` is what was probably meant, if what was expected does not have the word.
    """

    path: JsonPath
    expected: str
    found: str
    near: str = ""


def shown(value: Any) -> str:
    """A value as a fault shows what was found: at most 80 characters of it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def reached(value: Any, step: Any) -> Any:
    """What is at one step below a value; None if there is nothing."""
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document's value, the place of every value in it, and where in the text each scalar stands.

    Units: a place is a line and a column, from 1; a span is its first character and the one after its last.
    """

    file: str
    value: Any
    places: Mapping[JsonPath, tuple[int, int]]
    spans: Mapping[JsonPath, tuple[int, int]]

    def place(self, fault: Fault) -> Place:
        """Where a fault is: its own place, or the place of the nearest value around it."""
        path = fault.path
        while path not in self.places:
            path = path[:-1]
        line, column = self.places[path]
        return Place(
            self.file, line, column, fault.expected, fault.found + _meant(fault), self.field(fault.path)
        )

    def field(self, path: JsonPath) -> str:
        """A path in words: items of a list by their name or id, as changes of a plan have them."""
        said, value = "", self.value
        for step in path:
            value = reached(value, step)
            if isinstance(step, int):
                named = reached(value, "name") or reached(value, "id")
                said += f"[{named if _is_word(named) else step}]"
            else:
                said += "." if said else ""
                said += step if _is_word(step) else shown(step).encode("ascii", "backslashreplace").decode()
        return said[:FIELD_MAX]

    def refuse(self, faults: Sequence[Fault]) -> InvalidDocument:
        """The error that reports all faults, in the order of the document."""
        places = sorted(
            {self.place(fault) for fault in faults}, key=lambda at: (at.line, at.column, at.expected)
        )
        count = counted(len(places), "error")
        return InvalidDocument(
            f"{self.file}: {count}; nothing was done",
            remedy="correct the places listed",
            at=places[:FAULTS_MAX],
        )


def _is_word(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= 80 and _WORD.fullmatch(text) is not None


def _meant(fault: Fault) -> str:
    """What a word that is nearly right was probably meant to be, from the words that were expected."""
    word = fault.found.strip("'")
    is_word = fault.found != word and _WORD.fullmatch(word) is not None
    is_word = is_word and not fault.expected.startswith(("nothing here", "each "))
    said = fault.expected.partition(" such as ")[0]  # an example is not what was meant
    words = set(_WORD.findall(said)) - {word} if is_word else ()
    near = fault.near or nearest(word, words)
    return f" (did you mean {near!r}?)" if near else ""


_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DEPTH = f"at most {DEPTH_MAX} lists and mappings inside each other"


class _NotAllowed(yaml.MarkedYAMLError):
    """YAML that this project does not read."""

    def __init__(self, expected: str, found: str, at: yaml.Mark) -> None:
        super().__init__(None, None, found, at)
        self.expected = expected


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema, without aliases."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - declared by the base class
    depth = 0
    """In how many lists and mappings it is, while it composes."""
    count = 0
    """How many values and keys it has composed."""

    def compose_document(self) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if event.version not in (None, (1, 2)):
            raise _NotAllowed("YAML 1.2", "another version", event.start_mark)
        return super().compose_document()

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        for attribute, what in (("anchor", "anchors and aliases"), ("tag", "tags")):
            if getattr(event, attribute, None) is not None:
                raise _NotAllowed(f"no {what}", repr(getattr(event, attribute)), event.start_mark)
        if self.depth > DEPTH_MAX + 1:  # what is read further would only be refused later, at a price
            raise _NotAllowed(_DEPTH, "more", event.start_mark)
        if self.count == NODES_MAX:
            raise _NotAllowed(f"at most {NODES_MAX:,} values", "more", event.start_mark)
        self.count += 1
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_CORE_SCHEMA = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
}
for _kind, (_pattern, _first) in _CORE_SCHEMA.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}",
        re.compile(f"^(?:{_pattern})$"),
        ["", *_first] if _kind == "null" else list(_first),
    )


def read(data: str | bytes, file: str) -> YamlDocument:
    """Read one YAML document.

    Raises: InvalidDocument: not UTF-8, not YAML, too large, too deep, or with repeated keys.
    """
    text = _text(data, file)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        expected = error.expected if isinstance(error, _NotAllowed) else "YAML"
        place = Place(file, line, column, expected, error.problem or "something else")
        raise InvalidDocument(f"{file} is not a YAML document: {place}", at=[place]) from error
    except (yaml.YAMLError, RecursionError) as error:
        place = Place(file, 1, 1, "YAML", type(error).__name__)
        raise InvalidDocument(f"{file} is not a YAML document", at=[place]) from error
    reader = _Reader(file)
    value = reader.value(node, ()) if node is not None else None
    document = YamlDocument(file, value, {(): (1, 1), **reader.places}, reader.spans)
    if reader.faults:
        raise document.refuse(reader.faults)
    return document


def _text(data: str | bytes, file: str) -> str:
    size = len(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    if size > DOCUMENT_BYTES_MAX:
        place = Place(file, 1, 1, f"at most {DOCUMENT_BYTES_MAX} bytes", str(size))
        raise InvalidDocument(f"{file} is too large: more than {DOCUMENT_BYTES_MAX} bytes", at=[place])
    try:
        return data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        place = Place(file, 1 + data[: error.start].count(b"\n"), 1, "UTF-8", "other bytes")  # type: ignore[arg-type]
        raise InvalidDocument(f"{file} is not UTF-8", at=[place]) from error


class _Reader:
    """Turns nodes into values, and notes places and faults."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[JsonPath, tuple[int, int]] = {}
        self.spans: dict[JsonPath, tuple[int, int]] = {}
        self.faults: list[Fault] = []

    def value(self, node: Node, path: JsonPath) -> Any:
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if len(path) > DEPTH_MAX:
            self.faults.append(Fault(path, _DEPTH, "more"))
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        self.spans[path] = (node.start_mark.index, node.end_mark.index)
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: JsonPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else repr(key_node.tag)
            at = (*path, key)
            value = self.value(value_node, at)
            self.places[at] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self.faults.append(Fault(at, "a name as key", "a list or a mapping"))
            elif key in result:
                self.faults.append(Fault(at, "each key once", f"{key!r} again"))
            elif _HALF.search(key):
                self.faults.append(Fault(at, "whole characters", repr(key)))
            result[key] = value
        return result

    def _scalar(self, node: ScalarNode, path: JsonPath) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "float":
            return float(text)
        if kind == "int" and (len(text) > DIGITS_MAX or abs(int(text)) > canonical.MAX_INTEGER):
            self.faults.append(Fault(path, "a number that every reader keeps", f"one of {len(text)} digits"))
        elif kind == "int":
            return int(text)
        elif _HALF.search(text):
            self.faults.append(Fault(path, "whole characters", repr(text)[:80]))
        return text
