"""Programmes in casework: which ones may be asked for, and which ones the developer suspends.

Rules:
- An application or amendment asks for programmes that the plan in force names. What agencies sign names them,
  and the grant has exactly those.
- Holders are registered members of the organization where the programme asks that each request names its
  person, and user profiles where it travels in one.
- The developer may suspend a programme of a grant, and resume it, as it may the whole grant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.grant import Grant
from sluicegate_record.terms.programmes import PROFILE, STANDARD, HeldProgramme, Programme, Programmes, label

PROGRAMMES_MAX, HOLDERS_MAX = 16, 64
"""How many programmes one grant may have, and how many holders they may have together: they are public, and
every position repeats them.
"""


def unfit(state: State, terms: str, organization: str, asked: Sequence[HeldProgramme]) -> Refusal | None:
    """Why these programmes may not be asked for under terms; None if they may."""
    stated = state.record.terms[terms].plan.spec.programmes
    for each in asked:
        known = stated.get(each.concern, {}).get(each.name)
        if known is None:
            return _unknown(each, stated)
        why = next(_faults(state, organization, each, known), None)
        if why is not None:
            return Refusal(
                "conflict",
                "programme_unfit",
                f"{each.label}: {why}",
                "'sluicegate status' shows what it asks",
            )
    if len({each.label for each in asked}) < len(asked):
        return Refusal("conflict", "programme_unfit", "a programme twice", "name each once")
    if len(asked) > PROGRAMMES_MAX or sum(len(each.holders) for each in asked) > HOLDERS_MAX:
        said = f"more than {PROGRAMMES_MAX} programmes, or {HOLDERS_MAX} holders of them"
        return Refusal("conflict", "programme_unfit", said, "ask for fewer")
    return None


def _unknown(asked: HeldProgramme, stated: Programmes) -> Refusal:
    known = [label(concern, name) for concern, names in stated.items() for name in names if name != STANDARD]
    said = f"the plan names no programme {asked.label[:120]!r}"
    return Refusal("unknown", "programme_unknown", said, f"it names {', '.join(known) or 'none'}")


def _faults(state: State, organization: str, asked: HeldProgramme, known: Programme) -> Iterator[str]:
    """What is wrong with the holders of a programme that is asked for."""
    if known.travels == PROFILE:
        if not asked.holders:
            yield "it travels in a user profile: name the profiles that have it"
        return
    if asked.name == STANDARD:
        yield "everyone has it"
    if asked.holders and not known.needs_person:
        yield "it does not ask that requests name a person, so no person alone can hold it"
    for member in asked.holders:
        person = state.table.people.get(member)
        if person is None or person.organization != organization:
            yield (
                f"no member {member[:80]!r} of this organization; "
                "'sluicegate member list --grant GRANT' shows them"
            )


def not_to_halt(grant: Grant, labels: Sequence[str]) -> Refusal | None:
    """Why programmes of a grant cannot be suspended or resumed: it has no such ones. None if they can."""
    known = {each.label for each in grant.programmes} | grant.halted
    for each in labels:
        if each not in known:
            said = f"grant {grant.id!r} has no programme {each[:120]!r}"
            return Refusal(
                "unknown", "programme_unknown", said, "'sluicegate grant show GRANT' lists those that it has"
            )
    return None
