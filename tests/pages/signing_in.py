"""Signing in for tests: a browser with an authenticator in software, and one who is signed in by a link."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import CDPSession, Page

from sluicegate.acts.sign_ins import InvitationRequest
from sluicegate.core.lifecycle import Refusal
from sluicegate.service import sign_ins
from sluicegate.service.context import STRANGER
from tests.control.conftest import Plane

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def authenticator(page: Page, **other: Any) -> CDPSession:
    """Give a page an authenticator whose person is there and says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **other}})
    return session


def named(plane: Plane, host: str = "control.localhost") -> str:
    """The origin of a plane's pages, by a name that passkeys can be bound to."""
    return plane.url.replace("127.0.0.1", host)


def invitation(plane: Plane, role: str, name: str, party: str | None = None) -> str:
    """The path of a link that signs in once."""
    made = sign_ins.make(plane.ledger, InvitationRequest(role=role, name=name, party=party), STRANGER)
    assert not isinstance(made, Refusal), made
    return made.path


def sign_in(page: Page, plane: Plane, role: str, name: str, party: str | None = None) -> None:
    """Sign a page's reader in by a link."""
    page.goto(named(plane) + invitation(plane, role, name, party))
    page.get_by_role("button").click()
    page.wait_for_url("**/account")
