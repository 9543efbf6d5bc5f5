"""What the rules say, read literally: slow, without indexes, independent of the code under test.

Every question is answered by going through all entries again. Entries come with their openings.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate_record.entries import Entry
from sluicegate_record.log.times import DAY_MS
from tests.forging import gate_value, public_of

# Rules


def rule_holds(rule: Any, holds: AbstractSet[str]) -> bool:
    """DESIGN 4.1: allOf | anyOf | atLeast {n, of} | majorityOf, nested."""
    if isinstance(rule, str):
        return rule in holds
    if "allOf" in rule:
        return all(rule_holds(member, holds) for member in rule["allOf"])
    if "anyOf" in rule:
        return any(rule_holds(member, holds) for member in rule["anyOf"])
    if "atLeast" in rule:
        holding = [member for member in rule["atLeast"]["of"] if rule_holds(member, holds)]
        return len(holding) >= int(rule["atLeast"]["n"])
    yes = [rule_holds(member, holds) for member in rule["majorityOf"]]
    return yes.count(True) > yes.count(False)


def named(rule: Any) -> set[str]:
    """The parties a rule names."""
    if isinstance(rule, str):
        return {rule}
    (body,) = rule.values()
    members = body["of"] if isinstance(body, dict) else body
    return set().union(*(named(member) for member in members))


def among(rule: Any, recused: AbstractSet[str]) -> Any:
    """The rule among those who have not recused themselves, None where nobody is left of it."""
    if isinstance(rule, str):
        return None if rule in recused else rule
    ((operator, body),) = rule.items()
    members = [among(member, recused) for member in (body["of"] if operator == "atLeast" else body)]
    left = [member for member in members if member is not None]
    if not left:
        return None
    return {operator: {"n": body["n"], "of": left}} if operator == "atLeast" else {operator: left}


# Decisions


_Allowed = tuple[str, str, int | None, int | None]
"""The grant, the upstream, until when, and how many requests a minute."""


@dataclass(frozen=True)
class Answer:
    """`reason` is None where the request is allowed; `directives` are all that suspend it.

    `is_directed` says that a directive is about the model, so that the time may come sooner to look again.
    """

    reason: str | None
    grant: _Allowed | None = None
    is_directed: bool = False
    directives: Mapping[str, bool] = field(default_factory=dict)
    application: str | None = None
    fallback: str | None = None


def agrees(answer: Answer, decided: Allow | Deny) -> bool:
    """Whether a decision is this answer; of several directives any may be named."""
    if isinstance(decided, Allow):
        allowed = (decided.grant.id, decided.upstream, decided.until_ms, decided.requests_per_minute)
        if answer.grant is None or not answer.is_directed or decided.until_ms is None:
            return answer.reason is None and answer.grant == allowed
        sooner = answer.grant[2] is None or decided.until_ms <= answer.grant[2]
        return sooner and answer.grant[:2] + answer.grant[3:] == allowed[:2] + allowed[3:]
    if decided.reason.value != answer.reason or decided.fallback != answer.fallback:
        return False
    if answer.directives:
        return answer.directives.get(decided.directive or "") is decided.by_order
    return decided.directive is None and decided.application == answer.application


def decide(
    entries: Sequence[Entry], ask: Ask, now: Now, providers: Providers = MappingProxyType({})
) -> Answer:
    """DESIGN 4.3. A fallback that is not announced is shown to those who hold a grant for it."""
    answer = _decide(entries, ask, now, providers)
    offering = [e for e in _plans_in_force(entries) if answer.fallback in _models(e)]
    if not offering or _plan(offering[0])["spec"]["announced"]:
        return answer
    approved = _of(entries, "grant.approved")
    keys = _of(entries, "credential.issued")
    issued = [e for e in keys if bytes.fromhex(gate_value(e, "digest")) == ask.digest]
    own = [e for e in approved if public_of(e)["grant"] == public_of(issued[-1])["grant"]]
    sought = (public_of(offering[0])["release"], ask.surface, gate_value(own[0], "organization"))
    held = {
        (public_of(e)["release"], public_of(e)["surface"], gate_value(e, "organization")) for e in approved
    }
    return answer if sought in held else replace(answer, fallback=None)


def _decide(  # noqa: C901, PLR0911 - one a reason
    entries: Sequence[Entry], ask: Ask, now: Now, providers: Providers = MappingProxyType({})
) -> Answer:
    """DESIGN 4.3, in its order."""
    if ask.digest is None:
        return Answer("credential_missing")
    if isinstance(now, Reason):
        return Answer(now.value)
    issued = [
        e for e in _of(entries, "credential.issued") if bytes.fromhex(gate_value(e, "digest")) == ask.digest
    ]
    if not issued:
        return Answer("credential_unknown")
    if any(
        public_of(e)["credential"] == public_of(issued[-1])["credential"]
        for e in _of(entries, "credential.revoked")
    ):
        return Answer("credential_revoked")
    if ask.unread is not None:
        return Answer(ask.unread.reason.value)
    (own_grant,) = [
        e for e in _of(entries, "grant.approved") if public_of(e)["grant"] == public_of(issued[-1])["grant"]
    ]
    organization = gate_value(own_grant, "organization")
    grants = [e for e in _of(entries, "grant.approved") if gate_value(e, "organization") == organization]
    offering = [e for e in _plans_in_force(entries) if ask.model in _models(e)]
    if not offering:
        return Answer("model_not_found")
    (applied,) = offering
    release, spec = public_of(applied)["release"], _plan(applied)["spec"]
    here = [e for e in grants if (public_of(e)["release"], public_of(e)["surface"]) == (release, ask.surface)]
    if not spec["announced"] and not here:
        return Answer("model_not_found")
    fallback = spec.get("onRefusal", {}).get("fallbackModel")
    asking = Asking(entries, ask, issued[-1], organization, providers)
    suspending, restricting = asking.directives(now)
    if suspending:
        return Answer("directive_in_force", directives=suspending, fallback=fallback)
    if ask.instead_of and here:
        answer = _by_fallback(entries, ask, now, grants, issued[-1], fallback)
        both = [public_of(_current(entries, here))["grant"], public_of(own_grant)["grant"]]
        lacking = [] if answer.reason else [why for each in both if (why := _lacks(asking, each))]
        if lacking:
            return Answer(lacking[0], fallback=fallback)
        return _restricted(entries, ask, asking, restricting, answer)
    reason, application = _without_directive(entries, ask, now, release, organization, grants, issued[-1])
    if reason is not None:
        return Answer(reason, application=application, fallback=fallback)
    why = _lacks(asking, public_of(_current(entries, here))["grant"])
    if why:
        return Answer(why, fallback=fallback)
    answer = Answer(None, _allowed(entries, here, ask.model))
    return _restricted(entries, ask, asking, restricting, answer)


def _allowed(entries: Sequence[Entry], here: Sequence[Entry], model: str) -> _Allowed:
    granted = _current(entries, here)
    public = _as_amended(entries, granted)
    upstream = _terms(entries, public["terms"])["models"][model]
    ends = [_ms(public["validUntil"])] if public["validUntil"] else []
    ends += stated_until(entries, public["terms"], model, public_of(granted)["surface"])
    until = min(ends, default=None)
    per_minute = public["conditions"].get("requestsPerMinute")
    return (public_of(granted)["grant"], upstream, until, per_minute)


def _is_unstated(entries: Sequence[Entry], ask: Ask, terms: str, now: Instant) -> bool:
    """Whether terms ask for a statement of what serves a model of theirs, and none holds."""
    if ask.model not in _terms(entries, terms)["models"] or not asks_for_statements(entries, terms):
        return False
    return not any(now.late_ms < ms for ms in stated_until(entries, terms, ask.model, ask.surface))


def asks_for_statements(entries: Sequence[Entry], terms: str) -> bool:
    """Whether terms ask that the developer signs what serves their models."""
    return "deployments" in _terms(entries, terms)["plan"]["spec"]


def stated_until(entries: Sequence[Entry], terms: str, model: str, surface: str) -> list[int]:
    """Until when a statement of what serves a model holds, by terms that ask for one; nothing otherwise."""
    plan = _terms(entries, terms)["plan"]
    release, asked = plan["metadata"]["name"], plan["spec"].get("deployments")
    newest = None
    for entry in entries:
        public = public_of(entry)
        if entry.type == "deployment.attested" and public["release"] == release:
            newest = public
        if entry.type == "deployment.ended" and newest and public["deployment"] == newest["digest"]:
            newest = None
    if asked is None or newest is None:
        return []
    (agreed,) = [each for each in plan["spec"]["models"] if each["id"] == model]
    what = [agreed["upstream"], agreed["digest"], agreed["safeguards"]]
    for each in newest["serves"]:
        said = [each["upstream"], each["digest"], each["safeguards"]]
        if (each["model"], said) == (model, what) and surface in each["surfaces"]:
            days = int(asked["atMost"].removeprefix("P").removesuffix("D"))
            return [min(_ms(newest["until"]), _ms(newest["signedAt"]) + days * DAY_MS)]
    return []


def settle(
    entries: Sequence[Entry], ask: Ask, now: Now, providers: Providers = MappingProxyType({})
) -> Answer:
    """A directive's refusal, or the fallback's answer where the holder of the key's grant wants that."""
    first = decide(entries, ask, now, providers)
    if first.reason != "directive_in_force" or first.fallback is None:
        return first
    second = decide(entries, replace(ask, model=first.fallback, instead_of=ask.model), now, providers)
    chosen = [e for e in _of(entries, "grant.fallback_chosen") if public_of(e)["grant"] == _own(entries, ask)]
    wanted = bool(chosen) and public_of(chosen[-1])["fallback"] is True
    return second if wanted and second.reason is None else first


