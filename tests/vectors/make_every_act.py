"""Writes tests/vectors/every_act/ from the history of `acts`: `python -m tests.vectors.make_every_act`.

It is made once, by a build that is trusted, and then left alone: what other builds make of the same commands
and entries is compared with it. Make it anew only where the format of entries changes, or the history.

- `entries-*.jsonl`: the leaves with the openings of their gate and sealed parts, `[salt, body]` by field.
- `checkpoint`: the signed head of the log.
- `results.jsonl`: what every command gave, or the code of its refusal.
- `trust.json`: the trust file of a gateway that checks signatures.
- `expected.jsonl`: projections of the log (see `projection`), by size: the items that are new or changed
  since the size before (`set`), and those that are no more (`gone`).
- `reports.json`, `proofs.json`: of the whole log; `record.json`: its record, in version 1 of its form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sluicegate.core.terms import document, trust
from sluicegate.core.terms.trust import Releases
from sluicegate_record import entries
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, checkpoint, merkle
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.record import Record
from tests.vectors.acts import history
from tests.vectors.projection import Sections, projected, proofs, reports_of
from tests.vectors.themes.plans import CLOCKS, MAIN, MINI, OLDER, OWNERS, QUIET, SEATS
from tests.worlds import DEVELOPER, LOG, LOG_3, ORIGIN, pin, private_key

FOLDER = Path(__file__).parent / "every_act"
PART = 256
"""How many entries a file holds."""
EVERY = 25
"""Of how many sizes one is projected, beside those at which a directive begins or is lifted in part."""
ENDED = (876, 1057, 1535)
"""The sizes at which the history ended before themes were added to it: what was stored of it stays."""


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry as the feed has it, and what is sealed in it."""
    return {"leaf": entry.leaf.decode(), "gate": _openings(entry.gate), "sealed": _openings(entry.sealed)}


def _openings(openings: Mapping[str, Opening]) -> dict[str, list[str]]:
    return {name: [canonical.b64(each.salt), each.body.decode()] for name, each in openings.items()}


def read_entry(line: bytes) -> Entry:
    """An entry as it is stored, its openings checked."""
    item: Any = canonical.loads(line, max_bytes=len(line))
    parts = [
        {name: Opening(canonical.unb64(salt), body.encode()) for name, (salt, body) in item[part].items()}
        for part in ("gate", "sealed")
    ]
    return entries.read(item["leaf"].encode(), *parts)


def stored_entries() -> list[bytes]:
    """The stored entries, each as its line."""
    files = sorted(FOLDER.glob("entries-*.jsonl"))
    return [line for file in files for line in file.read_bytes().splitlines()]


def stored(name: str) -> Any:
    """What a file holds."""
    data = FOLDER.joinpath(name).read_bytes()
    if name.endswith(".jsonl"):
        return [canonical.loads(line, max_bytes=len(line)) for line in data.splitlines()]
    return canonical.loads(data, max_bytes=len(data))


def stored_trust() -> Releases:
    """The trust file of a gateway that checks signatures."""
    return trust.read_gateway(document.read(FOLDER.joinpath("trust.json").read_text("utf-8"), "trust.json"))


def trust_file() -> dict[str, Any]:
    """A gateway's trust file: it does not name every release, and asks more of one than its plan does."""
    owners: dict[str, dict[str, Any]] = {}
    for each in [*OWNERS, pin("oncd-2", "oncd")]:
        owners.setdefault(each.party, {})[each.owner] = {"key": canonical.b64(each.public)}
    both = {"allOf": ["oncd", "ostp"]}
    releases = {
        MAIN: {"floor": both, "upstreams": {MAIN: "demo", MINI: "demo"}},
        OLDER: {"floor": {"allOf": ["oncd"]}, "upstreams": {OLDER: "demo"}},
        CLOCKS: {"floor": {"anyOf": ["oncd", "ostp", "trade"]}, "upstreams": {CLOCKS: "demo"}},
        SEATS: {"floor": {"anyOf": ["caisi", both]}, "upstreams": {SEATS: "demo"}},
    }
    assert QUIET not in releases
    agencies = {party: {"owners": named} for party, named in owners.items() if party != DEVELOPER}
    spec = {"officers": owners[DEVELOPER], "agencies": agencies, "log": LOG, "releases": releases}
    metadata = {"developer": DEVELOPER}
    return {"apiVersion": "sluicegate/v1", "kind": "GatewayTrust", "metadata": metadata, "spec": spec}


def signed_head(leaves: Sequence[bytes], key: str = "log") -> str:
    """The checkpoint over these leaves, by the key of the log with this name."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(merkle.leaf_hash(leaf))
    return checkpoint.sign(ORIGIN, frontier.size, frontier.root(), private_key(key))


def record_of(entries: Iterable[Entry]) -> Record:
    """The record of these entries."""
    record = Record()
    for entry in entries:
        record.apply(entry)
    return record


def sizes(entries: Sequence[Entry]) -> list[int]:
    """The sizes that are projected: some, the last, and those at which a directive begins or loses a part."""
    directed = {entry.size for entry in entries if _directs(entry)}
    return sorted({*range(EVERY, len(entries), EVERY), *directed, *ENDED, len(entries)})


def _directs(entry: Entry) -> bool:
    is_part = entry.type == "directive.lifted" and "scope" in entry.public
    return is_part or entry.type == "directive.issued"


def steps(projections: Iterable[tuple[int, Sections]]) -> Iterator[dict[str, Any]]:
    """Projections, each as what has changed since the one before."""
    before: Sections = {}
    for size, sections in projections:
        new = {name: _changed(before.get(name, {}), items) for name, items in sections.items()}
        gone = {name: sorted(items.keys() - sections.get(name, {}).keys()) for name, items in before.items()}
        yield {
            "size": size,
            "set": {name: items for name, items in new.items() if items},
            "gone": {name: items for name, items in gone.items() if items},
        }
        before = sections


def _changed(before: Mapping[str, Any], items: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in items.items() if name not in before or before[name] != item}


def added_up(changes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Sections]]:
    """The projections again, by size, without sections that are empty."""
    sections: Sections = {}
    for step in changes:
        for name, items in step["set"].items():
            sections.setdefault(name, {}).update(items)
        for name, items in step["gone"].items():
            for item in items:
                del sections[name][item]
        yield step["size"], {name: items for name, items in sections.items() if items}


def main() -> None:
    """Write every file."""
    made = history()
    leaves = [entry.leaf for entry in made.entries]
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        if old.name != "record.json":  # no build writes that form any more
            old.unlink()
    for start in range(0, len(leaves), PART):
        name = f"entries-{start:04}.jsonl"
        _write_lines(name, [entry_json(entry) for entry in made.entries[start : start + PART]])
    entries = [read_entry(line) for line in stored_entries()]
    note = signed_head(leaves, LOG_3)
    FOLDER.joinpath("checkpoint").write_text(note, "utf-8")
    _write("trust.json", trust_file())
    _write_lines("results.jsonl", made.results)
    _write("reports.json", reports_of(entries))
    _write("proofs.json", proofs(leaves, note, checkpoint.parse_vkey(LOG)))
    _write_lines("expected.jsonl", steps(projected(entries, stored_trust(), sizes(entries))))


def _write(name: str, value: Any) -> None:
    FOLDER.joinpath(name).write_bytes(canonical.dumps(value) + b"\n")


def _write_lines(name: str, values: Iterable[Any]) -> None:
    FOLDER.joinpath(name).write_bytes(b"".join(canonical.dumps(each) + b"\n" for each in values))


if __name__ == "__main__":
    main()
