"""What a build makes of a log, as plain JSON that does not depend on the shape of its classes.

Rules:
- A projection is sections of items: `{section: {name: JSON}}`; what is empty is left out of an item.
- Times are as entries write them. Order is kept in lists, where it counts.
- What is asked of a table comes from the entries alone: every credential, model and surface they name.

When the classes change, the functions here are all that has to be adapted; what they give must not change.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sluicegate.core.access import coverage, decision
from sluicegate.core.access.coverage import Usage
from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.naming import NOBODY, Naming, VerifiedAssertion
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import CredentialRow, GrantRow
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import State, applications, blocks, determination, notices, reports
from sluicegate.core.lifecycle.notices import Notice
from sluicegate.core.lifecycle.rows import Nomination
from sluicegate.core.people import persons
from sluicegate.core.terms.trust import Releases
from sluicegate_record import audit
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.course import Course
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.proceedings import ListComparison, Opinion, Span, Timer
from sluicegate_record.entries import Entry, cases, seen
from sluicegate_record.log import canonical, checkpoint, merkle, times
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.times import HOUR_MS
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import UNTIMED
from tests.forging import gate_value
from tests.worlds import DAY_MS

Sections = dict[str, dict[str, Any]]


# The state


def state_sections(state: State) -> Sections:
    """Everything the rules know."""
    return {
        "log": {"log": _log(state)},
        "releases": {name: _release(state, name) for name in state.releases},
        "cases": {name: _case(state, case) for name, case in state.cases.items()},
        "grants": {name: _grant_in(state, grant) for name, grant in state.table.grants_by_id.items()},
        "credentials": {
            name: {**_credential(state.table.credentials_by_id[name]), "grant": state.grant_of(name)}
            for name in state.keyring.places
        },
        "directives": {name: _directive(state, each) for name, each in state.directives.items()},
        "definitions": {
            name: {"statuses": sorted(each.statuses), "source": each.source}
            for name, each in state.definitions.items()
        },
        "points": dict(_points(state)),
        "keys": {
            name: {"owner": key.owner, "party": key.party, "public": canonical.b64(key.public)}
            for name, key in state.keys.items()
        },
        "stages": dict(_stages(state)),
        "organizations": dict(_organizations(state)),
        "persons": dict(_persons(state)),
        "providers": {name: _provider(state, name) for name in state.registry.providers},
        "attested": {
            name: {"keyid": keyid, "digest": digest}
            for name, (keyid, digest) in state.registry.attested.items()
        },
        "nominations": {each.nomination: _nomination(each) for each in state.nominations.values()},
        "notes": {str(number): _brief(note) for number, note in enumerate(state.notes.values())},
        "lists": dict(state.lists),
        "accounts": {name: each.to_json() for name, each in state.record.accounts.items()},
        "bases": {terms: {"then": then} for terms, then in state.record.bases.items()},
        "promises": {name: each.to_json() for name, each in state.record.promises.items()},
        "plans": {terms: _digest(each.plan.to_json()) for terms, each in state.record.terms.items()},
        "opened": {terms: _time(at_ms) for terms, at_ms in state.record.opened.items() if at_ms is not None},
        "clearances": {name: each.to_json() for name, each in state.record.clearances.items()},
        "designations": {name: each.to_json() for name, each in state.record.designations.items()},
        "evidence": {name: each.to_json() for name, each in state.record.evidence.items()},
        "found": {name: each.to_json() for name, each in state.record.findings.items()},
        "observations": {each.id: each.to_json() for each in state.record.observations.values()},
        "deployments": {name: each.to_json() for name, each in state.record.deployments.items()},
        "closings": {name: each.to_json() for name, each in state.record.closings.items()},
        "closures": {name: each.to_json() for name, each in state.record.closures.items()},
        "courses": {name: each.to_json() for name, each in state.record.courses.items() if _is_moved(each)},
        "lacking": {terms: each.to_json() for terms, each in state.record.lacking.items()},
        "agenda": _agenda(state),
    }


def _is_moved(course: Course) -> bool:
    """Whether an officer has moved a ramp: what the others are follows from openings, which are projected."""
    return course.digest is not None


def _log(state: State) -> dict[str, Any]:
    return {
        "size": state.size,
        "at": _time(state.at_ms),
        "origin": state.origin,
        "vkey": state.log,
        "developer": state.developer,
        "parties": sorted(state.parties),
        "cases": _digest(list(state.cases)),
        "directives": list(state.directives),
        "releases": list(state.releases),
        "spreading": list(state.spreading),
        "spent": _digest(sorted(state.registry.spent)),
    }


def _release(state: State, name: str) -> dict[str, Any]:
    release = state.releases[name]
    return {
        "plan": _digest(release.plan.to_json()),
        "terms": dict(release.terms),
        "agreed": sorted(release.agreed),
        "within": {terms: sorted(looser) for terms, looser in release.within.items()},
    }


def _case(state: State, case: Case) -> dict[str, Any]:
    combined, contradictions = case.agreed
    found = {
        "kind": case.kind,
        "question": case.question.digest,
        "rule": case.rule.to_json(),
        "parties": sorted(case.parties),
        "applicant": case.applicant,
        "organization": case.organization,
        "seq": case.seq,
        "at": _time(case.at_ms),
        "basis": case.basis,
        "procedure": _digest({} if case.procedure is UNTIMED else case.procedure.to_json()),
        "subject": case.subject,
        "dossier": case.dossier,
        "opening": _opening(case.opening),
        "described": _described(case),
        "named": seen(case.named),
        "state": case.state,
        "standing": case.standing,
        "outcome": case.outcome,
        "reasonCode": case.reason_code,
        "determined": _placed(case.determined_ms, case.determined_seq),
        "grant": case.grant,
        "appeal": case.appeal,
        "positions": {agency: _position(said) for agency, said in case.positions.items()},
        "history": [f"{said.seq} {said.agency} {said.position}" for said in case.history],
        "clocks": {agency: _clock(clock) for agency, clock in case.clocks.items()},
        "due": _time(case.due_ms),
        "asked": _time(case.asked_ms),
        "stops": _stops(case.stops),
        "wholeClock": list(case.whole_clock or ()),
        "screening": _screening(case.screening),
        "offerUntil": _time(case.offer_until_ms),
        "replyBy": _time(case.reply_by_ms),
        "replied": _placed(case.replied_ms, case.replied_seq),
        "appealBy": _time(applications.appeal_until_ms(case)),
        "answers": list(case.answers),
        "notes": [_note(state, note) for note in case.notes],
        "unopposed": case.unopposed,
        "proceeded": case.proceeded,
        "cleared": case.is_cleared,
        "consenting": sorted(case.consenting),
        "against": sorted(case.against),
        "awaiting": case.awaiting,
        "asking": sorted(case.asking),
        "recused": sorted(case.recused),
        "left": case.left.to_json() if case.recused and case.left is not None else None,
        "conditions": combined.to_json(),
        "contradictions": contradictions,
    }
    if case.state != kinds.DETERMINED and case.question.stage:
        found |= _open(state, case)
    return _filled(found)


def _open(state: State, case: Case) -> dict[str, Any]:
    """What stands in the way of an open case; of one whose stage is gone, nothing is asked."""
    combined, _ = blocks.granted_conditions(state.record, case)
    return {
        "blockedBy": [each.code for each in blocks.blocked_by(state.record, case, state.at_ms)],
        "granted": combined.to_json(),
        "hasSeat": determination.has_seat(state, case),
    }


def _opening(opening: cases.OfficerOpening | None) -> dict[str, Any] | None:
    return None if opening is None else _brief(opening.to_json())


def _described(case: Case) -> dict[str, Any] | None:
    described = seen(case.described)
    return None if described is None else described.to_json()


def _screening(found: ListComparison | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "list": found.name,
        "version": found.version,
        "decision": found.decision,
        "reason": found.reason,
        "owner": found.owner,
        "digest": found.digest,
        "at": _time(found.at_ms),
        "seq": found.seq,
        **({} if found.reopened_ms is None else {"reopened": _time(found.reopened_ms)}),
    }


def _note(state: State, note: Mapping[str, Any]) -> dict[str, Any]:
    by = {"party": state.developer} if note["kind"] == "proceeded" else {}
    return {**note, **by}


def _nomination(found: Nomination) -> dict[str, Any]:
    invited = {} if found.invited is None else {"invited": found.invited}
    return {**dict(zip(found._fields[:4], found, strict=False)), **invited}


def _position(said: Opinion) -> dict[str, Any]:
    return _filled(
        {
            "owners": list(said.owners),
            "position": said.position,
            "reason": said.reason,
            "digest": said.digest,
            "seq": said.seq,
            "at": _time(said.at_ms),
            "conditions": None if said.conditions is None else said.conditions.to_json(),
            "sealed": said.sealed,
        }
    )


def _clock(clock: Timer) -> dict[str, Any]:
    return _filled(
        {
            "started": _time(clock.started_ms),
            "receipt": clock.receipt,
            "due": _time(clock.due_ms),
            "warned": _time(clock.warned_ms),
            "rung": clock.rung,
            "climbed": _time(clock.climbed_ms),
            "asked": _time(clock.asked_ms),
            "stops": _stops(clock.stops),
            "silence": clock.silence,
            "ended": _time(clock.ended_ms),
        }
    )


def _grant_in(state: State, grant: GrantRow) -> dict[str, Any]:
    known = state.grants[grant.id]
    of_rules = {
        "case": known.case,
        "standing": known.standing,
        "live": known.is_live,
        "dossier": known.dossier,
        "party": state.party_of(grant.id),
        "amendment": known.amendment,
        "removal": known.removal,
        "provisioned": grant.id in state.keyring.valid,
    }
    return {**grant_json(grant), **_filled(of_rules)}


def grant_json(grant: GrantRow) -> dict[str, Any]:
    """A grant as a table holds it."""
    return _filled(
        {
            "organization": grant.organization,
            "release": grant.release,
            "stage": grant.stage,
            "surface": grant.surface,
            "terms": grant.terms,
            "models": dict(grant.models),
            "validFrom": _time(grant.valid_from_ms),
            "validUntil": _time(grant.valid_until_ms),
            "requestsPerMinute": grant.requests_per_minute,
            "replaced": grant.replaced,
            "proven": grant.proven,
            "barred": grant.barred.value if grant.barred is not None else None,
            "fallsBack": grant.falls_back,
            "programmes": sorted(map(repr, grant.programmes.items())),
            "halted": sorted(grant.halted),
        }
    )


def _credential(credential: CredentialRow) -> dict[str, Any]:
    attested = credential.state.attested
    stated = attested and _filled(
        {
            "statuses": sorted(attested.statuses),
            "models": sorted(attested.models) if attested.models is not None else None,
            "excluded": sorted(attested.excluded),
            "until": _time(attested.until_ms),
        }
    )
    member = credential.member.id if credential.member is not None else None
    return _filled({"revoked": credential.state.revoked, "member": member, "attested": stated})


def _directive(state: State, issued: Directive) -> dict[str, Any]:
    ended = issued.ended
    return _filled(
        {
            "issuer": issued.issuer,
            "document": issued.document.digest,
            "seq": issued.seq,
            "at": _time(issued.at_ms),
            "holds": _time(issued.holds_ms),
            "drill": issued.is_drill,
            "transcribed": issued.document.is_transcribed,
            "confirmed": issued.confirmed,
            "ended": ended.how if ended is not None else None,
            "endedAt": _placed(ended.at_ms, ended.seq) if ended is not None else None,
            "lifted": ended is not None,
            "lifts": list(issued.lifts),
            "parts": [each.to_json() for each in issued.parts],
            "history": [
                {
                    "directive": each.directive,
                    "seq": each.seq,
                    "document": each.document.digest,
                    "by": each.by,
                    "at": _time(each.at_ms),
                }
                for each in issued.history
            ],
            "inForce": _placed(issued.in_force_ms, issued.in_force_seq),
            "report": _digest(issued.report.to_json()) if issued.report is not None else None,
            "stops": issued.name in state.table.directives,
            "tried": issued.name in state.table.drills,
        }
    )


def _points(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, point in state.points.items():
        words = {
            directive: [said.says, said.of, _time(said.said_ms), said.seq, _time(said.at_ms)]
            for directive, said in point.stated.items()
        }
        yield (
            name,
            _filled(
                {
                    "surface": point.surface,
                    "public": canonical.b64(point.public),
                    "owner": point.owner,
                    "at": _time(point.at_ms),
                    "retired": point.retired,
                    "stated": words,
                }
            ),
        )


def _stages(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    for release in state.releases:
        for stage in state.releases[release].terms:
            key = (release, stage)
            yield (
                "/".join(key),
                _filled(
                    {
                        "seats": state.seats_of(*key),
                        "seated": {who: count for who, count in state.seats.get(key, {}).items() if count},
                        "waitlist": [list(each) for each in state.waitlists.get(key, {}).items()],
                        "nextOffers": [*state.next_offers(*key)],
                    }
                ),
            )


def _organizations(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is known of organizations, and their applicants, beside their grants."""
    table, registry = state.table, state.registry
    open_: dict[str, dict[str, str]] = {}
    for (organization, release, surface), case in state.open_applications.items():
        open_.setdefault(organization, {})[f"{release}/{surface}"] = case
    names = {*state.cases_of, *table.organizations, *registry.members, *registry.signatories, *open_}
    for name in sorted(names):
        known, members = table.organizations.get(name), registry.members.get(name, {})
        yield (
            name,
            _filled(
                {
                    "described": [known.name, known.registered_in, known.sector]
                    if known is not None
                    else None,
                    "cases": state.cases_of.get(name, []),
                    "open": open_.get(name),
                    "members": {"count": len(members), "digest": _digest(_members(members))}
                    if members
                    else None,
                    "signatories": {
                        keyid: [each.id, canonical.b64(each.public)]
                        for keyid, each in registry.signatories.get(name, {}).items()
                    },
                    "identifiers": _digest(
                        sorted([key.hex(), who.id] for key, who in table.registry.get(name, {}).items())
                    ),
                }
            ),
        )