def _own(entries: Iterable[Entry], ask: Ask) -> Any:
    """The grant under which a key was issued."""
    issued = _of(entries, "credential.issued")
    (*_, last) = [e for e in issued if bytes.fromhex(gate_value(e, "digest")) == ask.digest]
    return public_of(last)["grant"]


def _by_fallback(
    entries: Sequence[Entry],
    ask: Ask,
    now: Instant,
    grants: Sequence[Entry],
    credential: Entry,
    fallback: str | None,
) -> Answer:
    """The organization's own grant for the fallback serves, while the key's grant stands for the model."""
    (applied,) = [e for e in _plans_in_force(entries) if ask.model in _models(e)]
    release, organization = public_of(applied)["release"], gate_value(grants[0], "organization")
    here = [e for e in grants if (public_of(e)["release"], public_of(e)["surface"]) == (release, ask.surface)]
    why = _no_fallback(entries, ask, now, grants, credential)
    if why is None:
        serving = _current(entries, here)
        why, _ = _without_directive(entries, ask, now, release, organization, grants, serving)
    if why is not None:
        return Answer(why, fallback=fallback)
    grant, upstream, until, per_minute = _allowed(entries, here, ask.model)
    (own,) = [e for e in grants if public_of(e)["grant"] == public_of(credential)["grant"]]
    meant = _as_amended(entries, own)
    end, asked = meant["validUntil"], (meant["terms"], ask.instead_of, public_of(own)["surface"])
    ends = [ms for ms in (until, _ms(end) if end else None, *stated_until(entries, *asked)) if ms is not None]
    return Answer(None, (grant, upstream, min(ends, default=None), per_minute))


def _no_fallback(
    entries: Sequence[Entry], ask: Ask, now: Instant, grants: Sequence[Entry], credential: Entry
) -> str | None:
    """Why a fallback may not answer: it is not wanted, or the key may not use what was asked for."""
    own = public_of(credential)["grant"]
    chosen = [
        public_of(e)["fallback"]
        for e in _of(entries, "grant.fallback_chosen")
        if public_of(e)["grant"] == own
    ]
    offering = [e for e in _plans_in_force(entries) if ask.instead_of in _models(e)]
    offered = [_plan(e)["spec"].get("onRefusal", {}).get("fallbackModel") for e in offering]
    if chosen[-1:] != [True] or offered != [ask.model]:
        return "not_provisioned"
    release = public_of(offering[0])["release"]
    here = [e for e in grants if (public_of(e)["release"], public_of(e)["surface"]) == (release, ask.surface)]
    if not here or public_of(_current(entries, here))["grant"] != own:
        return "not_provisioned"
    meant = replace(ask, model=ask.instead_of, instead_of="")
    organization = gate_value(here[0], "organization")
    return _without_directive(entries, meant, now, release, organization, grants, credential)[0]


