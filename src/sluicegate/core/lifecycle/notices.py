"""Notices: which entries are news, and what a notice says.

Rules:
- An entry whose public part names a case is news about that case. Its topic is the type of the entry.
- A notice says only what the public log says, and of that only what `_asked` and `_said` select: no reason,
  no document, no part of the gate or sealed fields, no person's name.
- The date of a basis is news to every party of its release: when it is near, and when it is over. So is a
  designation, and its end.
- That a stage opens or closes is news to those who hold a grant of it, or one that goes on as part of it; to
  these also some time before, if it is foreseen. A stage for everyone is news to its accounts, too.
- What happens to a grant by no case of its holder is news to its holder: it is by a list, or part of a stage.
- An observation is news if it begins to contradict the record, or no longer does.
- A finding, each word on it, and what the developer owes or has not done in time, is news to the parties of
  its release. A notice has who says which word, of which kind and level: no text of anyone, nothing sealed.
- A notice of a position or of a decision says for which agencies officers wrote: `transcribedFor`.
- The body has the form that Standard Webhooks recommends: `{type, timestamp, data}`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sluicegate.core.lifecycle import signers
from sluicegate_record.entities.case import Case, opened
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.observation import Observation
from sluicegate_record.entries import Body, Entry, bases, cases, designations, directives, findings, grants
from sluicegate_record.entries.releases import StageClosed, StageForeseen, StageOpened
from sluicegate_record.log import canonical, times
from sluicegate_record.record import Record
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds

TEST, CONFIRMATION = "test", "confirmation"
"""The topic of a test. A test is sent on request, and is about no case."""
DUE = "finding.due"
"""The topic of a reminder of what the developer owes on a finding."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `about` identifies it forever; `case` is empty for a test."""

    topic: str
    case: str
    about: str
    at_ms: int
    data: Mapping[str, Any]

    def body(self) -> bytes:
        """The body that is sent. It is the same at every attempt."""
        timestamp = times.format_time(self.at_ms)
        return canonical.dumps({"type": self.topic, "timestamp": timestamp, "data": dict(self.data)})

    def message(self, subscription: str) -> str:
        """The id of this notice for a subscription.

        With it, a receiver finds out whether it already has the notice.
        """
        return "msg_" + canonical.digest([subscription, self.about]).removeprefix("sha256:")[:40]


def news(
    entries: Sequence[Entry],
    known: Mapping[str, Case],
    record: Record | None = None,
    transcripts: Collection[int] = (),
) -> Iterator[tuple[Case, Notice]]:
    """The notices from a batch of entries, and the cases that they are about.

    `known` are the cases before the batch. A case that the batch itself opens is read from its entry. With
    the `record` before the batch, such a notice names the agencies that have too few keys to answer.
    `transcripts` are the places before the batch of what officers wrote down for agencies.
    """
    fresh: dict[str, Case] = {}
    written: dict[str, dict[str, bool]] = {}
    for entry in entries:
        body = entry.body
        if isinstance(body, cases.CaseOpened):
            fresh[body.case] = opened(entry, body, "", "")
        name: str | None = getattr(body, "case", None)
        case = fresh.get(name) or known.get(name) if name is not None else None
        if case is not None:
            is_new = record is not None and isinstance(body, cases.CaseOpened)
            lacking = signers.unable(record, case) if is_new and record is not None else []
            by_officers = written.setdefault(case.id, _transcribed(case, transcripts))
            if isinstance(body, cases.PositionRecorded):
                by_officers[body.agency] = body.transcribed is not None
            yield case, notice(entry, case, lacking, (name for name, each in by_officers.items() if each))


def of_release(entry: Entry) -> Notice | None:
    """The notice of an entry that is news to every party of its release: about the date of a basis, or a
    designation; None for any other entry.
    """
    body = entry.body
    place, again = {"seq": entry.seq, "size": entry.size}, ""
    if isinstance(body, bases.BasisReminded | bases.BasisEnded):
        said = {"release": body.release, "stage": body.stage, "until": body.until, "then": body.then}
        about = f"stage {body.release}/{body.stage}"
    elif isinstance(body, designations.DesignationRecorded):
        said = {"release": body.release, "agency": body.agency, "says": body.says, "class": body.class_}
        about = f"release {body.release}"
    elif isinstance(body, designations.DesignationEnded):
        said = {"release": body.release, "designation": body.designation, "case": body.case}
        about, again = f"release {body.release}", " to all"  # it is also news about its case
    else:
        return None
    return Notice(entry.type, about, f"entry {entry.seq}{again}", entry.at_ms, {**said, **place})


