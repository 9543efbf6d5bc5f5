"""Directives: preview, issue, confirm, lift; what they mean to whom.

Rules:
- Whoever a directive itself names must be known here, lest a typing error covers nobody; an annex may name
  strangers, who are covered or excepted as soon as they come.
- Names come to tags and pseudonyms here, and nowhere else: entries name nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluicegate.core.directives import cover
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.core.lifecycle.directives import LIFTED, AddDefinition, Confirm, IssueDirective, OpenLift
from sluicegate.core.people import application, persons
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service.ledger import Ledger
from sluicegate_record.directives import names
from sluicegate_record.directives.scope import Scope
from sluicegate_record.directives.status import STATUSES, UNKNOWN
from sluicegate_record.entities.directive import Directive, LiftedPart
from sluicegate_record.entries.cases import Description
from sluicegate_record.log import canonical, times
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening


def issue(
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    envelope: dict[str, Any],
    opened: Mapping[str, Any] | None = None,
) -> dict[str, Any] | Refusal:
    """Put a signed directive in force.

    `opened` is `{salt, value}` for each of its commitments, by name.
    Raises: BadEnvelope, InvalidInput.
    """
    openings = openings_of(opened or {})
    named = resolve(ledger, {name: each.value() for name, each in openings.items()})
    if isinstance(named, Refusal):
        return named
    command = IssueDirective(Envelope.from_json(envelope), openings, named, undescribed(ledger))
    asked = ["directive", envelope, opened]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=asked)


def confirm(
    ledger: Ledger, principal: Principal, command_id: str, envelope: dict[str, Any]
) -> dict[str, Any] | Refusal:
    """Put on the record that the issuer of a transcription stands by it. Raises: BadEnvelope."""
    command = Confirm(Envelope.from_json(envelope))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=["confirm", envelope])


def open_lift(  # noqa: PLR0913 - who, under which id, which directive, which part of it
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    name: str,
    scope: dict[str, Any] | None = None,
    opened: Mapping[str, Any] | None = None,
) -> dict[str, Any] | Refusal:
    """Open the case about lifting a directive, or a part of it, or go on with the open one."""
    opening = openings_of({LIFTED: opened})[LIFTED] if opened is not None else None
    named = resolve(ledger, {LIFTED: opening.value()}) if opening is not None else {}
    if isinstance(named, Refusal):
        return named
    command = OpenLift(
        name, Scope.from_json(scope) if scope else None, opening, named.get("lift", cover.NOBODY)
    )
    request = ["lift", name, scope or {}, opened]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def define(  # noqa: PLR0913 - who, under which id, a name, what it means and where that is written
    ledger: Ledger, principal: Principal, command_id: str, name: str, statuses: list[str], source: str
) -> dict[str, Any] | Refusal:
    """Say what the words of an order mean. Raises: InvalidInput."""
    known = set(STATUSES) - UNKNOWN
    if not statuses or not set(statuses) <= known:
        raise InvalidInput(f"the statuses {statuses!r}, expected some of {', '.join(sorted(known))}")
    command = AddDefinition(name, frozenset(statuses), source)
    request = ["define", name, statuses, source]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def definitions(ledger: Ledger) -> dict[str, Any]:
    """What definitions mean, and where that is written."""
    with ledger.reading() as state:
        found = {**persons.DEFINITIONS, **state.definitions}
        return {
            "definitions": [
                {"definition": each.name, "statuses": sorted(each.statuses), "source": each.source}
                for _, each in sorted(found.items())
            ]
        }


def listed(ledger: Ledger) -> dict[str, Any]:
    """Every directive on the record, newest first."""
    with ledger.reading() as state:
        return {"directives": [_shown(found) for found in reversed([*state.directives.values()])]}


def shown(ledger: Ledger, name: str) -> dict[str, Any] | Refusal:
    """What the public record says of a directive: who, what, why, since when, and what was added later."""
    with ledger.reading() as state:
        found = state.directives.get(name)
        if found is None:
            return directives.directive_unknown(name)
        return {**_shown(found), "document": found.document.to_json(), "said": _said(state, found)}


def _shown(found: Directive) -> dict[str, Any]:
    source = found.document.to_json()
    spec, ended = source["spec"], found.ended
    return {
        "directive": found.name,
        "issuer": found.issuer,
        "transcribed": source["metadata"].get("transcribed"),
        "confirmed": found.confirmed if found.document.is_transcribed else None,
        "drill": found.is_drill,
        "inForce": ended is None,
        "ended": ended.how if ended is not None else None,
        "endedAt": times.format_time(ended.at_ms) if ended is not None else None,
        "issuedAt": times.format_time(found.at_ms),
        "effective": spec.get("effective", "immediately"),
        "expires": spec.get("expires"),
        "action": spec.get("action", "suspend"),
        "models": spec["models"],
        "surfaces": spec["surfaces"],
        "covers": spec["covers"],
        "except": spec.get("except"),
        "basis": spec["basis"],
        "reasons": spec["reasons"],
        "lifted": [_lifted(part) for part in found.parts],
        "liftedBy": spec["liftedBy"],
        "liftCase": found.lift,
    }


def _lifted(part: LiftedPart) -> dict[str, Any]:
    at = times.format_time(part.at_ms)
    return {"case": part.case, "scope": part.scope.to_json(), "at": at, "seq": part.seq}


def _said(state: State, found: Directive) -> list[dict[str, Any]]:
    """What was said of it and when, in order: the document's reasons, those before, and every note."""
    stated = [*((each.seq, each.document) for each in found.history), (found.seq, found.document)]
    documents = [
        {"seq": seq, "kind": "document", "reasons": document.to_json()["spec"]["reasons"]}
        for seq, document in stated
    ]
    notes = [note for note in state.notes if note["about"].get("directive") == found.name]
    return [*documents, *notes]