def _lacks(asking: Asking, grant: str) -> str:  # noqa: C901 - one a reason
    """Why a grant does not have what a request asks for; empty if it has all of it.

    A user profile counts where a plan of the grant's release has ever let programmes travel in one.
    """
    entries, names = asking.entries, asking.named(0)
    (approved,) = [e for e in _of(entries, "grant.approved") if public_of(e)["grant"] == grant]
    release = public_of(approved)["release"]
    plans = [_plan(e) for e in _of(entries, "release.applied") if public_of(e)["release"] == release]
    ways = {
        each.get("travels")
        for plan in plans
        for by_name in plan["spec"].get("programmes", {}).values()
        for each in by_name.values()
    }
    public = _as_amended(entries, approved)
    stated = _terms(entries, public["terms"])["plan"]["spec"].get("programmes", {})
    unnamed = False
    for way, concern, name in asking.ask.programmes:
        if way == PROFILE and PROFILE not in ways:
            continue
        meant = []
        for held in public.get("programmes", []):
            programme = stated.get(held["concern"], {}).get(held["name"])
            if programme is None or programme.get("travels", "access_programs") != way:
                continue
            if way == PROFILE:
                is_meant = name in held.get("holders", [])
            elif way == "access_programs":
                is_meant = (concern, name) == (held["concern"], held["name"])
            else:
                is_meant = name == held["name"]
            if is_meant:
                meant.append((held, programme))
        if not meant:
            return "programme_not_granted"
        for held, programme in meant:
            if f"{held['concern']}: {held['name']}" in _halted(entries, grant):
                return "programme_not_granted"
            holders = held.get("holders", [])
            if way != PROFILE and holders and not all(each.member in holders for each in names):
                return "programme_not_granted"
            unnamed = unnamed or bool(programme.get("asks", {}).get("personNamed"))
    return "person_required" if unnamed and not asking.names_members() else ""


PROFILE = "anthropic-user-profile-id"


def _halted(entries: Sequence[Entry], grant: str) -> set[str]:
    """The programmes of a grant that are suspended."""
    found: set[str] = set()
    for entry in entries:
        if public_of(entry).get("grant") == grant and "programmes" in public_of(entry):
            if entry.type == "grant.suspended":
                found |= set(public_of(entry)["programmes"])
            elif entry.type == "grant.resumed":
                found -= set(public_of(entry)["programmes"])
    return found


def _restricted(
    entries: Sequence[Entry],
    ask: Ask,
    asking: Asking,
    restricting: Sequence[Mapping[str, Any]],
    answer: Answer,
) -> Answer:
    """An answer that allows, as far as directives restrict it."""
    if answer.reason is not None or answer.grant is None:
        return answer
    if any("personNamed" in each for each in restricting) and not asking.names_members():
        return Answer("person_required", fallback=_fallback_of(entries, ask.model))
    grant, upstream, until, per_minute = answer.grant
    limits = [per_minute, *(each.get("requestsPerMinute") for each in restricting)]
    least = min((limit for limit in limits if limit is not None), default=None)
    directed = any(ask.model in each.spec["models"] for each in in_force(entries))
    return Answer(None, (grant, upstream, until, least), directed)


def _fallback_of(entries: Sequence[Entry], model: str) -> str | None:
    """The fallback that the release of a model offers."""
    (applied,) = [e for e in _plans_in_force(entries) if model in _models(e)]
    fallback: str | None = _plan(applied)["spec"].get("onRefusal", {}).get("fallbackModel")
    return fallback


def _without_directive(  # noqa: PLR0911 - one a reason
    entries: Sequence[Entry],
    ask: Ask,
    now: Instant,
    release: str,
    organization: str,
    grants: Sequence[Entry],
    credential: Entry,
) -> tuple[str | None, str | None]:
    """stage_not_open, what has become of the grant, not_provisioned, application_pending, and so on."""
    ours = [e for e in grants if public_of(e)["release"] == release]
    here = [e for e in ours if public_of(e)["surface"] == ask.surface]
    opened = _opened(entries)
    if here:
        granted = _current(entries, here)
        public = {**public_of(granted), **_as_amended(entries, granted)}
        if public["terms"] not in opened or now.early_ms < _ms(public["validFrom"]):
            return "stage_not_open", None
        if _is_unstated(entries, ask, public["terms"], now):
            return "deployment_unattested", None
        fate = _fate(entries, public["grant"])
        if fate is not None:
            return fate, None
        if public["validUntil"] and now.late_ms >= _ms(public["validUntil"]):
            return "grant_expired", None
        if public_of(credential)["grant"] != public["grant"]:
            return "not_provisioned", None
        return (None if ask.model in _terms(entries, public["terms"])["models"] else "not_admitted"), None
    (applied,) = [e for e in _plans_in_force(entries) if public_of(e)["release"] == release]
    if not opened.intersection(public_of(applied)["terms"].values()):
        return "stage_not_open", None
    pending = _pending(entries, release, ask.surface, organization)
    if pending:
        return "application_pending", pending[-1]
    return ("surface_not_granted" if ours else "not_admitted"), None


def _of(entries: Iterable[Entry], type_: str) -> list[Entry]:
    return [entry for entry in entries if entry.type == type_]


def _plan(applied: Entry) -> Any:
    return public_of(applied)["plan"] if "plan" in public_of(applied) else gate_value(applied, "plan")


def _models(applied: Entry) -> dict[str, str]:
    return {model["id"]: model["upstream"] for model in _plan(applied)["spec"]["models"]}


def _plans_in_force(entries: Iterable[Entry]) -> list[Entry]:
    newest = {public_of(entry)["release"]: entry for entry in _of(entries, "release.applied")}
    return list(newest.values())


def _opened(entries: Iterable[Entry]) -> set[str]:
    """The terms under which a stage is open: by an opening, or by being tighter than terms that were open."""
    found: set[str] = set()
    for entry in entries:
        if entry.type == "stage.opened":
            found.add(public_of(entry)["terms"])
        if entry.type == "release.applied":
            for name, before in public_of(entry).get("tightened", {}).items():
                found |= {public_of(entry)["terms"][name]} if before in found else set()
    return found


def _current(entries: Iterable[Entry], here: Sequence[Entry]) -> Entry:
    """Of the grants of one organization for one surface the newest, or the one reinstated since."""
    last = here[-1]
    for entry in entries:
        named = [e for e in here if public_of(e)["grant"] == public_of(entry).get("grant")]
        if named and entry.type in ("grant.approved", "grant.reinstated"):
            (last,) = named
    return last


def _as_amended(entries: Iterable[Entry], granted: Entry) -> Mapping[str, Any]:
    """What a grant allows: as it was last amended, or approved."""
    amended = [
        e for e in _of(entries, "grant.amended") if public_of(e)["grant"] == public_of(granted)["grant"]
    ]
    return public_of([granted, *amended][-1])