def of_finding(entry: Entry, known: Mapping[str, Finding]) -> Notice | None:
    """The notice of an entry about a finding; None for any other. `known` are the findings before it."""
    body = entry.body
    if isinstance(body, findings.FindingReported):
        said = {"kind": body.kind, "level": body.level, "party": body.party, "says": "reports"}
    elif isinstance(body, findings.FindingAnswered):
        said = {**_of_finding(known[body.finding]), "party": body.party, "says": body.says}
        said |= {} if body.outcome is None else {"outcome": body.outcome}
    elif isinstance(body, findings.FindingOverdue):
        said = {**_of_finding(known[body.finding]), **_step(body.step, body.due_ms)}
    else:
        return None
    data = {"release": body.release, "finding": body.finding, **said, "seq": entry.seq, "size": entry.size}
    return Notice(entry.type, f"finding {body.finding}", f"entry {entry.seq}", entry.at_ms, data)


def reminder(found: Finding, step: str, due_ms: int, at_ms: int) -> Notice:
    """The notice that the developer owes a step on a finding soon."""
    data = {"release": found.release, "finding": found.id, **_of_finding(found), **_step(step, due_ms)}
    about = f"finding {found.id}"
    return Notice(DUE, about, f"{about} {step} {due_ms}", at_ms, data)


def _of_finding(found: Finding) -> dict[str, str]:
    return {"kind": found.kind, "level": found.level}


def _step(step: str, due_ms: int) -> dict[str, str]:
    return {"step": step, "due": times.format_time(due_ms)}


def of_succession(entry: Entry) -> Notice | None:
    """The notice of an entry about a stage that opens or closes, for its holders; None for any other."""
    body = entry.body
    if not isinstance(body, StageForeseen | StageOpened | StageClosed):
        return None
    data: dict[str, Any] = {"release": body.release, "stage": body.stage}
    if not isinstance(body, StageClosed):
        opens_ms = body.opens_ms if isinstance(body, StageForeseen) else entry.at_ms
        data["opens"] = times.format_time(opens_ms)
    data |= {"seq": entry.seq, "size": entry.size}
    return Notice(entry.type, f"stage {body.release}/{body.stage}", f"entry {entry.seq}", entry.at_ms, data)


def of_observation(entry: Entry, found: Observation) -> Notice:
    """The notice of an observation that contradicts the record, or that no longer does."""
    probe = found.probe
    said = {
        "release": probe.release,
        "model": probe.model,
        "surface": probe.surface,
        "observer": found.observer,
        "got": found.outcome.got,
        "shows": found.verdict,
        **({} if found.due_by is None else {"directive": found.due_by}),
    }
    about = f"model {probe.model} on {probe.surface}"
    data = {**said, "seq": entry.seq, "size": entry.size}
    return Notice(entry.type, about, f"entry {entry.seq}", entry.at_ms, data)


def of_grant(entry: Entry, known: Mapping[str, Case], held: Mapping[str, Grant]) -> Notice | None:
    """The notice of an entry about a grant that rests on the terms alone, for its holder; None for any other.

    `known` are the cases, and `held` the grants, before it.
    """
    body = entry.body
    case = known.get(body.case) if isinstance(body, _OF_GRANT) else None
    if not isinstance(body, _OF_GRANT) or case is None or case.kind != kinds.TERMS:
        return None
    found = body if isinstance(body, grants.GrantApproved | grants.GrantMoved) else held[body.grant]
    data = {
        "release": found.release,
        "stage": found.stage,
        **_said(body),
        "seq": entry.seq,
        "size": entry.size,
    }
    return Notice(entry.type, f"grant {body.grant}", f"entry {entry.seq} to its holder", entry.at_ms, data)


def _transcribed(case: Case, transcripts: Collection[int]) -> dict[str, bool]:
    """Whether officers wrote down the newest position of each agency in a case."""
    return {agency: said.seq in transcripts for agency, said in case.positions.items()}


