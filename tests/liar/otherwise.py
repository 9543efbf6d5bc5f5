"""What an entry may say instead: each field that is declared, left out or with another value.

Rules:
- A value comes from the same log: what other entries say there or under the same name, the nearest first;
  then values that no entry says. `elsewhere` fills in what the log lacks.
- A signed statement stays whole, or is put together of the parts of others: nobody can sign a new one.
- A new type or field is attacked as soon as it is declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sluicegate_record.entries import Entry
from sluicegate_record.entries.body import layout_of
from sluicegate_record.errors import SluicegateError
from sluicegate_record.log import times
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.statements.discussion import Discussion
from tests.forging import forged, gate_value, openings, public_of
from tests.worlds import DAY_MS

Path: TypeAlias = tuple[str | int, ...]
"""A place in an entry: the part, the field, and so on within it; 0 is the first of a list."""
GONE = object()
DEPTH_MAX = 6
UNSAID: Mapping[str, list[Any]] = {
    "said": [Discussion.of(()).to_json()],
    "weighs": [False],
    "opener": ["applicant_other"],
    "invited": ["applicant_other"],
    "blocked": [["screening_needed"]],
    "reopens": [["terms_other"]],
    "webauthn": [{"rpId": "passkeys.example", "origin": "https://desk.passkeys.example"}],
}
"""What may be said in fields that no entry of the logs has."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_SALT = bytes(range(32))


class Values:
    """What the entries of a log say, by the name of the field."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._said: dict[str, list[tuple[int, str, Any]]] = {}
        for entry in entries:
            for _, key, value in fields_of(entry):
                self._said.setdefault(key, []).append((entry.seq, entry.type, value))

    def others(self, entry: Entry, key: str, value: Any, count: int) -> list[Any]:
        """What other entries say there, the nearest first; those of the same type before the others."""
        said = self._said.get(key, [])
        near = sorted(said, key=lambda each: (each[1] != entry.type, abs(each[0] - entry.seq)))
        found: list[Any] = []
        same = 0
        for _, type_, other in near:
            if other == value or other in found or (value is not GONE and _shape(other) != _shape(value)):
                continue
            if type_ == entry.type and same == count:
                continue
            same += type_ == entry.type
            found.append(other)
            if len(found) == 2 * count:
                break
        return found


def _shape(value: Any) -> str:
    return "text" if value is None or isinstance(value, str) else type(value).__name__


def fields_of(entry: Entry) -> Iterator[tuple[tuple[str, Path], str, Any]]:
    """Every field of an entry, also within others: its part and path, its name, and what it says."""
    yield from (
        ((part, path), str(path[-1]), value)
        for part, values in _parts(entry).items()
        for path, value in _within((), values)
        if isinstance(path[-1], str)
    )


def _parts(entry: Entry) -> dict[str, Mapping[str, Any]]:
    gate = {name: gate_value(entry, name) for name in entry.gate}
    return {"public": public_of(entry), "gate": gate}


def _within(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    if len(path) == DEPTH_MAX or (path and path[-1] == "envelope"):
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _within((*path, key), each)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield from _within((*path, 0), value[0])


def _strange(value: Any) -> Iterator[Any]:
    """Values that no entry need say."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, 1_000_000)
    elif isinstance(value, str) and _TIME.match(value):
        at_ms = times.parse_time(value)
        yield from (times.format_time(at_ms + shift * DAY_MS) for shift in (-1, 1, 3_650))
        yield None
    elif isinstance(value, str):
        yield value + "x"
    elif isinstance(value, list) and value:
        yield from (value[1:], value[::-1]) if len(value) > 1 else ([],)
    elif isinstance(value, Mapping) and value:
        yield {}