def _fate(entries: Iterable[Entry], grant: str) -> str | None:
    """Why a grant allows nothing any more, or for now. One that was removed stays that, however it ends."""
    fate = None
    for entry in entries:
        if public_of(entry).get("grant") != grant or "programmes" in public_of(entry):
            continue
        if entry.type in ("grant.resumed", "grant.reinstated"):
            fate = None
        if fate == "grant_removed":
            continue
        if entry.type == "grant.suspended":
            fate = "grant_suspended"
        if entry.type == "grant.ended":
            fate = {"removed": "grant_removed", "expired": "grant_expired", "surrendered": "not_admitted"}[
                public_of(entry)["how"]
            ]
    return fate


def _terms(entries: Iterable[Entry], terms: str) -> dict[str, Any]:
    """The stage, and the models, of terms by their digest."""
    for applied in _of(entries, "release.applied"):
        for stage in _plan(applied)["spec"]["stages"]:
            if public_of(applied)["terms"][stage["name"]] == terms:
                return {"stage": stage, "models": _models(applied), "plan": _plan(applied)}
    raise AssertionError(f"terms that no plan had: {terms}")


# Directives, by DESIGN 4.2 and ADR 11

LEVELS = ("self-asserted", "organization", "identity-provider", "credential")
Providers = Mapping[tuple[str, str], AbstractSet[str]]
"""The keys of an organization's identity provider, by both."""


@dataclass
class InForce:
    """A directive that is on the record and has not ended: its issue, and the lifts of parts since."""

    issued: Entry
    lifts: list[Entry] = field(default_factory=list)

    @property
    def spec(self) -> Any:
        return public_of(self.issued)["document"]["spec"]

    def named(self, part: str) -> dict[str, list[str]]:
        """What a commitment of the document comes to."""
        gate = self.issued.gate
        if "organizations" in gate:
            return {"organizations": gate_value(self.issued, "organizations")}
        return dict(gate_value(self.issued, "named")[part])


def in_force(entries: Iterable[Entry]) -> list[InForce]:
    """The directives, in their order; no drill is one."""
    found: dict[str, InForce] = {}
    for entry in entries:
        public = public_of(entry)
        if entry.type == "directive.issued":
            if "drill" in public["document"].get("metadata", {}):
                continue
            found.pop(public.get("replaces", ""), None)
            found[public["directive"]] = InForce(entry)
        elif entry.type == "directive.expired" or (
            entry.type == "directive.lifted" and "scope" not in public
        ):
            found.pop(public["directive"], None)
        elif entry.type == "directive.lifted" and public["directive"] in found:
            found[public["directive"]].lifts.append(entry)
    return list(found.values())


@dataclass(frozen=True)
class Someone:
    """One whom a request names, at a moment: what the status may be, and how well that is known."""

    member: str | None
    may_be: frozenset[str]
    level: int


