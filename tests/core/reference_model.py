"""What the rules say, read literally: slow, without indexes, independent of the code under test.

Every question is answered by going through all entries again. Entries come with their openings.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sluicegate.core.decision import Allow, Ask, Instant
from sluicegate.core.events import Entry
from sluicegate.core.refusals import Deny

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


# Decisions


@dataclass(frozen=True)
class Answer:
    """`reason` is None where the request is allowed; `directives` are all that cover it."""

    reason: str | None
    grant: tuple[str, str, int | None, int | None] | None = None
    directives: Mapping[str, bool] = field(default_factory=dict)
    application: str | None = None
    fallback: str | None = None


def agrees(answer: Answer, decided: Allow | Deny) -> bool:
    """Whether a decision is this answer; of several directives any may be named."""
    if isinstance(decided, Allow):
        allowed = (decided.grant, decided.upstream, decided.until_ms, decided.requests_per_minute)
        return answer.reason is None and answer.grant == allowed
    if decided.reason.value != answer.reason or decided.fallback != answer.fallback:
        return False
    if answer.directives:
        return answer.directives.get(decided.directive or "") is decided.by_order
    return decided.directive is None and decided.application == answer.application


def decide(entries: Sequence[Entry], ask: Ask, now: Instant | None) -> Answer:  # noqa: PLR0911 - one a reason
    """DESIGN 4.3, in its order."""
    if ask.digest is None:
        return Answer("credential_missing")
    if now is None:
        return Answer("gate_stale")
    issued = [
        e for e in _of(entries, "credential.issued") if bytes.fromhex(e.gate_value("digest")) == ask.digest
    ]
    if not issued:
        return Answer("credential_unknown")
    if any(
        e.public["credential"] == issued[-1].public["credential"] for e in _of(entries, "credential.revoked")
    ):
        return Answer("credential_revoked")
    if ask.invalid:
        return Answer("request_invalid")
    (own_grant,) = [
        e for e in _of(entries, "grant.approved") if e.public["grant"] == issued[-1].public["grant"]
    ]
    organization = own_grant.gate_value("organization")
    grants = [e for e in _of(entries, "grant.approved") if e.gate_value("organization") == organization]
    offering = [e for e in _plans_in_force(entries) if ask.model in _models(e)]
    if not offering:
        return Answer("model_not_found")
    (applied,) = offering
    release, spec = applied.public["release"], _plan(applied)["spec"]
    here = [e for e in grants if (e.public["release"], e.public["surface"]) == (release, ask.surface)]
    if not spec["announced"] and not here:
        return Answer("model_not_found")
    fallback = spec.get("onRefusal", {}).get("fallbackModel")
    covering = _covering(entries, ask.model, ask.surface, organization)
    if covering:
        return Answer("directive_in_force", directives=covering, fallback=fallback)
    reason, application = _without_directive(entries, ask, now, release, organization, grants, issued[-1])
    if reason is not None:
        return Answer(reason, application=application, fallback=fallback)
    public, terms = here[-1].public, _terms(entries, here[-1])
    until = _ms(public["validUntil"]) if public["validUntil"] else None
    per_minute = terms["stage"].get("conditions", {}).get("requestsPerMinute")
    return Answer(None, (public["grant"], terms["models"][ask.model], until, per_minute))


def _without_directive(  # noqa: PLR0911 - one a reason
    entries: Sequence[Entry],
    ask: Ask,
    now: Instant,
    release: str,
    organization: str,
    grants: Sequence[Entry],
    credential: Entry,
) -> tuple[str | None, str | None]:
    """stage_not_open, grant_expired, not_provisioned, application_pending, and so on to not_admitted."""
    ours = [e for e in grants if e.public["release"] == release]
    here = [e for e in ours if e.public["surface"] == ask.surface]
    opened = {e.public["terms"] for e in _of(entries, "stage.opened")}
    if here:
        public = here[-1].public
        if public["terms"] not in opened or now.early_ms < _ms(public["validFrom"]):
            return "stage_not_open", None
        if public["validUntil"] and now.late_ms >= _ms(public["validUntil"]):
            return "grant_expired", None
        if credential.public["grant"] != public["grant"]:
            return "not_provisioned", None
        return (None if ask.model in _terms(entries, here[-1])["models"] else "not_admitted"), None
    (applied,) = [e for e in _plans_in_force(entries) if e.public["release"] == release]
    if not opened.intersection(applied.public["terms"].values()):
        return "stage_not_open", None
    pending = _pending(entries, release, ask.surface, organization)
    if pending:
        return "application_pending", pending[-1]
    return ("surface_not_granted" if ours else "not_admitted"), None


def _of(entries: Iterable[Entry], type_: str) -> list[Entry]:
    return [entry for entry in entries if entry.type == type_]


def _plan(applied: Entry) -> Any:
    return applied.public["plan"] if "plan" in applied.public else applied.gate_value("plan")


def _models(applied: Entry) -> dict[str, str]:
    return {model["id"]: model["upstream"] for model in _plan(applied)["spec"]["models"]}


def _plans_in_force(entries: Iterable[Entry]) -> list[Entry]:
    newest = {entry.public["release"]: entry for entry in _of(entries, "release.applied")}
    return list(newest.values())


def _terms(entries: Iterable[Entry], grant: Entry) -> dict[str, Any]:
    """The stage, and the models, of the terms that a grant was given under."""
    for applied in _of(entries, "release.applied"):
        for stage in _plan(applied)["spec"]["stages"]:
            if applied.public["terms"][stage["name"]] == grant.public["terms"]:
                return {"stage": stage, "models": _models(applied), "plan": _plan(applied)}
    raise AssertionError(f"a grant under terms that no plan had: {grant.public}")


def _covering(entries: Iterable[Entry], model: str, surface: str, organization: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for entry in entries:
        if entry.type == "directive.issued":
            spec = entry.public["document"]["spec"]
            everyone = spec["covers"] == "everyone"
            if (
                model in spec["models"]
                and (spec["surfaces"] == "all" or surface in spec["surfaces"])
                and (everyone or organization in entry.gate_value("organizations"))
            ):
                found[entry.public["directive"]] = spec["basis"]["kind"] == "order"
        if entry.type == "directive.lifted":
            found.pop(entry.public["directive"], None)
    return found


def _pending(entries: Iterable[Entry], release: str, surface: str, organization: str) -> list[str]:
    found: list[str] = []
    for entry in entries:
        public = entry.public
        if (
            entry.type == "case.opened"
            and public["kind"] == "admission"
            and (public["release"], public["surface"]) == (release, surface)
            and entry.gate_value("organization") == organization
        ):
            found.append(public["case"])
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
        elif entry.type == "stage.opened":
            _check_opening(entry, before)
        elif entry.type == "directive.issued":
            statement = _statement(entry.public["envelope"])
            assert statement["predicate"] == {"document": entry.public["document"]}
            assert entry.public["document"]["metadata"]["log"] == _log(before)
            assert entry.public["issuer"] == entry.public["document"]["spec"]["issuer"]
            assert entry.public["issuer"] in _signers(entry.public["envelope"], before)
        elif entry.type == "directive.lifted":
            _check_lift(entry, before)
        elif entry.type == "case.determined":
            _check_outcome(entry, before, entries[i + 1 :])


def _check_grant(entry: Entry, before: Sequence[Entry]) -> None:
    public = entry.public
    case = _case(before, public["case"])
    question, terms = case.public["question"], _terms(before, entry)
    stage, spec = terms["stage"], terms["plan"]["spec"]
    for name in ("release", "stage", "surface", "terms"):
        assert public[name] == question[name]
    assert _in_force(before, public["release"])[public["stage"]] == public["terms"]
    assert entry.gate_value("organization") == case.gate_value("organization")
    approving = _saying("approve", case, before)
    assert rule_holds(stage["admission"]["grant"], approving)
    assert {said["agency"] for said in public["positions"]} == approving
    assert _agreed(question["release"], question["terms"], stage, before)
    assert not [e for e in _of(before, "grant.approved") if e.public["case"] == public["case"]]
    assert public["surface"] in spec["surfaces"]
    dossier = case.sealed["application"].value()["organization"]
    assert dossier["registeredIn"] in stage.get("eligibility", {}).get(
        "registeredIn", [dossier["registeredIn"]]
    )
    live = [
        e
        for e in _of(before, "grant.approved")
        if not e.public["validUntil"] or _ms(e.public["validUntil"]) > entry.at_ms
    ]
    place = (public["release"], public["stage"])
    seated = {e.gate_value("organization") for e in live if (e.public["release"], e.public["stage"]) == place}
    if (
        entry.gate_value("organization") not in seated
    ):  # else it takes no seat: a later plan may have had fewer
        assert len(seated) < stage.get("seats", 10**9)
    where = (entry.gate_value("organization"), public["release"], public["surface"])
    assert where not in [
        (e.gate_value("organization"), e.public["release"], e.public["surface"]) for e in live
    ]
    assert _ms(public["validFrom"]) == entry.at_ms


def _check_opening(entry: Entry, before: Sequence[Entry]) -> None:
    public = entry.public
    opened = {name: public[name] for name in ("log", "release", "stage", "terms")}
    assert opened["log"] == _log(before)
    assert _statement(public["envelope"])["predicate"] == opened
    (started,) = _of(before, "log.started")
    assert started.public["developer"] in _signers(public["envelope"], before)
    (applied,) = [e for e in _plans_in_force(before) if e.public["release"] == public["release"]]
    assert applied.public["terms"][public["stage"]] == public["terms"]
    (stage,) = [s for s in _plan(applied)["spec"]["stages"] if s["name"] == public["stage"]]
    assert _agreed(public["release"], public["terms"], stage, before)


def _check_lift(entry: Entry, before: Sequence[Entry]) -> None:
    name = entry.public["directive"]
    (issued,) = [e for e in _of(before, "directive.issued") if e.public["directive"] == name]
    assert name not in [e.public["directive"] for e in _of(before, "directive.lifted")]
    case = _case(before, entry.public["case"])
    assert case.public["question"]["directive"] == name
    assert rule_holds(issued.public["document"]["spec"]["liftedBy"], _saying("approve", case, before))


def _check_outcome(entry: Entry, before: Sequence[Entry], after: Sequence[Entry]) -> None:
    case = _case(before, entry.public["case"])
    rule = case.public["rule"]
    assert entry.public["case"] not in [e.public["case"] for e in _of(before, "case.determined")]
    if entry.public["outcome"] == "approved":
        assert rule_holds(rule, _saying("approve", case, before))
    elif entry.public["outcome"] == "superseded":
        assert case.public["kind"] in ("terms", "admission")
        question = case.public["question"]
        same_command = [e for e in after if e.id == entry.id]
        terms = _in_force([*before, *same_command], question["release"])
        assert _in_force(before, question["release"])[question["stage"]] == question["terms"]
        assert terms.get(question["stage"]) != question["terms"]
    else:
        assert entry.public["outcome"] == "denied"
        assert not rule_holds(rule, named(rule) - _saying("object", case, before))


def _agreed(release: str, terms: str, stage: Mapping[str, Any], before: Sequence[Entry]) -> bool:
    """Whether every agency that the stage names has approved these terms since they came into force."""
    agencies = set(stage["basis"]["askedBy"]) | named(stage["admission"]["grant"])
    without = [
        e.seq
        for e in _of(before, "release.applied")
        if e.public["release"] == release and terms not in e.public["terms"].values()
    ]
    since = max(without, default=-1)
    cases = [e for e in _of(before, "case.opened") if e.public["kind"] == "terms" and e.seq > since]
    asked = [
        e
        for e in cases
        if e.public["question"]["terms"] == terms and e.public["question"]["release"] == release
    ]
    return any(agencies <= _saying("approve", case, before) for case in asked)


def _in_force(before: Sequence[Entry], release: str) -> dict[str, str]:
    """The terms in force, by stage."""
    (applied,) = [e for e in _plans_in_force(before) if e.public["release"] == release]
    return dict(applied.public["terms"])


def _log(before: Sequence[Entry]) -> str:
    (started,) = _of(before, "log.started")
    return str(started.public["vkey"])


def check_superseded(entries: Sequence[Entry]) -> None:
    """No case stays open under terms that are out of force."""
    ended = {e.public["case"] for e in _of(entries, "case.determined")}
    for opened in _of(entries, "case.opened"):
        question = opened.public["question"]
        assert question["log"] == _log(entries)
        if opened.public["kind"] != "lift" and opened.public["case"] not in ended:
            assert _in_force(entries, question["release"]).get(question["stage"]) == question["terms"]


def _case(before: Sequence[Entry], name: str) -> Entry:
    (opened,) = [e for e in _of(before, "case.opened") if e.public["case"] == name]
    return opened


def _saying(word: str, case: Entry, before: Sequence[Entry]) -> set[str]:
    """The agencies whose newest position in a case is `word`, each position checked from its bytes."""
    newest: dict[str, tuple[str, str]] = {}
    for recorded in _of(before, "position.recorded"):
        if recorded.public["case"] != case.public["case"]:
            continue
        envelope = recorded.public["envelope"]
        statement = _statement(envelope)
        said = statement["predicate"]
        question = json.dumps(
            case.public["question"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        digest = hashlib.sha256(question.encode()).hexdigest()
        assert statement["subject"] == [{"name": case.public["case"], "digest": {"sha256": digest}}]
        assert said["question"] == case.public["question"]
        assert said["question"]["log"] == _log(before)
        assert said["agency"] == recorded.public["agency"]
        assert said["agency"] in _signers(envelope, before)
        assert said["agency"] in named(case.public["rule"])
        last = newest.get(said["agency"])
        assert said["previous"] == (last[1] if last else None)
        payload = base64.b64decode(envelope["payload"])
        newest[said["agency"]] = (said["position"], "sha256:" + hashlib.sha256(payload).hexdigest())
    return {agency for agency, (position, _) in newest.items() if position == word}


def _statement(envelope: Mapping[str, Any]) -> Any:
    return json.loads(base64.b64decode(envelope["payload"]))


def _signers(envelope: Mapping[str, Any], before: Sequence[Entry]) -> set[str]:
    """The parties with a pinned key that signed the envelope."""
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    message = b"DSSEv1 " + b" ".join([str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    found: set[str] = set()
    for pinned in _of(before, "key.pinned"):
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(pinned.public["publicKey"]))
        for signature in envelope["signatures"]:
            try:
                key.verify(base64.b64decode(signature["sig"]), message)
            except InvalidSignature:
                continue
            found.add(pinned.public["party"])
    return found