def _members(members: Mapping[str, Sequence[bytes]]) -> list[Any]:
    return [[name, [each.hex() for each in identifiers]] for name, identifiers in members.items()]


def _persons(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """The members with a claim or a key; the others are in the digest of their organization."""
    told: dict[str, dict[str, Any]] = {}
    for member, claims in state.registry.told.items():
        for issuer, each in claims.items():
            told.setdefault(member, {})[issuer] = [each.method, each.by, _time(each.at_ms), each.assertion]
    for name, person in state.table.people.items():
        if not person.claims and not person.keys and name not in told:
            continue
        stands = persons.standing(person.claims, state.at_ms)
        yield (
            name,
            _filled(
                {
                    "organization": person.organization,
                    "keys": list(person.keys),
                    "claims": [
                        [each.issuer, each.status, each.assurance.word, _time(each.until_ms)]
                        for each in person.claims
                    ],
                    "told": told.get(name),
                    "standing": [
                        sorted(stands.statuses),
                        stands.assurance.word,
                        _time(stands.until_ms),
                        stands.why,
                    ],
                }
            ),
        )


def _provider(state: State, name: str) -> dict[str, Any]:
    found = state.registry.providers[name]
    held = state.table.providers[found.organization][name]
    return {
        "organization": found.organization,
        "stated": found.stated.to_json(),
        "keys": sorted(held.keys),
        "maxAgeS": held.max_age_s,
    }


def _agenda(state: State) -> dict[str, Any]:
    """What is due when; the first of it is told apart."""
    found = {
        f"{what.about} {what.what} {what.agency}".strip(): _time(at) for what, at in state.agenda.items()
    }
    first = state.agenda.first()
    return {**found, "first": [_time(first[0]), *first[1]] if first is not None else None}


# The table


class Asked(NamedTuple):
    """What can be asked of a table, as entries name it: `digests` of keys by credential, and who holds it."""

    digests: dict[str, bytes]
    organizations: dict[str, str]
    models: list[str]
    surfaces: list[str]
    namings: dict[str, dict[str, Naming]]
    """Ways to name a person, of organizations with members."""


def asked_of(entries: Iterable[Entry]) -> Asked:
    """Every credential, model and surface that entries name."""
    digests, organizations, grants = dict[str, bytes](), dict[str, str](), dict[str, str]()
    models, surfaces, namings = set[str](), set[str](), dict[str, dict[str, Naming]]()
    for entry in entries:
        public = entry.public
        if entry.type == "release.applied":
            plan = public["plan"] if public["announced"] else gate_value(entry, "plan")
            models |= {each["id"] for each in plan["spec"]["models"]}
            surfaces |= set(plan["spec"]["surfaces"])
        elif entry.type in {"grant.approved", "account.opened"}:
            grants[public.get("grant") or public["account"]] = gate_value(entry, "organization")
        elif entry.type == "credential.issued":
            digests[public["credential"]] = bytes.fromhex(gate_value(entry, "digest"))
            organizations[public["credential"]] = grants[public["grant"]]
        elif entry.type == "provider.registered":
            stated = gate_value(entry, "provider")
            namings.setdefault(gate_value(entry, "organization"), {}).update(_signed(stated))
        elif entry.type == "members.registered":
            namings.setdefault(gate_value(entry, "organization"), {}).update(_by_identifier())
    return Asked(digests, organizations, sorted(models), sorted(surfaces), namings)


def _by_identifier() -> dict[str, Naming]:
    """As the body of a request names its end user."""
    names = ("ada", "ben", "cyd", "dan", "stranger")
    found = {name: Naming((persons.identifier(name),)) for name in names}
    both = (persons.identifier("ada"), persons.identifier("cyd"))
    return {**found, "ada and cyd": Naming(both), "forged": Naming(is_forged=True)}


def _signed(stated: Mapping[str, Any]) -> dict[str, Naming]:
    """As an assertion of a provider names its subject."""
    kid, ada = min(stated["keys"]), persons.identifier("ada")
    return {"ada, signed": Naming(signed=VerifiedAssertion(stated["provider"], kid, ada, None))}


def table_sections(table: Table, asked: Asked, at_ms: int) -> Sections:
    """What a table offers and decides at about a time, in milliseconds since 1970 UTC."""
    decided = dict[str, Any]()
    for credential, digest in asked.digests.items():
        for model, surface in itertools.product(asked.models, asked.surfaces):
            ask = Ask(digest, model, surface)
            about, answers = f"{credential} {model} {surface}", _decisions(ask, table, at_ms)
            decided[about] = _same(answers)
            if not answers[0].startswith(_FOR_EVERYONE):
                for name, naming in asked.namings.get(asked.organizations[credential], {}).items():
                    found = _answer(replace(ask, naming=naming), table, Instant(at_ms, at_ms))
                    if found != answers[0]:
                        decided[f"{about} by {name}"] = found
    return {
        "table": {"table": _table(table, asked, at_ms)},
        "offers": _offers(table),
        "open": dict.fromkeys(sorted(table.open_terms), True),
        "pending": {"/".join(key): dict(cases) for key, cases in table.pending.items() if cases},
        "decisions": decided,
        "drills": {name: _stopped(table, asked, name, at_ms) for name in table.drills},
    }


_FOR_EVERYONE = ("deny credential_", "deny model_not_found")
"""How answers begin that do not depend on the person a request names."""


def _offers(table: Table) -> dict[str, Any]:
    return {
        name: _filled({"release": each.release, "announced": each.announced, "fallback": each.fallback})
        for name, each in table.offers.items()
    }


def _table(table: Table, asked: Asked, at_ms: int) -> dict[str, Any]:
    stale = Ask(next(iter(asked.digests.values()), bytes(32)), "", "")
    return {
        "size": table.size,
        "leaseMs": table.lease_ms,
        "longestLeaseMs": table.leases.longest_ms,
        "directives": sorted(table.directives),
        "plans": {name: table.release_open(name) for name in table.listings},
        "stale": _answer(stale, table, Reason.GATE_STALE),
        "unknown": _answer(replace(stale, digest=bytes(32)), table, Instant(at_ms, at_ms)),
        "missing": _answer(replace(stale, digest=None), table, Instant(at_ms, at_ms)),
    }


def _decisions(ask: Ask, table: Table, at_ms: int) -> list[str]:
    """The decision now, of a request in flight, between two bounds of the time, and later."""
    now = Instant(at_ms, at_ms)
    return [
        _answer(ask, table, now),
        _answer(replace(ask, in_flight=True), table, now),
        _answer(ask, table, Instant(at_ms - HOUR_MS, at_ms + 3 * HOUR_MS)),
        _answer(ask, table, Instant(at_ms + 20 * DAY_MS, at_ms + 20 * DAY_MS)),
    ]


def _answer(ask: Ask, table: Table, now: Now) -> str:
    """A decision in words, and where a fallback answers instead, that one's."""
    found = decision.decide(ask, table, now)
    said = _said(found)
    other = decision.instead(ask, found, table) if isinstance(found, Deny) else None
    return said if other is None else f"{said}; instead {_said(decision.decide(other, table, now))}"


def _said(found: Allow | Deny) -> str:
    if isinstance(found, Allow):
        words: dict[str, Any] = {
            "model": found.model,
            "upstream": found.upstream,
            "until": _time(found.until_ms),
            "rpm": found.requests_per_minute,
        }
        return " ".join(
            ["allow", found.grant.id, *(f"{name}={word}" for name, word in words.items() if word)]
        )
    words = {"directive": found.directive, "application": found.application, "fallback": found.fallback}
    given = [f"{name}={word}" for name, word in words.items() if word]
    return " ".join(["deny", found.reason.value, str(found.status), *given])


def _same(said: list[str]) -> Any:
    """One answer where all are the same."""
    return said[0] if len(set(said)) == 1 else said


def _stopped(table: Table, asked: Asked, drill: str, at_ms: int) -> list[str]:
    """The requests that a drill would stop."""
    directive, now = table.drills[drill], Instant(at_ms, at_ms)
    return [
        f"{credential} {model} {surface}"
        for credential, digest in asked.digests.items()
        for model, surface in itertools.product(asked.models, asked.surfaces)
        if decision.would_stop(directive, Ask(digest, model, surface), table, now)
    ]


def coverage_sections(table: Table, asked: Asked, at_ms: int) -> Sections:
    """What the directives in force, and drills, cover: keys, members, streams and calls, counted."""
    used = [
        Usage(credential, model, naming, 1, 3)
        for credential in asked.digests
        for model in asked.models
        for naming in (NOBODY, Naming((persons.identifier("cyd"),)))
    ]
    every, held = {**table.directives, **table.drills}, _with_former_holders(table)
    return {
        "coverage": {
            name: {
                **coverage.coverage(held, directive, used, at_ms).to_json(),
                "affected": sorted(coverage.affected(held, directive, at_ms)),
            }
            for name, directive in every.items()
        }
    }


def _with_former_holders(table: Table) -> Table:
    """The table as if no grant had ended: an earlier build counted those who had held one, too."""
    held = copy.copy(table)
    held.credentials = {
        digest: replace(each, grant=replace(each.grant, barred=None, replaced=False))
        for digest, each in table.credentials.items()
    }
    held.credentials_by_id = {each.id: each for each in held.credentials.values()}
    return held


def vouched_sections(table: VouchedTable, asked: Asked, at_ms: int) -> Sections:
    """What a table decides that honours only what it can check, and what it found."""
    now = Instant(at_ms, at_ms)
    decided = {
        f"{credential} {model} {surface}": _answer(Ask(digest, model, surface), table, now)
        for credential, digest in asked.digests.items()
        for model, surface in itertools.product(asked.models, asked.surfaces)
    }
    findings = {type_: count for type_, count in sorted(table.findings.items()) if count}
    return {
        "findings": findings,
        "vouched grants": {name: grant_json(grant) for name, grant in table.grants_by_id.items()},
        "vouched table": {"table": _table(table, asked, at_ms)},
        "vouched offers": _offers(table),
        "vouched open": dict.fromkeys(sorted(table.open_terms), True),
        "vouched decisions": decided,
    }


def projected(
    entries: Sequence[Entry], trust: Releases, sizes: Iterable[int]
) -> Iterator[tuple[int, Sections]]:
    """Fold entries one by one, and project what a state and a table that checks make of each of these sizes.

    Sections that are empty are left out.
    """
    state, vouched, wanted = State(), VouchedTable(trust), frozenset(sizes)
    for entry in entries:
        state.apply(entry)
        vouched.apply(entry)
        if entry.size in wanted:
            asked = asked_of(entries[: entry.size])
            found = {
                **state_sections(state),
                **table_sections(state.table, asked, entry.at_ms),
                **coverage_sections(state.table, asked, entry.at_ms),
                **vouched_sections(vouched, asked, entry.at_ms),
            }
            yield entry.size, plain({name: items for name, items in found.items() if items})


# Reports


def reports_of(entries: Sequence[Entry]) -> dict[str, Any]:
    """What the casework amounts to, and the notices of it, at the end of a log.

    An earlier build did not know what officers had written down for an agency.
    """
    state = State()
    for entry in entries:
        state.apply(entry)
        state.transcripts.clear()
    required = reports.requirements(state, state.at_ms)
    totals = reports.Totals(state.docket.sections.items(), state.at_ms)
    report = reports.report(totals, (), required, state.size).to_json()
    casework = {name: value for name, value in report.items() if name not in {"size", "at", "cannotSign"}}
    told = [[case.id, _unmarked(each).body().decode()] for case, each in notices.news(entries, {})]
    return {"casework": _exact(casework), "notices": {"count": len(told), "digest": _digest(told)}}


def _unmarked(notice: Notice) -> Notice:
    return replace(notice, data={key: each for key, each in notice.data.items() if key != "transcribedFor"})


def _exact(value: Any) -> Any:
    """JSON without fractions: a number that has one, as text."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {name: _exact(each) for name, each in value.items()}
    return [_exact(each) for each in value] if isinstance(value, (list, tuple)) else value


# Proofs


def proofs(leaves: Sequence[bytes], note: str, verifier: checkpoint.Verifier) -> dict[str, Any]:
    """Roots of some sizes, that leaves are in the log, that it only grew; and what an auditor finds."""
    nodes = dict[tuple[int, int], bytes]()
    frontier, roots = Frontier(), {0: Frontier().root().hex()}
    for leaf in leaves:
        for level, index, node in frontier.append(merkle.leaf_hash(leaf)):
            nodes[level, index] = node
        roots[frontier.size] = frontier.root().hex()
    size = len(leaves)
    sizes = sorted(
        {*(each for each in (1, 2, 3, 64, 255, 256, 257) if each <= size), *range(0, size, 50), size}
    )

    def read(places: Sequence[merkle.Place]) -> list[bytes]:
        return [nodes[place] for place in places]

    found = audit.audit(note, verifier, leaves)
    return {
        "roots": {str(each): roots[each] for each in sizes},
        "inclusion": {
            f"{index} in {each}": _hex(merkle.inclusion_proof(index, each, read))
            for each in sizes
            for index in sorted({0, each // 3, each - 1})
            if 0 <= index < each
        },
        "consistency": {
            f"{first} to {second}": _hex(merkle.consistency_proof(first, second, read))
            for first, second in itertools.pairwise([*sizes[1:], size])
        },
        "audit": {
            "ok": found.ok,
            "size": found.size,
            "root": found.root.hex(),
            "firstBad": found.first_bad,
            "problem": found.problem,
            "proofs": found.proofs,
            "unproven": list(found.unproven),
        },
    }


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


# Values


def plain(value: Any) -> Any:
    """A value as it is read back from a file, sharing nothing with what it was made from."""
    return json.loads(json.dumps(value))


def _digest(value: Any) -> str:
    return canonical.digest(value)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else times.format_time(at_ms)


def _placed(at_ms: int | None, seq: int | None) -> list[Any] | None:
    return None if at_ms is None else [_time(at_ms), seq]


def _stops(stops: Sequence[Span]) -> list[list[str | None]]:
    return [[_time(from_ms), _time(to_ms)] for from_ms, to_ms in stops]


def _filled(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an item says; what is empty says nothing."""
    return {name: value for name, value in found.items() if value not in (None, "", False, [], {}, ())}


def _brief(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item whose envelope is named by its digest."""
    if value is None:
        return None
    envelope = {"envelope": _digest(value["envelope"])} if "envelope" in value else {}
    return {**value, **envelope}
