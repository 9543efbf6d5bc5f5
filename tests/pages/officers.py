"""Officers for tests: someone who is signed in, and whose passkey the trust file has."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.sign_ins import InvitationRequest
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.terms.trust import Pin
from sluicegate.service import sign_ins
from sluicegate.service.context import STRANGER
from sluicegate.service.ledger import Ledger
from sluicegate.signin import signatures
from sluicegate.signin.origins import PagesOrigin
from tests.pages.signing_in import authenticator


def passkey_of(ledger: Ledger, page: Page, url: str, name: str) -> Pin:
    """Have someone sign in by a link and make a passkey; it, as an owner's key in the trust file."""
    asked = InvitationRequest(role=DEVELOPER, name=name)
    made = sign_ins.make(ledger, asked, STRANGER)
    assert not isinstance(made, Refusal), made
    authenticator(page)
    page.goto(url + made.path)
    page.get_by_role("button").click()
    page.wait_for_url("**/account")
    page.goto("/account/passkey")
    page.get_by_label("What to call it").fill("key")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("rowheader", name="key", exact=True)).to_be_visible()
    return pinned(ledger, url, name)


def pinned(ledger: Ledger, url: str, name: str) -> Pin:
    """The passkey of somebody who has one, as an owner's key in the trust file."""
    [who] = [each for each in ledger.store.principals.all() if each.name == name]
    [passkey] = ledger.store.sign_ins.passkeys(who.id)
    key = signatures.pinned(passkey, PagesOrigin(url))
    with ledger.reading() as state:
        developer = state.developer
    return Pin(name, developer, key.data, key.passkey)


def trusted(ledger: Ledger, *added: Pin) -> None:
    """Start the log again with more keys in the trust file."""
    with ledger.reading() as state:
        known = [Pin(each.owner, each.party, each.public, each.webauthn) for each in state.keys.values()]
        command = StartLog(state.origin, state.log, state.developer, [*known, *added])
    done = ledger.execute(command, by="log", command_id=f"start-with-{len(known) + len(added)}")
    assert not isinstance(done, Refusal), done


def clear(page: Page) -> None:
    """Check that a page has no barrier, and is not wider than a small window."""
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1_280, "height": 800})


def order(name: str, covers: str, annexes: str = "") -> str:
    """An order by letter as an officer writes it; `covers` and `annexes` as in YAML."""
    stated = f"  annexes: {annexes}\n" if annexes else ""
    return f"""apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: {name}}}
spec:
  issuer: oncd
  basis: {{kind: order, authority: "a letter"}}
  action: suspend
  models: [gpt-5.6]
  surfaces: all
  covers: {covers}
{stated}  reasons: {{form: none}}
"""