def openings_of(given: Mapping[str, Any]) -> dict[str, Opening]:
    """What opens commitments, as it comes: `{salt, value}` by name. Raises: InvalidInput."""
    found = {}
    for name, each in given.items():
        salt = canonical.unb64(each["salt"])
        if len(salt) != leaves.SALT_BYTES:
            raise InvalidInput(f"a salt of {len(salt)} bytes for {name!r}, expected {leaves.SALT_BYTES}")
        found[name] = Opening(salt, canonical.dumps(each["value"]))
    return found


def resolve(ledger: Ledger, given: Mapping[str, Any]) -> dict[str, Resolution] | Refusal:
    """What names come to, by `covers`, `except`, `lift` and an annex's name.

    `given` are the values of `Document.commitments`. One that a directive itself names must be known.
    Raises: InvalidInput: not lists of names.
    """
    stated = {name: _stated(name, value) for name, value in given.items()}
    texts = {text for each in stated.values() if each for text in each.get("organizations", ())}
    tags = {text: ledger.tag(text) for text in texts}  # before the state is held: 100,000 take seconds
    found: dict[str, Resolution] = {}
    with ledger.reading() as state:
        for name, value in stated.items():
            if value is None:
                continue
            named, part = _named(state, value, tags), name.partition(".")[0]
            if name.startswith(names.ANNEX):
                found[name] = named
                continue
            unknown = _unknown(ledger, state, named, given[name])
            if unknown is not None:
                return unknown
            found[part] = found.get(part, cover.NOBODY) | named
    return found


def _stated(name: str, value: Any) -> dict[str, list[str]] | None:
    """The names that open a commitment; None where it is to no names."""
    kind = name.partition(".")[2]
    if name.startswith(names.ANNEX):
        return _checked(value)
    return _checked({kind: value}) if kind in {"organizations", "persons"} else None


def undescribed(ledger: Ledger) -> list[Description]:
    """The organizations that a log of an earlier build does not describe."""
    with ledger.reading() as state:
        known = state.table.organizations
        lacking = {grant.organization for grant in state.table.grants_by_id.values()} - known.keys()
    stored = ((name, ledger.store.principals.registered(name)) for name in sorted(lacking))
    return [
        Description(organization=name, name=ledger.tag(found.name), registered_in=found.registered_in)
        for name, found in stored
        if found
    ]


def _checked(value: Any) -> dict[str, list[str]]:
    try:
        return names.check(value)
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _named(state: State, value: dict[str, list[str]], tags: Mapping[str, str]) -> Resolution:
    organizations = value.get("organizations", [])
    known = {grant.organization for grant in state.table.grants_by_id.values()} | set(
        state.table.organizations
    )
    ids = [name for name in organizations if name in known]
    names = [tags[name] for name in organizations if name not in known]
    return Resolution(ids, names, value.get("persons", []))


def _unknown(ledger: Ledger, state: State, named: Resolution, given: list[str]) -> Refusal | None:
    """The refusal of a name nobody bears, or of a person nobody registered, among those a directive names."""
    for person in named.persons:
        if person not in state.table.people:
            said = f"no member {person[:80]!r}"
            return Refusal("unknown", "person_unknown", said, "'member list' shows the members")
    for name in given if not named.persons else ():
        if name not in named.organizations and not _is_borne(ledger, state, name):
            said, remedy = f"no organization {name[:80]!r}", "give its legal name as applied, or use an annex"
            return Refusal("unknown", "organization_unknown", said, remedy)
    return None


def _is_borne(ledger: Ledger, state: State, name: str) -> bool:
    """Whether an organization of this legal name has ever applied here."""
    return bool(
        state.table.bearing(ledger.tag(name))
        or ledger.store.principals.organizations(application.name_key(name))
    )