@dataclass
class Asking:
    """A request with a known credential, as directives look at it."""

    entries: Sequence[Entry]
    ask: Ask
    credential: Entry
    organization: str
    providers: Providers

    def directives(self, now: Instant) -> tuple[dict[str, bool], list[Mapping[str, Any]]]:
        """Those that suspend the request, by name with whether by order; what the others ask."""
        suspending, restricting = {}, list[Mapping[str, Any]]()
        for each in in_force(self.entries):
            if not self.is_on(each, now) or not self.covered(each, now):
                continue
            if each.spec.get("action") == "restrict":
                restricting.append(each.spec["conditions"])
            else:
                suspending[public_of(each.issued)["directive"]] = each.spec["basis"]["kind"] == "order"
        return suspending, restricting

    def is_on(self, each: InForce, now: Instant) -> bool:
        """What narrows begins at the late bound, and ends at the early one; what is open has its grace."""
        begins = each.spec.get("effective", "immediately")
        begins_ms = each.issued.at_ms if begins == "immediately" else _ms(begins)
        if self.ask.in_flight and each.spec.get("action") != "restrict":
            begins_ms += {"PT0S": 0, "PT1S": 1_000}[each.spec.get("drain", "PT0S")]
        ends = each.spec.get("expires")
        return now.late_ms >= begins_ms and (ends is None or now.early_ms < _ms(ends))

    def covered(self, each: InForce, now: Instant) -> bool:
        """Whether one of those the request names is covered and not excepted, at a moment that it may be."""
        spec, ask = each.spec, self.ask
        if ask.model not in spec["models"]:
            return False
        if spec["surfaces"] != "all" and ask.surface not in spec["surfaces"]:
            return False
        return any(
            self._is_among(spec["covers"], each, "covers", someone, certainly=False)
            and not self._is_among(spec.get("except", {}), each, "except", someone, certainly=True)
            and not any(self._is_lifted(lift, each, someone) for lift in each.lifts)
            for moment_ms in self._moments(now)
            for someone in self.named(moment_ms)
        )

    def _is_lifted(self, lift: Entry, each: InForce, someone: Someone) -> bool:
        scope, ask = public_of(lift)["scope"], self.ask
        if ask.model not in scope.get("models", [ask.model]):
            return False
        if ask.surface not in scope.get("surfaces", [ask.surface]):
            return False
        whom = {part: scope[part] for part in ("organizations", "annexes") if part in scope}
        named = gate_value(lift, "named")["lift"] if "named" in lift.gate else {}
        return not whom or self._is_among(whom, each, "lift", someone, certainly=True, lifted=named)

    def _is_among(  # noqa: C901, PLR0911 - one a way to be among them
        self,
        whom: Any,
        each: InForce,
        part: str,
        someone: Someone,
        *,
        certainly: bool,
        lifted: Mapping[str, list[str]] = MappingProxyType({}),
    ) -> bool:
        """The union of what is stated; what cannot be told is among those covered, and not of the others."""
        if whom == "everyone":
            return True
        lists = [each.named(f"annex.{annex}") for annex in whom.get("annexes", [])]
        if "organizations" in whom or "commitment" in whom.get("persons", {}):
            lists.append(dict(lifted) if part == "lift" else each.named(part))
        for named in lists:
            if self.organization in named.get("organizations", []):
                return True
            if (self._tags() | (set() if certainly else self._also(each))) & set(named.get("names", [])):
                return True
            if someone.member is not None and someone.member in named.get("persons", []):
                return True
        country = self._country()
        if "registeredIn" in whom and (not certainly if country is None else country in whom["registeredIn"]):
            return True
        persons = whom.get("persons", {})
        if "statuses" not in persons:
            return False
        is_known = someone.level >= LEVELS.index(persons.get("assurance", "self-asserted"))
        if certainly:
            return is_known and someone.may_be <= set(persons["statuses"])
        cannot_tell: bool = persons.get("unknown", "covered") == "covered"
        if not is_known:
            return cannot_tell
        return bool(someone.may_be & set(persons["statuses"])) or (
            cannot_tell and "unknown" in someone.may_be
        )

    def _described(self) -> list[Any]:
        described = [gate_value(e, "described") for e in _of(self.entries, "organization.described")]
        return [each for each in described if each["organization"] == self.organization]

    def _tags(self) -> set[str]:
        return {each["name"] for each in self._described()}

    def _also(self, each: InForce) -> set[str]:
        """The tags of other names when the directive was issued, and of those that came later."""
        described = [e for e in _of(self.entries, "organization.described")
                     if gate_value(e, "described")["organization"] == self.organization]  # fmt: skip
        since = [e for e in described if e.seq > each.issued.seq]
        stood = [e for e in described if e.seq < each.issued.seq][-1:]
        return {tag for e in (*stood, *since) for tag in gate_value(e, "described").get("also", [])}

    def _country(self) -> str | None:
        found = self._described()
        return str(found[-1]["registeredIn"]) if found else None

    # Persons

    def names_members(self) -> bool:
        """Whether everyone named is a registered member, and somebody is."""
        return all(someone.member is not None for someone in self.named(0))

    def _moments(self, now: Instant) -> list[int]:
        """Both bounds of the time, and whenever something known of a person ends in between."""
        ends = [
            row.get("until") for e in _of(self.entries, "status.claimed") for row in gate_value(e, "claims")
        ]
        between = [_ms(end) for end in ends if end and now.early_ms < _ms(end) < now.late_ms]
        return [now.early_ms, *between, now.late_ms]

    def named(self, at_ms: int) -> list[Someone]:
        """Everyone the request names: a key's member, whoever an assertion or an identifier names."""
        naming, found = self.ask.naming, []
        if "member" in self.credential.gate:
            found.append(self._someone(gate_value(self.credential, "member"), "credential", at_ms))
        if naming.is_forged:
            found.append(Someone(None, frozenset({"unknown"}), 0))
        if naming.signed is not None:
            keys = self.providers.get((self.organization, naming.signed.provider), set())
            if naming.signed.kid not in keys or naming.signed.credential not in (
                None,
                public_of(self.credential)["credential"],
            ):
                found.append(Someone(None, frozenset({"unknown"}), 0))
            else:
                member = self._member(naming.signed.subject)
                found.append(self._someone(member, "identity-provider", at_ms))
        found += [self._someone(self._member(each), "organization", at_ms) for each in naming.identifiers]
        return found or [self._someone(None, "self-asserted", at_ms)]

    def _member(self, identifier: bytes) -> str | None:
        """The member whom an identifier named last, unless it was removed."""
        found = None
        for entry in self.entries:
            if entry.type == "members.registered" and gate_value(entry, "organization") == self.organization:
                for row in gate_value(entry, "members"):
                    if identifier.hex() in row["identifiers"]:
                        found = row["member"]
            if entry.type == "members.removed" and found in gate_value(entry, "members"):
                found = None
        return found

    def _someone(self, member: str | None, how: str, at_ms: int) -> Someone:
        claims = self._claims(member, at_ms)
        statuses = frozenset(claim["status"] for claim in claims)
        claimed = max((LEVELS.index(claim["assurance"]) for claim in claims), default=0)
        attested = self._attested(member, at_ms)
        level = LEVELS.index(how) if member is not None else LEVELS.index("credential")
        if not claims:
            if attested is None:
                return Someone(member, frozenset({"unknown"}), 0)
            return Someone(member, attested, level)
        may_be = statuses if len(statuses) == 1 else statuses | {"unknown"}
        if claimed > 0 or attested is None:
            return Someone(member, may_be, min(level, claimed))
        both = attested if statuses == attested else statuses | attested | {"unknown"}
        return Someone(member, both, level)

    def _claims(self, member: str | None, at_ms: int) -> list[Any]:
        """What is claimed at a moment: of each issuer what it said last, if it has not ended."""
        said: dict[str, Any] = {}
        for entry in self.entries:
            if entry.type in ("status.claimed", "status.revoked"):
                for row in gate_value(entry, "claims"):
                    if row["member"] == member:
                        said[row["issuer"]] = row if entry.type == "status.claimed" else None
        live = [row for row in said.values() if row is not None]
        return [row for row in live if row.get("until") is None or at_ms < _ms(row["until"])]

    def _attested(self, member: str | None, at_ms: int) -> frozenset[str] | None:
        """What was attested last of everyone able to reach the credential, if it speaks of this one."""
        mine = [
            gate_value(e, "attested")
            for e in _of(self.entries, "credential.attested")
            if public_of(e)["credential"] == public_of(self.credential)["credential"]
        ]
        last = mine[-1] if mine else None
        if last is None or at_ms >= _ms(last["until"]):
            return None
        if self.ask.model not in last.get("models", [self.ask.model]):
            return None
        excluded = last.get("excluded", [])
        if excluded if member is None else member in excluded:
            return None
        return frozenset(last["statuses"])


def _pending(entries: Iterable[Entry], release: str, surface: str, organization: str) -> list[str]:
    asked: list[str] = []
    found: list[str] = []
    for entry in entries:
        public = public_of(entry)
        if (
            entry.type == "case.opened"
            and public["kind"] == "admission"
            and (public["release"], public["surface"]) == (release, surface)
            and gate_value(entry, "organization") == organization
        ):
            asked.append(public["case"])
            found.append(public["case"])
        if entry.type in ("case.waitlisted", "case.replied") and public["case"] in asked:
            found = [*(case for case in found if case != public["case"]), public["case"]]
        if entry.type == "case.determined" and public["case"] in found:
            found.remove(public["case"])
    return found


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


# Consent


def check_consent(entries: Sequence[Entry]) -> None:
    """Whatever the log allows or narrows, those signed who had to; verified here, from the bytes."""
    for i, entry in enumerate(entries):
        before = entries[:i]
        if entry.type == "grant.approved":
            _check_grant(entry, before)
        elif entry.type in ("grant.amended", "grant.ended"):
            _check_change(entry, before)
        elif entry.type == "grant.reinstated":
            _check_reinstatement(entry, before)
        elif entry.type == "stage.opened":
            _check_opening(entry, before)
        elif entry.type == "directive.issued":
            statement = _statement(public_of(entry)["envelope"])
            assert statement["predicate"] == {"document": public_of(entry)["document"]}
            assert public_of(entry)["document"]["metadata"]["log"] == _log(before)
            assert public_of(entry)["issuer"] == public_of(entry)["document"]["spec"]["issuer"]
            if "transcribed" in public_of(entry)["document"]["metadata"]:
                assert len(public_of(entry)["signers"]) > 1
                assert _developer(before) in _signers(public_of(entry)["envelope"], before)
            else:
                assert public_of(entry)["issuer"] in _signers(public_of(entry)["envelope"], before)
        elif entry.type == "directive.lifted":
            _check_lift(entry, before)
        elif entry.type == "case.determined":
            _check_outcome(entry, before, entries[i + 1 :])


