"""Invitations: the link, and what is kept of it."""

from __future__ import annotations

from sluicegate.core.access import apikey, invitations
from sluicegate_record.log.times import DAY_MS


def test_a_link_leads_to_its_digest_and_counts_for_a_week() -> None:
    first, second = (invitations.made(bytes([number]) * 32, 5) for number in (1, 2))
    secret = first.path.removeprefix("/welcome/")
    assert (apikey.digest(secret), first.until_ms) == (first.digest, 5 + 7 * DAY_MS)
    assert len(secret) == 43
    assert first.digest != second.digest
