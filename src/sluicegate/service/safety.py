"""Safety webhooks of models' providers: a notice about an end user becomes a finding about the organization.

Rules:
- The party that reports is one of the trust file, which the plan names in `findings.from`. Its key is with
  the control plane. So it should be the key of a party that signs findings only.
- What the provider said is in the sealed details alone. The finding's text is the type of the notice.
- An identifier is resolved if exactly one organization has registered it, or holds a user profile of that
  name, and has a live grant. What cannot be resolved goes to the developer's staff, by their subscriptions.
  Without one it is refused: the provider sends it again.
- All that a notice can cause is counted by the day: reports, and letters to the staff.
- A notice that comes again, by its id, changes nothing. What ends an enforcement closes the findings of it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.growth import daily
from sluicegate.core.lifecycle import Refusal, State, findings, notices
from sluicegate.core.lifecycle.findings import RecordFinding
from sluicegate.core.lifecycle.notices import Notice
from sluicegate.core.people import persons
from sluicegate.errors import BadSignature, InvalidInput
from sluicegate.ports import Ports
from sluicegate.service.allowance import Charge
from sluicegate.service.ledger import Ledger
from sluicegate.service.letters import letter
from sluicegate.settings import DailyLimits
from sluicegate_record.entities.grant import Grant
from sluicegate_record.form import replace
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.publickey import PublicKey, SigningKey
from sluicegate_record.statements.findings import GONE, REPORTS, RETESTS, FindingStatement, SealedDetails
from sluicegate_record.terms.findings import MISUSE

BY = "safety-webhook"
"""Who such entries are by: the control plane, for the party whose key signs them."""
WINDOW_S = 300
"""How old or early a notice may be. Source: Standard Webhooks."""
ID_MAX, SIGNATURES_MAX, NAME_MAX = 200, 16, 200
UNRESOLVED = "safety.unresolved"
"""The topic of a notice that needs people."""
AGAIN_S = 3_600

OPENED = frozenset(
    {
        *("safety_identifier.blocked", "safety.warning_issued", "safety.deactivation_issued"),
        "user_profile.enforcement_action_opened",
    }
)
RESOLVED = frozenset({"user_profile.enforcement_action_resolved"})
IDENTIFIERS = ("safety_identifier", "entity_identifier", "user_profile_id")
"""The fields of a notice that can name an end user or a user profile."""
ACTIONS = ("enforcement_action_id", "id")
"""The fields that can name what was opened and is resolved later."""


@dataclass(frozen=True, slots=True)
class NoticeSource:
    """A provider whose notices come in; as `settings.SafetySource`, with its key."""

    party: str
    secret: bytes
    key: SigningKey
    level: str
    seal_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """A notice that was verified: its id, its type, and what it says."""

    source: NoticeSource
    message: str
    type: str
    data: Mapping[str, Any]

    @property
    def command(self) -> str:
        """The command that takes it."""
        return f"{self.source.party} {self.message}"

    @property
    def action(self) -> str:
        """The name of what was opened or resolved; empty if it has none."""
        return _first(self.data, ACTIONS)


class SafetyIntake:
    """Takes the notices of some sources, by party. `seal` seals a text to keys of 32 raw bytes."""

    def __init__(
        self,
        ledger: Ledger,
        sources: Sequence[NoticeSource],
        seal: Callable[[bytes, Sequence[bytes]], bytes],
        limits: DailyLimits,
    ) -> None:
        self._ledger = ledger
        self._sources = {each.party: each for each in sources}
        self._seal = seal
        self._limits = limits

    def take(self, party: str, signed: Mapping[str, str], body: bytes) -> str | Refusal:
        """Take a notice with these headers; what was done with it.

        Raises: BadSignature: it is not the provider's, or not of now. InvalidInput: it cannot be read.
                StoreUnavailable: nothing was done, or it will be found done.
        """
        source = self._sources.get(party)
        if source is None:
            said = f"no safety webhooks of {party[:80]!r} come in here"
            return Refusal("unknown", "safety_source_unknown", said)
        message = _verified(source.secret, signed, body, self._ledger.now_ms() // 1000)
        event = _read(source, message, body)
        if event.type in OPENED:
            return self._opened(event)
        return self._resolved(event) if event.type in RESOLVED else "ignored"

    def _opened(self, event: _Event) -> str | Refusal:
        grants = self._grants(event)
        if not grants:
            return self._to_people(event, "no one organization with a grant has this identifier")
        names = []
        for grant in grants:
            found = self._report(event, grant)
            if isinstance(found, Refusal):
                return self._refused(event, found)
            names.append(found)
        if event.action:
            self._remember(f"{event.source.party} action {event.action}", {"findings": names})
        return "reported"

    def _grants(self, event: _Event) -> list[str]:
        """The live grants that a notice is about; none if that is not one organization."""
        name = _first(event.data, IDENTIFIERS)
        if not name:
            return []
        digest = persons.identifier(name)
        with self._ledger.reading() as state:
            found = {each for each, known in state.table.registry.items() if digest in known}
            held = [each for each in state.grants.values() if each.is_live]
            found |= {each.organization for each in held if _has_profile(each, digest.hex())}
            own = [each for each in held if each.organization in found]
            if len(found) != 1:
                return []
            offer = state.table.offers.get(_first(event.data, ("model",)))
            of_model = [each for each in own if offer is not None and each.release == offer.release]
            return [each.id for each in of_model or own]

    def _report(self, event: _Event, grant: str) -> str | Refusal:
        """Report the misuse of a grant; the name of the finding."""
        command = f"{event.command} {grant}"
        done = self._ledger.first(by=BY, command_id=command, request=[event.message])
        if done is None:
            with self._ledger.reading() as state:
                found = state.grants[grant]
                stated, opening = self._stated(event, state, found)
            done = self._say(event, stated, command, opening)
        return done if isinstance(done, Refusal) else str(done["finding"])

    def _stated(self, event: _Event, state: State, grant: Grant) -> tuple[FindingStatement, Opening | None]:
        plan = state.releases[grant.release].plan
        source, names = event.source, plan.spec.scale.names
        keys = {
            PublicKey(key.public).keyid: key.public
            for key in findings.keys_to_seal_to(state, plan)
            if key.party in source.seal_to
        }
        said = FindingStatement(
            log=state.log,
            party=source.party,
            says=REPORTS,
            release=grant.release,
            kind=MISUSE,
            level=source.level if source.level in names else names[-1],
            text=f"a safety notice of the model's provider: {event.type}",
            grant=grant.id,
        )
        if not keys:
            return said, None
        text = json.dumps({"type": event.type, "data": event.data}, indent=2, ensure_ascii=False)
        sealed = canonical.b64(self._seal(_encoded(text), list(keys.values())))
        opening = Opening(self._ledger.random(32), canonical.dumps(sealed))
        commitment = opening.commitment("sealed", "details")
        details = SealedDetails(commitment=commitment, keys=tuple(sorted(keys)))
        return replace(said, sealed_details=details), opening

    def _resolved(self, event: _Event) -> str | Refusal:
        """Close the findings of an enforcement that has ended."""
        request = f"{event.source.party} action {event.action}"
        known = self._ledger.first(by=BY, command_id=request, request=[request]) if event.action else None
        if not isinstance(known, dict):
            return self._to_people(event, "no finding is known of what has ended")
        for name in known["findings"]:
            with self._ledger.reading() as state:
                found, log = state.record.findings[name], state.log
            if not found.is_open:
                continue
            stated = FindingStatement(
                log=log,
                party=event.source.party,
                says=RETESTS,
                finding=name,
                outcome=GONE,
                text=f"a safety notice of the model's provider: {event.type}",
                previous=found.digest,
            )
            done = self._say(event, stated, f"{event.command} {name}")
            if isinstance(done, Refusal):
                return self._refused(event, done)
        return "closed"

    def _say(
        self, event: _Event, stated: FindingStatement, command: str, opening: Opening | None = None
    ) -> dict[str, Any] | Refusal:
        dated = replace(stated, signed_at_ms=self._ledger.now_ms())
        asked = RecordFinding(dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, dated.payload(), event.source.key), opening)
        request, charge = [event.message], self._charge(event)
        return self._ledger.execute(asked, by=BY, command_id=command, request=request, charge=charge)

    def _charge(self, event: _Event) -> Charge:
        return Charge((event.source.party,), daily("positions"), 1, self._limits)

    def _refused(self, event: _Event, refusal: Refusal) -> str | Refusal:
        """The answer to a notice that the rules refuse: people look at it, unless it may come again."""
        return refusal if refusal.kind == "exhausted" else self._to_people(event, refusal.message)

    def _to_people(self, event: _Event, why: str) -> str | Refusal:
        """Notify the staff of what could not be resolved; refuse it if no one would hear of it."""

        def change(ports: Ports) -> dict[str, Any] | Refusal:
            notice = _unresolved(event, why, self._ledger.now_ms())
            staff = [each.id for each, who in ports.outbox.subscribers(()) if who.role == DEVELOPER]
            if not staff:
                said = "this needs people, and none of the developer's staff has a subscription"
                remedy = "'sluicegate notify add', as the developer's staff; the provider sends it again"
                return Refusal("exhausted", "safety_unheard", said, remedy, AGAIN_S)
            ports.outbox.post([letter(notice, each) for each in staff])
            return {"notified": len(staff)}

        done = self._remember(f"{event.command} unresolved", change, self._charge(event))
        return done if isinstance(done, Refusal) else "unresolved"

    def _remember(
        self,
        command: str,
        what: dict[str, Any] | Callable[[Ports], dict[str, Any] | Refusal],
        charge: Charge | None = None,
    ) -> dict[str, Any] | Refusal:
        change = what if callable(what) else lambda _: what
        return self._ledger.arrange(change, by=BY, command_id=command, request=[command], charge=charge)


def _verified(secret: bytes, signed: Mapping[str, str], body: bytes, now_s: int) -> str:
    """The id of a notice that a provider has signed. Raises: BadSignature.

    Source: Standard Webhooks, "Verifying signatures".
    """
    message, at_s = signed.get("webhook-id", ""), signed.get("webhook-timestamp", "")
    given = signed.get("webhook-signature", "").split(" ")
    if not (0 < len(message) <= ID_MAX and message.isascii() and message.isprintable()):
        raise BadSignature("a safety webhook without a webhook-id")
    if not (at_s.isascii() and at_s.isdecimal() and len(at_s) <= 12 and abs(now_s - int(at_s)) <= WINDOW_S):
        raise BadSignature("a safety webhook of another time", remedy="set the clocks of both sides")
    wanted = notices.sign(secret, message, int(at_s), body).encode()
    matches = [hmac.compare_digest(each.encode(), wanted) for each in given[:SIGNATURES_MAX]]
    if not any(matches) or str(int(at_s)) != at_s:
        raise BadSignature("a safety webhook that its provider did not sign", remedy="give the secret anew")
    return message


def _read(source: NoticeSource, message: str, body: bytes) -> _Event:
    """A notice, of either form: `type` beside `data`, or in it. Raises: InvalidInput."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("a safety webhook that is no JSON") from error
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict):
        raise InvalidInput("a safety webhook without an object 'data'")
    type_ = value.get("type")
    if type_ == "event":
        type_ = data.get("type")
    if not isinstance(type_, str) or len(type_) > NAME_MAX:
        raise InvalidInput("a safety webhook without a type")
    return _Event(source, message, type_, data)


def _first(data: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of some fields that is a text, not too long; empty without one."""
    found: Iterator[Any] = (data.get(name) for name in names)
    said = next((each for each in found if isinstance(each, str) and 0 < len(each) <= NAME_MAX), "")
    return _encoded(said).decode()


def _encoded(text: str) -> bytes:
    """A text in UTF-8; half a character, where someone cut one, as the escape that JSON has for it."""
    return text.encode(errors="backslashreplace")


def _has_profile(grant: Grant, digest: str) -> bool:
    return any(digest in programme.holders for programme in grant.programmes)


def _unresolved(event: _Event, why: str, at_ms: int) -> Notice:
    """What the staff hear: whose notice it was, of which type and under which names, to look it up there."""
    data = {"party": event.source.party, "event": event.type, "message": event.message, "why": why}
    if event.action:
        data["action"] = event.action
    return Notice(UNRESOLVED, "", f"safety {event.command}", at_ms, data)
