"""Subscriptions: who wants to be told, where; and what could not be delivered.

Rules:
- Everybody handles their own, and learns nothing of anybody else's.
- A webhook's secret is in the answer that makes it and nowhere else: it is derived, never stored.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sluicegate import targets
from sluicegate.core.lifecycle import Refusal, notices
from sluicegate.ports import Letter, Outbox, Ports, Principal, Subscription
from sluicegate.service.ledger import Ledger
from sluicegate.service.letters import letter
from sluicegate.settings import PostSettings
from sluicegate_record.log import canonical, times

WEBHOOK, EMAIL = "webhook", "email"
SUBSCRIPTIONS_MAX = 20
"""How many one principal may have: every entry about its cases is sent to each."""
DEAD_MAX = 1_000
"""How many dead letters one answer lists."""


def add(
    ledger: Ledger, principal: Principal, command_id: str, asked: Mapping[str, str], settings: PostSettings
) -> dict[str, Any] | Refusal:
    """Tell a webhook or a mail address from now on. `asked` holds `kind` and `target`.

    Raises: InvalidInput: a target that is never sent to.
    """
    kind, target = asked["kind"], asked["target"]
    if kind == WEBHOOK:
        targets.check_webhook(target, settings.webhook_networks)
    else:
        targets.check_mail(target)
        if not settings.smtp_host:
            said = "this control plane sends no e-mail"
            return Refusal("conflict", "mail_not_set_up", said, "use a webhook, or ask for SLUICEGATE_SMTP")

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        if len(ports.outbox.subscriptions(principal.id)) >= SUBSCRIPTIONS_MAX:
            said = f"you have {SUBSCRIPTIONS_MAX} subscriptions"
            return Refusal("conflict", "too_many_subscriptions", said, "remove one")
        name = "sub_" + base64.b32encode(ledger.random(10)).decode().lower()
        added = Subscription(name, principal.id, kind, target, ledger.now_ms())
        ports.outbox.add_subscription(added)
        return _shown(added)

    request = ["subscribe", kind, target]
    answer = ledger.arrange(change, by=principal.id, command_id=command_id, request=request)
    if isinstance(answer, Refusal) or kind != WEBHOOK:
        return answer
    return {**answer, "secret": notices.shown(notices.secret(ledger.key, answer["subscription"]))}


def listed(ledger: Ledger, principal: Principal) -> dict[str, Any]:
    """The caller's subscriptions, oldest first."""
    return {"subscriptions": [_shown(found) for found in ledger.store.outbox.subscriptions(principal.id)]}


def remove(
    ledger: Ledger, principal: Principal, command_id: str, subscription: str
) -> dict[str, Any] | Refusal:
    """Tell a target no more; what waits for it is forgotten."""

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        found = _own(ports.outbox, principal, subscription)
        if isinstance(found, Refusal):
            return found
        ports.outbox.remove_subscription(found.id)
        return {"subscription": found.id, "removed": True}

    return ledger.arrange(
        change, by=principal.id, command_id=command_id, request=["unsubscribe", subscription]
    )


def test(
    ledger: Ledger, principal: Principal, command_id: str, subscription: str
) -> dict[str, Any] | Refusal:
    """Send a letter about nothing, to see whether it arrives."""

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        found = _own(ports.outbox, principal, subscription)
        if isinstance(found, Refusal):
            return found
        if found.gone:
            said = f"the receiver of {found.id!r} said that it is gone"
            return Refusal("conflict", "subscription_gone", said, "replay its dead letters, or add another")
        asked = canonical.digest([principal.id, command_id])
        trial = letter(notices.trial(found.id, asked, ledger.now_ms()), found.id)
        ports.outbox.post([trial])
        return {"subscription": found.id, "letter": trial.message}

    return ledger.arrange(change, by=principal.id, command_id=command_id, request=["test", subscription])


def dead(ledger: Ledger, principal: Principal) -> dict[str, Any]:
    """What could not be delivered to the caller, oldest first."""
    found = ledger.store.outbox.dead(principal.id, DEAD_MAX)
    return {"letters": [_told(subscription, each) for subscription, each in found]}


def replay(
    ledger: Ledger, principal: Principal, command_id: str, message: str | None
) -> dict[str, Any] | Refusal:
    """Send dead letters of the caller's again, one or all."""

    def change(ports: Ports) -> dict[str, Any] | Refusal:
        count = ports.outbox.replay(principal.id, message, ledger.now_ms())
        if message is not None and not count:
            said = f"no dead letter {message[:80]!r}"
            return Refusal("unknown", "letter_unknown", said, "'notify dead' lists yours")
        return {"replayed": count}

    return ledger.arrange(change, by=principal.id, command_id=command_id, request=["replay", message])


def _own(outbox: Outbox, principal: Principal, subscription: str) -> Subscription | Refusal:
    found = {each.id: each for each in outbox.subscriptions(principal.id)}.get(subscription)
    said = f"no subscription {subscription[:80]!r}"
    return found or Refusal("unknown", "subscription_unknown", said, "'notify list' shows yours")


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscription": subscription.id,
        "kind": subscription.kind,
        "target": subscription.target,
        "state": "gone" if subscription.gone else "active",
        "since": times.format_time(subscription.created_at_ms),
    }


def _told(subscription: Subscription, letter: Letter) -> dict[str, Any]:
    body: Any = canonical.loads(letter.body)
    return {
        "letter": letter.message,
        "subscription": subscription.id,
        "target": subscription.target,
        "topic": body["type"],
        "at": body["timestamp"],
        "case": letter.case or None,
        "attempts": letter.attempts,
        "error": letter.error,
    }
