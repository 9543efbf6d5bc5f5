"""What an auditor sees about a copy of a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from errno import EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path

from sluicegate_record import law
from sluicegate_record.audit import BREACHES_MAX, Audit, Unlawful, audit
from sluicegate_record.copy import open_copy, read_file
from sluicegate_record.errors import BadKey, VerificationFailed
from sluicegate_record.form import Json
from sluicegate_record.log import checkpoint, times
from sluicegate_record.log.proof import Proven
from sluicegate_record.since import KeptHead
from sluicegate_record.terms.text import counted, shown

SHOWN_MAX = 20
"""How many entries of a kind are shown to a person; JSON has more."""
VKEY_BYTES_MAX = 1_000
_WORDS = {
    "is_about_something": "An entry is about something that is on the record.",
}


def vkey(given: str) -> str:
    """The verifier key that a person gave: the key, or a file with it. Raises: BadKey."""
    try:
        return _file(Path(given))
    except OSError as error:
        if error.errno not in {ENOENT, ENOTDIR, ENAMETOOLONG, EINVAL}:
            raise BadKey(f"--key {given[:80]!r}: {error.strerror}") from error
    except UnicodeError as error:
        raise BadKey(f"--key {given[:80]!r} is not a file of UTF-8 text") from error
    except ValueError as error:
        raise BadKey(f"--key {given[:80]!r}: {error}") from error
    if given.count("+") < 2:
        raise BadKey(f"--key {given[:80]!r} is neither a verifier key nor a file that is there")
    return given


def _file(path: Path) -> str:
    data = read_file(path, VKEY_BYTES_MAX)
    if len(data) > VKEY_BYTES_MAX:
        raise ValueError("too long for a verifier key")
    return data.decode().strip()


def verify(where: str, vkey: str, since: Path | None = None) -> Audit:
    """Check the copy at a URL, in a folder or in a database, with a verifier key that the log has or had.

    `since` is a file with an older checkpoint of this log: the log must continue from it.
    Raises: BadKey: not a verifier key. InvalidInput: not a copy of a log, or not a checkpoint. Unreachable.
    """
    verifier = checkpoint.parse_vkey(vkey)
    kept = None if since is None else KeptHead(since, verifier)
    try:
        copy = open_copy(where, verifier)
        if kept is None:
            return audit(copy.note, verifier, copy.leaves, copy.hashes)
        found = audit(copy.note, verifier, kept.follow(copy.leaves), copy.hashes)
        if found.problem:
            return found
        kept.check_key(found.keys)
        return replace(found, problem=kept.problem, since=kept.head.size)
    except VerificationFailed as error:
        return Audit(0, b"", problem="; ".join(filter(None, (error.message, error.remedy))))


def answer(found: Audit) -> dict[str, Json]:
    """An audit as JSON."""
    told = {
        "ok": found.ok,
        "log": found.log,
        "size": found.size,
        "root": found.root.hex(),
        "lastAt": None if found.at_ms is None else times.format_time(found.at_ms),
        "firstBad": found.first_bad,
        "proofs": _proofs(found),
        "law": _law(found),
    }
    if found.since is not None:
        told["since"] = found.since
    if len(found.keys.keys) > 1:
        told["keys"] = [each.to_json() for each in found.keys.keys]
    return told if found.ok else {**told, "problem": problem(found)}


def _proofs(found: Audit) -> dict[str, Json]:
    rows = [each.proven for each in found.in_force if each.proven is not None]
    return {
        "checked": found.proofs,
        "bad": len(found.unproven),
        "proven": sum(each.is_proven for each in found.in_force),
        "noted": sum(each.proven is not None and not each.is_proven for each in found.in_force),
        "rows": {
            "signed": sum(each.signed for each in rows),
            "unsigned": sum(each.unsigned for each in rows),
            "countedOut": sum(each.counted_out for each in rows),
            "points": sum(each.stated for each in rows),
        },
        "notProven": [
            {
                "seq": each.seq,
                "directive": each.directive,
                "size": each.size,
                "why": each.why or str(each.proven),
            }
            for each in found.in_force
            if not each.is_proven
        ][:BREACHES_MAX],
    }


def _law(found: Audit) -> dict[str, Json]:
    judged = found.law
    return {
        "judged": judged.entries,
        "noRule": 0 if found.problem else found.size - judged.entries,
        "unlawful": [
            {
                "seq": each.seq,
                "type": each.type,
                "rule": each.rule,
                "says": _words(each.rule),
                "why": each.why,
            }
            for each in judged.unlawful
        ],
        "unlawfulCount": judged.unlawful_count,
        "unchecked": dict(judged.unchecked),
        "uncheckedAt": [
            {"rule": rule, "says": _words(rule), "entries": list(at)}
            for rule, at in judged.unchecked_at.items()
        ],
    }


def _words(rule: str) -> str:
    return _WORDS.get(rule) or law.words(rule)


def problem(found: Audit) -> str:
    """What is wrong, in one line; empty if nothing is."""
    if found.problem:
        return found.problem
    said = []
    if found.law.unlawful:
        said.append(f"not lawful: {_some(found.law.unlawful, found.law.unlawful_count, '; ')}")
    if found.unproven:
        bad = _some(found.unproven, len(found.unproven), "; ")
        said.append(f"in force, as these entries say, but not proven: {bad}")
    return "; ".join(said)


def worded(found: Audit) -> str:
    """An audit for a person to read, in lines that a terminal may safely show."""
    return "\n".join(map(shown, _lines(found)))


def _lines(found: Audit) -> Iterator[str]:
    if found.problem:
        is_signed = found.since is not None
        yield ("this log is signed, but " if is_signed else "this is NOT the signed log: ") + found.problem
        return
    if found.ok:
        yield f"verified: {counted(found.size, 'entry', 'entries')}, root {found.root.hex()}"
    else:
        yield f"this is the signed log, but {problem(found)}"
    last = "" if found.at_ms is None else f"; its last entry is of {times.format_time(found.at_ms)}"
    yield f"log: {found.log}{last}"
    for key in found.keys.keys[1:]:
        by = f"by the officers {' and '.join(key.officers)}" if key.officers else "by the key before"
        yield f"its key was replaced in entry {key.size - 1}, {by}; since then {key.vkey} signs"
    if found.since is not None:
        yield f"it continues from the checkpoint of {counted(found.since, 'entry', 'entries')} that was kept"
    yield from _in_force(found)
    yield from _of_law(found)


def _in_force(found: Audit) -> Iterator[str]:
    for each in found.in_force[:SHOWN_MAX]:
        if each.proven is not None:
            yield f"in force, {_support(each.proven)}: {each}"
    if len(found.in_force) > SHOWN_MAX:
        yield f"and {len(found.in_force) - SHOWN_MAX} more that are said to be in force"


def _support(proven: Proven) -> str:
    if not proven.signed:
        return "noted by the control plane and not proven"
    return f"{'' if proven.is_whole else 'partly '}proven by the signatures of gateways"


def _of_law(found: Audit) -> Iterator[str]:
    judged = found.law
    for rule, seqs in _by_rule(judged.unlawful).items():
        yield f"broken, {counted(len(seqs), 'time')}: {_words(rule)} {_at(seqs, len(seqs))}"
    if found.ok:
        but = ", as far as the public parts show" if judged.unchecked else ""
        yield f"lawful: {counted(judged.entries, 'entry', 'entries')} that a rule applies to{but}"
    if others := found.size - judged.entries:
        yield f"no rule applies to the other {counted(others, 'entry', 'entries')}"
    for rule, count in judged.unchecked.items():
        at = _at(judged.unchecked_at[rule], count)
        yield f"not checked, {counted(count, 'time')}: {_words(rule)} {at}"


def _by_rule(unlawful: Iterable[Unlawful]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in unlawful:
        found.setdefault(each.rule, []).append(each.seq)
    return found


def _at(seqs: Iterable[int], count: int) -> str:
    return f"({'entry' if count == 1 else 'entries'} {_some(seqs, count, ', ')})"


def _some(found: Iterable[object], count: int, between: str) -> str:
    """The first of `count` things, and how many more there are."""
    said = [str(each) for each in found][:SHOWN_MAX]
    return between.join([*said, f"and {count - len(said)} more"] if count > len(said) else said)
