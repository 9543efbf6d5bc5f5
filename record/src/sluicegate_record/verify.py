"""What an auditor sees about a copy of a log."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate_record import law
from sluicegate_record.audit import Audit, audit
from sluicegate_record.copy import open_copy
from sluicegate_record.errors import VerificationFailed
from sluicegate_record.form import Json
from sluicegate_record.log import checkpoint
from sluicegate_record.terms.text import counted

SHOWN_MAX = 20
"""How many unlawful entries a person sees. JSON has more."""


def verify(where: str, vkey: str) -> Audit:
    """Check the copy at a URL, in a folder or in a database, with the log's verifier key.

    Raises: BadKey: not a verifier key. InvalidInput: not a copy of a log. Unreachable.
    """
    verifier = checkpoint.parse_vkey(vkey)
    try:
        copy = open_copy(where, verifier)
        return audit(copy.note, verifier, copy.leaves, copy.hashes)
    except VerificationFailed as error:
        return Audit(0, b"", problem=error.message)


def answer(found: Audit) -> dict[str, Json]:
    """An audit as JSON."""
    told = {
        "ok": found.ok,
        "size": found.size,
        "root": found.root.hex(),
        "firstBad": found.first_bad,
        "proofs": {"checked": found.proofs, "bad": len(found.unproven)},
        "law": {
            "judged": found.law.entries,
            "unlawful": [
                {"seq": each.seq, "type": each.type, "rule": each.rule, "why": each.why}
                for each in found.law.unlawful
            ],
            "unlawfulCount": found.law.unlawful_count,
            "unchecked": dict(found.law.unchecked),
        },
    }
    return told if found.ok else {**told, "problem": problem(found)}


def problem(found: Audit) -> str:
    """What is wrong, in one line; empty if nothing is."""
    if found.problem:
        return found.problem
    said = []
    if found.law.unlawful:
        more = found.law.unlawful_count - SHOWN_MAX
        shown = [str(each) for each in found.law.unlawful[:SHOWN_MAX]]
        said.append(f"not lawful: {'; '.join([*shown, f'and {more} more'] if more > 0 else shown)}")
    if found.unproven:
        said.append(f"these entries do not prove that a directive was in force: {'; '.join(found.unproven)}")
    return "; ".join(said)


def worded(found: Audit) -> str:
    """An audit for a person to read."""
    if found.problem:
        return f"this is NOT the signed log: {found.problem}"
    if not found.ok:
        return f"this is the signed log, but {problem(found)}"
    return "\n".join(_well(found))


def _well(found: Audit) -> Iterator[str]:
    proven = f"; {counted(found.proofs, 'directive')} shown to have been in force" if found.proofs else ""
    yield f"verified: {counted(found.size, 'entry', 'entries')}, root {found.root.hex()}{proven}"
    hidden = sum(found.law.unchecked.values())
    but = ", as far as the public parts show" if hidden else ""
    yield f"lawful: {counted(found.law.entries, 'entry', 'entries')} that a rule applies to{but}"
    for rule, count in found.law.unchecked.items():
        yield f"not checked, {counted(count, 'time')}: {law.words(rule)}"