def _check_grant(entry: Entry, before: Sequence[Entry]) -> None:
    public = public_of(entry)
    case = _case(before, public["case"])
    heard, asked = _heard(case, before), _asked(case, before)
    question, terms = public_of(asked)["question"], _terms(before, public["terms"])
    stage, spec = terms["stage"], terms["plan"]["spec"]
    for name in ("release", "stage", "surface", "party"):
        assert public[name] == question[name]
    assert question["terms"] in _answering(before, public["release"], public["stage"])
    assert _in_force(before, public["release"])[public["stage"]] == public["terms"]
    assert gate_value(entry, "organization") == gate_value(asked, "organization")
    assert _holds(heard, before)
    assert {said["agency"] for said in public["positions"]} == _consenting(heard, before)
    assert public["conditions"] == _strictest(stage, heard, before)
    assert _agreed(question["release"], public["terms"], stage, before)
    if public_of(asked)["kind"] != "appeal":  # which may put an application on the list again
        assert public_of(case)["rule"] == stage["admission"]["grant"]
        assert not [e for e in _of(before, "grant.approved") if public_of(e)["case"] == public["case"]]
    assert public["surface"] in spec["surfaces"]
    _check_eligible(asked, before)
    ended = _ended(before)
    live = [e for e in _of(before, "grant.approved") if public_of(e)["grant"] not in ended]
    for granted in live:
        until = _as_amended(before, granted)["validUntil"]
        assert until is None or _ms(until) > entry.at_ms, "a grant outlives its end"
    place = (public["release"], public["stage"])
    seated = {
        gate_value(e, "organization")
        for e in live
        if (public_of(e)["release"], public_of(e)["stage"]) == place
    }
    offered = [_case(before, name) for name in _offered(before) if name != public["case"]]
    seated |= {
        gate_value(e, "organization")
        for e in offered
        if (public_of(e)["release"], public_of(e)["stage"]) == place
    }
    if (
        gate_value(entry, "organization") not in seated
    ):  # else it takes no seat: a later plan may have had fewer
        assert len(seated) < stage.get("seats", 10**9)
    where = (gate_value(entry, "organization"), public["release"], public["surface"])
    assert where not in [
        (gate_value(e, "organization"), public_of(e)["release"], public_of(e)["surface"]) for e in live
    ]
    assert _ms(public["validFrom"]) == entry.at_ms


def _check_eligible(case: Entry, before: Sequence[Entry]) -> None:
    """The dossier of a case is eligible under the terms in force now, whatever they were when it began."""
    question = public_of(case)["question"]
    (dossier,) = {
        opened.sealed["application"].value()["organization"]["registeredIn"]
        for opened in _of(before, "case.opened")
        if "application" in opened.sealed and public_of(opened)["question"]["party"] == question["party"]
    }
    stage = _terms(before, _in_force(before, question["release"])[question["stage"]])["stage"]
    assert dossier in stage.get("eligibility", {}).get("registeredIn", [dossier])


def _root(case: Entry, before: Sequence[Entry]) -> Entry:
    """The application that a case goes back to."""
    question = public_of(case)["question"]
    if "against" in question:
        return _root(_case(before, question["against"]), before)
    if "grant" not in question:
        return case
    (granted,) = [e for e in _of(before, "grant.approved") if public_of(e)["grant"] == question["grant"]]
    return _root(_case(before, public_of(granted)["case"]), before)


def _allowed_appeals(case: Entry, before: Sequence[Entry]) -> list[Entry]:
    """The appeals that were allowed and go back to an application, in the order in which they were."""
    allowed = [
        _case(before, public_of(e)["case"])
        for e in _of(before, "case.determined")
        if public_of(e)["outcome"] in ("approved", "approved-with-conditions")
    ]
    return [each for each in allowed if public_of(each)["kind"] == "appeal" and _root(each, before) is case]


def _asked(case: Entry, before: Sequence[Entry]) -> Entry:
    """The case whose question a grant answers: the newest appeal that put an application on the list."""
    return [case, *_allowed_appeals(case, before)][-1]


def _heard(case: Entry, before: Sequence[Entry]) -> Entry:
    """The case whose positions count: that of an appeal against the denial, if it was allowed."""
    name = public_of(case)["case"]
    appeals = [e for e in _allowed_appeals(case, before) if public_of(e)["question"]["against"] == name]
    return [case, *appeals][-1]


def _check_reinstatement(entry: Entry, before: Sequence[Entry]) -> None:
    """A grant comes back by an appeal against its removal, to a holder who could be admitted now."""
    case = _case(before, public_of(entry)["case"])
    question = public_of(case)["question"]
    removal = public_of(_case(before, question["against"]))
    assert (removal["kind"], removal["question"]["grant"]) == ("removal", public_of(entry)["grant"])
    assert public_of(entry)["grant"] in _ended(before)
    terms = _in_force(before, question["release"])[question["stage"]]
    assert question["terms"] in _answering(before, question["release"], question["stage"])
    assert _agreed(question["release"], terms, _terms(before, terms)["stage"], before)
    assert _holds(case, before)
    _check_eligible(case, before)


def _ended(before: Sequence[Entry]) -> set[str]:
    """The grants that have ended, and not come back since."""
    last = {public_of(e)["grant"]: e.type for e in before if e.type in ("grant.ended", "grant.reinstated")}
    return {grant for grant, type_ in last.items() if type_ == "grant.ended"}


def _offered(before: Sequence[Entry]) -> list[str]:
    """The cases to which a seat is offered."""
    found: list[str] = []
    for entry in before:
        if entry.type == "case.offered":
            found.append(public_of(entry)["case"])
        if entry.type in ("case.resumed", "case.determined") and public_of(entry)["case"] in found:
            found.remove(public_of(entry)["case"])
    return found