def _envelopes(value: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """An envelope with another's signatures or payload, and with fewer signatures."""
    signatures = value["signatures"]
    if len(signatures) > 1:
        yield {**value, "signatures": signatures[:1]}
        yield {**value, "signatures": [signatures[0]] * 2}
    for other in others[:2]:
        yield {**value, "signatures": other["signatures"]}
        yield {**value, "payload": other["payload"]}


class Other(NamedTuple):
    """An entry that says something else at one place."""

    kind: str
    path: Path
    entry: Entry


def others(entry: Entry, values: Values, elsewhere: Values, count: int = 2) -> Iterator[Other]:
    """The entry with each of its fields left out, or saying something else."""
    for (part, path), key, value in list(fields_of(entry)):
        instead = [("left out", GONE)]
        found = values.others(entry, key, value, count)
        if key == "envelope":
            instead += [("another's", each) for each in found]
            instead += [("put together", each) for each in _envelopes(value, found)]
        else:
            instead += [("from elsewhere", each) for each in found]
            instead += [("invented", each) for each in _strange(value)]
        yield from _made(entry, part, path, instead)
    layout, parts = layout_of(type(entry.body)), _parts(entry)
    for part, declared in (("public", layout.public), ("gate", layout.gate)):
        for each in declared:
            if each.key not in parts[part]:
                found = values.others(entry, each.key, GONE, count)
                found = found or elsewhere.others(entry, each.key, GONE, count) or UNSAID.get(each.key, [])
                yield from _made(entry, part, (each.key,), [("added", value) for value in found])
    yield from _headed(entry)
    yield from _sealed(entry)


def _made(entry: Entry, part: str, path: Path, instead: Iterable[tuple[str, Any]]) -> Iterator[Other]:
    parts = _parts(entry)
    for kind, value in instead:
        changed = {**parts, part: _with(parts[part], path, value)}
        gate = dict(entry.gate)
        if part == "gate":
            gate = {name: opened for name, opened in gate.items() if name in changed["gate"]}
            name = str(path[0])
            if name in changed["gate"]:
                gate |= openings({name: changed["gate"][name]}, Entropy(_SALT))
        try:
            made = saying(entry, changed["public"], gate)
        except SluicegateError:
            continue
        yield Other(kind, (part, *path), made)


def _with(value: Any, path: Path, instead: Any) -> Any:
    key, *rest = path
    if isinstance(value, list):
        first = (
            []
            if not rest and instead is GONE
            else [_with(value[0], tuple(rest), instead) if rest else instead]
        )
        return [*first, *value[1:]]
    if rest:
        return {**value, key: _with(value[key], tuple(rest), instead)}
    if instead is GONE:
        return {name: each for name, each in value.items() if name != key}
    return {**value, key: instead}


def _sealed(entry: Entry) -> Iterator[Other]:
    """What is sealed is something else, or is not there."""
    for name, opened in entry.sealed.items():
        for kind, body in (("left out", None), ("invented", b'"x"')):
            kept = {key: each for key, each in entry.sealed.items() if key != name}
            more = {} if body is None else {name: Opening(opened.salt, body)}
            made = saying(entry, public_of(entry), sealed={**kept, **more})
            yield Other(kind, ("sealed", name), made)


def _headed(entry: Entry) -> Iterator[Other]:
    """Another sent the command."""
    for by in ("clock", "tester"):
        if by != entry.by:
            yield Other("invented", ("by",), saying(entry, public_of(entry), by=by))


def saying(
    entry: Entry,
    public: Mapping[str, Any],
    gate: Mapping[str, Opening] | None = None,
    sealed: Mapping[str, Opening] | None = None,
    by: str = "",
) -> Entry:
    """An entry at the same place that says exactly this. Raises: SluicegateError: no leaf can say it."""
    return forged(
        entry.type,
        public,
        entry.gate if gate is None else gate,
        entry.sealed if sealed is None else sealed,
        seq=entry.seq,
        at_ms=entry.at_ms,
        stream=entry.stream,
        by=by or entry.by,
        command=entry.id,
    )