def notice(entry: Entry, case: Case, lacking: Sequence[str] = (), by_officers: Iterable[str] = ()) -> Notice:
    """The notice of an entry about its case. `lacking` are the agencies that have too few keys to answer,
    `by_officers` those whose newest position officers wrote down.
    """
    told: dict[str, Any] = {**_asked(case.question), **_said(entry.body)}
    if isinstance(entry.body, _DECISION):
        told |= transcribed_for(by_officers)
    elif isinstance(entry.body, cases.PositionRecorded):
        told |= transcribed_for({entry.body.agency}.intersection(by_officers))
    if isinstance(entry.body, cases.CaseSilent) and entry.body.blocked:
        told |= {"blocked": list(entry.body.blocked)}
    if lacking:
        told |= {"cannotSign": list(lacking)}
    data = {"case": case.id, "kind": case.kind, **told, "seq": entry.seq, "size": entry.size}
    return Notice(entry.type, case.id, f"entry {entry.seq}", entry.at_ms, data)


def transcribed_for(agencies: Iterable[str]) -> dict[str, list[str]]:
    """The part of a notice that says for which agencies officers wrote."""
    named = sorted(agencies)
    return {"transcribedFor": named} if named else {}


def _asked(question: Question) -> dict[str, str]:
    """The parts of a case's question that a notice shows."""
    told = {
        "release": question.release,
        "stage": question.stage,
        "surface": question.surface,
        "directive": question.directive,
    }
    return {name: value for name, value in told.items() if value}


def _said(body: Body) -> dict[str, str]:
    """The parts of an entry, beside its case, that a notice shows."""
    if isinstance(body, cases.CaseDetermined):
        return {"outcome": body.outcome}
    if isinstance(body, cases.PositionRecorded):
        return {"agency": body.agency, "position": body.position}
    if isinstance(body, _OF_AGENCY):
        return {"agency": body.agency} if body.agency is not None else {}
    differs = {"kind": body.kind} if isinstance(body, grants.GrantDiffered) else {}
    return {"grant": body.grant, **differs} if isinstance(body, _OF_GRANT) else {}


_OF_AGENCY = (
    cases.CaseReceived,
    cases.CaseWarned,
    cases.CaseEscalated,
    cases.CaseSilent,
    cases.CaseAnswered,
)
_DECISION = (cases.CaseDetermined, directives.DirectiveLifted)
_OF_GRANT = (
    grants.AboutGrant,
    grants.GrantApproved,
    grants.GrantAmended,
    grants.GrantMoved,
    grants.GrantEnded,
    grants.GrantReinstated,
)


def trial(subscription: str, asked: str, at_ms: int) -> Notice:
    """A test notice, requested by the command `asked`."""
    return Notice(TEST, "", f"test {asked}", at_ms, {"subscription": subscription})


def confirmation(subscription: str, at_ms: int) -> Notice:
    """The letter that asks an address for its confirmation. The code is not in it: who mails it adds it."""
    return Notice(CONFIRMATION, "", "confirmation", at_ms, {"subscription": subscription})


def code(log: Ed25519PrivateKey, subscription: str) -> str:
    """The code that confirms the address of a subscription, 80 bits. It is derived, as a secret is."""
    return base64.b32encode(_derived(log, "mail", subscription)[:10]).decode().lower()


def secret(log: Ed25519PrivateKey, subscription: str) -> bytes:
    """The secret that signs what is sent to a subscription's webhook, 32 bytes.

    It is derived from the log's key. So it is not stored anywhere.
    """
    return _derived(log, "webhook", subscription)


def _derived(log: Ed25519PrivateKey, purpose: str, subscription: str) -> bytes:
    info = f"sluicegate:v1:{purpose}:{subscription}".encode()
    return HKDF(SHA256(), 32, None, info).derive(log.private_bytes_raw())


def shown(key: bytes) -> str:
    """A secret in the form that its holder gets: `whsec_` and base64."""
    return SECRET_PREFIX + canonical.b64(key)


def sign(key: bytes, message: str, timestamp_s: int, body: bytes) -> str:
    """The `webhook-signature` of a body.

    Source: Standard Webhooks, "Signature scheme".
    """
    mac = hmac.new(key, f"{message}.{timestamp_s}.".encode() + body, hashlib.sha256)
    return f"v1,{canonical.b64(mac.digest())}"