def _check_change(entry: Entry, before: Sequence[Entry]) -> None:
    """A grant is amended, or ended otherwise than by its holder or by time, by a case about it."""
    public = public_of(entry)
    (granted,) = [e for e in _of(before, "grant.approved") if public_of(e)["grant"] == public["grant"]]
    assert public["grant"] not in _ended(before)
    if public.get("how") == "expired":
        assert _ms(_as_amended(before, granted)["validUntil"]) <= entry.at_ms
    if entry.type == "grant.amended" or public["how"] == "removed":
        case = _case(before, public["case"])
        against = public_of(case)["question"].get("against")
        asked = case if against is None else _case(before, against)
        assert public_of(asked)["kind"] == ("removal" if "how" in public else "amendment")
        assert public_of(asked)["question"]["grant"] == public["grant"]
        assert _holds(case, before)
        if entry.type == "grant.ended":
            assert _ms(public_of(case)["replyBy"]) <= entry.at_ms
        else:
            assert public["party"] == public_of(case)["question"]["party"]
            _check_eligible(case, before)


def _consenting(case: Entry, before: Sequence[Entry]) -> set[str]:
    words = ("approve", "approve-with-conditions", "no-objection")
    said = _newest(case, before)
    return {agency for agency, newest in said.items() if newest.word in words and not newest.is_stale}


def _holds(case: Entry, before: Sequence[Entry]) -> bool:
    rule = among(public_of(case)["rule"], _saying("recuse", case, before))
    return rule is not None and rule_holds(rule, _consenting(case, before))


def _strictest(stage: Mapping[str, Any], case: Entry, before: Sequence[Entry]) -> dict[str, Any]:
    """The stage's conditions and those of the positions; here only requests per minute differ."""
    found = dict(stage.get("conditions", {}))
    for agency in _saying("approve-with-conditions", case, before):
        (*_, said) = [
            public_of(e)
            for e in _of(before, "position.recorded")
            if (public_of(e)["case"], public_of(e)["agency"]) == (public_of(case)["case"], agency)
        ]
        assert said["conditions"].keys() == {"requestsPerMinute"}
        asked = said["conditions"]["requestsPerMinute"]
        found["requestsPerMinute"] = min(found.get("requestsPerMinute", asked), asked)
    return found


def _answering(before: Sequence[Entry], release: str, stage: str) -> set[str]:
    """The terms in force, and those they were tightened from; none where no plan in force has it."""
    found: list[str] = []
    for entry in _of(before, "release.applied"):
        public = public_of(entry)
        if public["release"] == release:
            now = public["terms"].get(stage)
            if now is None or not (stage in public.get("tightened", {}) or found[-1:] == [now]):
                found = []
            found = found if now is None else [*found, now]
    return set(found)


def _check_opening(entry: Entry, before: Sequence[Entry]) -> None:
    public = public_of(entry)
    opened = {name: public[name] for name in ("log", "release", "stage", "terms")}
    assert opened["log"] == _log(before)
    assert _statement(public["envelope"])["predicate"] == opened
    assert _developer(before) in _signers(public["envelope"], before)
    (applied,) = [e for e in _plans_in_force(before) if public_of(e)["release"] == public["release"]]
    assert public_of(applied)["terms"][public["stage"]] == public["terms"]
    (stage,) = [s for s in _plan(applied)["spec"]["stages"] if s["name"] == public["stage"]]
    assert _agreed(public["release"], public["terms"], stage, before)


def _check_lift(entry: Entry, before: Sequence[Entry]) -> None:
    name = public_of(entry)["directive"]
    (issued,) = [each.issued for each in in_force(before) if public_of(each.issued)["directive"] == name]
    case = _case(before, public_of(entry)["case"])
    assert public_of(case)["question"]["directive"] == name
    assert public_of(case)["question"].get("scope") == public_of(entry).get("scope")
    assert public_of(case)["rule"] == public_of(issued)["document"]["spec"]["liftedBy"]
    assert _holds(case, before)


def _check_outcome(entry: Entry, before: Sequence[Entry], after: Sequence[Entry]) -> None:
    case = _case(before, public_of(entry)["case"])
    rule = public_of(case)["rule"]
    settled = [
        e.type
        for e in before
        if e.type in ("case.determined", "case.waitlisted", "case.replied")
        and public_of(e)["case"] == public_of(entry)["case"]
    ]  # an appeal puts a case that was denied on the list again, a reply has it reviewed
    assert settled[-1:] != ["case.determined"]
    outcome = public_of(entry)["outcome"]
    if outcome in ("approved", "approved-with-conditions"):
        deciding = _heard(case, before)
        assert _holds(deciding, before)
        assert bool(_saying("approve-with-conditions", deciding, before)) is (outcome != "approved")
    elif "grant_" in public_of(entry).get("reasonCode", ""):
        ended = [public_of(e)["grant"] for e in _of([*before, *after], "grant.ended")]
        assert public_of(case)["question"]["grant"] in ended
    elif public_of(entry).get("reasonCode") == "appeal_allowed":
        (allowed,) = [e for e in _of(before, "case.determined") if e.id == entry.id]
        assert public_of(_case(before, public_of(allowed)["case"]))["kind"] == "appeal"
        assert public_of(allowed)["outcome"] in ("approved", "approved-with-conditions")
    elif outcome == "superseded":
        assert public_of(case)["kind"] in ("terms", "admission", "amendment", "removal", "appeal")
        question = public_of(_asked(case, before))["question"]
        same_command = [e for e in after if e.id == entry.id]
        terms = _in_force([*before, *same_command], question["release"])
        assert question["terms"] in _answering(before, question["release"], question["stage"])
        assert terms.get(question["stage"]) != question["terms"]
    elif outcome == "lapsed":
        assert public_of(entry)["case"] in _offered(before)
    elif outcome == "returned":
        assert among(rule, _saying("recuse", case, before)) is None
    elif outcome == "withdrawn":
        assert public_of(case)["kind"] in ("admission", "amendment", "appeal")
    else:
        assert outcome == "denied"
        left = among(rule, _saying("recuse", case, before))
        assert not rule_holds(left, named(left) - _saying("object", case, before))


def _agreed(release: str, terms: str, stage: Mapping[str, Any], before: Sequence[Entry]) -> bool:
    """Whether every agency that the stage names has agreed to these terms since they came into force.

    Or to looser ones, of which these are the tighter.
    """
    for i, applied in enumerate(before):
        if applied.type == "release.applied" and public_of(applied)["release"] == release:
            looser = public_of(applied).get("tightened", {}).get(stage["name"])
            if looser is not None and public_of(applied)["terms"][stage["name"]] == terms:
                return _agreed(release, looser, _terms(before, looser)["stage"], before[:i])
    agencies = set(stage["basis"]["askedBy"]) | named(stage["admission"]["grant"])
    without = [
        e.seq
        for e in _of(before, "release.applied")
        if public_of(e)["release"] == release and terms not in public_of(e)["terms"].values()
    ]
    since = max(without, default=-1)
    cases = [e for e in _of(before, "case.opened") if public_of(e)["kind"] == "terms" and e.seq > since]
    asked = [
        e
        for e in cases
        if public_of(e)["question"]["terms"] == terms and public_of(e)["question"]["release"] == release
    ]
    return any(
        agencies <= _consenting(case, before) | _saying("recuse", case, before) and _holds(case, before)
        for case in asked
    )


def _in_force(before: Sequence[Entry], release: str) -> dict[str, str]:
    """The terms in force, by stage."""
    (applied,) = [e for e in _plans_in_force(before) if public_of(e)["release"] == release]
    return dict(public_of(applied)["terms"])


def _developer(before: Sequence[Entry]) -> str:
    (started,) = _of(before, "log.started")
    return str(public_of(started)["developer"])


def _log(before: Sequence[Entry]) -> str:
    (started,) = _of(before, "log.started")
    return str(public_of(started)["vkey"])


def check_superseded(entries: Sequence[Entry]) -> None:
    """No case stays open under terms that are out of force, but for those about what stands by itself.

    Nor one that could admit somebody who is not eligible any more. Appeals for the record admit no one.
    """
    words = ("case.determined", "case.waitlisted", "case.replied")
    ended = {public_of(e)["case"]: e.type == "case.determined" for e in entries if e.type in words}
    for opened in _of(entries, "case.opened"):
        public = public_of(opened)
        assert public["question"]["log"] == _log(entries)
        is_apart = public["kind"] in {"lift", "removal"} or _is_for_the_record(opened, entries)
        if not is_apart and not ended.get(public["case"], False):
            asked = _asked(opened, entries)
            question = public_of(asked)["question"]
            assert question["terms"] in _answering(entries, question["release"], question["stage"])
            if public["kind"] in {"admission", "amendment", "appeal"}:
                _check_eligible(asked, entries)


def _is_for_the_record(opened: Entry, entries: Sequence[Entry]) -> bool:
    """Whether it contests a removal under terms that were out of force when it began, and still are."""
    question = public_of(opened)["question"]
    if question["kind"] != "appeal" or public_of(_case(entries, question["against"]))["kind"] != "removal":
        return False
    at_first = [e for e in entries if e.seq < opened.seq]
    return not any(
        question["terms"] in _in_force(each, question["release"]).values() for each in (at_first, entries)
    )


def _case(before: Sequence[Entry], name: str) -> Entry:
    (opened,) = [e for e in _of(before, "case.opened") if public_of(e)["case"] == name]
    return opened


def _saying(word: str, case: Entry, before: Sequence[Entry]) -> set[str]:
    """The agencies whose newest position in a case is `word`."""
    return {agency for agency, newest in _newest(case, before).items() if newest.word == word}


class _Said(NamedTuple):
    word: str
    digest: str
    is_stale: bool


def _newest(case: Entry, before: Sequence[Entry]) -> dict[str, _Said]:
    """The newest position of each agency in a case, each checked from its bytes."""
    newest: dict[str, _Said] = {}
    for recorded in _of(before, "position.recorded"):
        if public_of(recorded)["case"] != public_of(case)["case"]:
            continue
        envelope = public_of(recorded)["envelope"]
        statement = _statement(envelope)
        said = statement["predicate"]
        question = json.dumps(
            public_of(case)["question"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        digest = hashlib.sha256(question.encode()).hexdigest()
        assert statement["subject"] == [{"name": public_of(case)["case"], "digest": {"sha256": digest}}]
        assert said["question"] == public_of(case)["question"]
        assert said["question"]["log"] == _log(before)
        assert said["agency"] == public_of(recorded)["agency"]
        assert said["agency"] in _signers(envelope, before)
        assert said["agency"] in named(public_of(case)["rule"])
        last = newest.get(said["agency"])
        assert said["previous"] == (last.digest if last else None)
        payload = base64.b64decode(envelope["payload"])
        digest = "sha256:" + hashlib.sha256(payload).hexdigest()
        newest[said["agency"]] = _Said(said["position"], digest, _is_stale(said, recorded, before))
    return newest


_TALK = ("position.recorded", "case.answered", "case.replied", "case.screened", "case.proceeded")


def _is_stale(said: Mapping[str, Any], recorded: Entry, before: Sequence[Entry]) -> bool:
    """Whether a position was signed without a condition, an objection or a screening that came before it."""
    if "said" not in said:
        return False
    case = public_of(recorded)["case"]
    talk = [e for e in before if e.type in _TALK and public_of(e)["case"] == case and e.seq < recorded.seq]
    known, later = talk[: said["said"]["count"]], talk[said["said"]["count"] :]
    hashes = b"".join(hashlib.sha256(b"\x00" + e.leaf).digest() for e in known)
    assert said["said"] == {"count": len(known), "digest": "sha256:" + hashlib.sha256(hashes).hexdigest()}
    return any(e.type == "case.screened" or is_news(e, talk[: talk.index(e)]) for e in later)


def is_news(said: Entry, before: Sequence[Entry]) -> bool:
    """Whether a condition or an objection is among the first three changes of what its agency says so."""
    news, last = 0, None
    for entry in (*before, said):
        if public_of(entry).get("agency") != public_of(said).get("agency") or "position" not in public_of(
            entry
        ):
            continue
        words = [public_of(entry).get(name) for name in ("position", "reason", "conditions", "sealed")]
        weighs = words[0] in {"object", "approve-with-conditions"} and (words != last or words[3] is not None)
        weighs, last = weighs and news < 3, words
        news += weighs
        if entry is said:
            return weighs
    return False


def _statement(envelope: Mapping[str, Any]) -> Any:
    return json.loads(base64.b64decode(envelope["payload"]))


def _signers(envelope: Mapping[str, Any], before: Sequence[Entry]) -> set[str]:
    """The parties with a pinned key that signed the envelope."""
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    message = b"DSSEv1 " + b" ".join([str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    found: set[str] = set()
    for pinned in _of(before, "key.pinned"):
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_of(pinned)["publicKey"]))
        for signature in envelope["signatures"]:
            try:
                key.verify(base64.b64decode(signature["sig"]), message)
            except InvalidSignature:
                continue
            found.add(public_of(pinned)["party"])
    return found
