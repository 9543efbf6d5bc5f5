"""Attacks on those who are signed in to the pages, and on the ways in."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.fleet import served
from sluicegate.acts.sign_ins import INVITATIONS_MAX, InvitationRequest
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.lifecycle import Refusal
from sluicegate.parsing.parsers import Parsers
from sluicegate.service import sign_ins, tokens
from sluicegate.service.context import STRANGER
from sluicegate.settings import HttpSettings
from sluicegate.signin.door import PASSKEYS_MAX
from sluicegate.signin.sessions import SESSIONS_MAX
from tests.authenticator import Authenticator
from tests.control.conftest import Plane
from tests.passkeys import UP
from tests.waiting import BOUND_S

CLIENTS = list[httpx2.Client]()
FORM = re.compile(r'name="_form" value="([0-9a-f]+)"')


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("signed-in"), HttpSettings(burst=100_000))
    with served(made.wired) as made.url:
        yield made
        for each in CLIENTS:
            each.close()
        CLIENTS.clear()


class Browser:
    """A browser as far as it matters: it keeps cookies, and says where a form comes from."""

    def __init__(self, plane: Plane, host: str = "control.localhost") -> None:
        self.plane = plane
        self.origin = plane.url.replace("127.0.0.1", host)
        headers = {"host": self.origin[len("http://") :]}
        self.client = httpx2.Client(
            base_url=plane.url, timeout=BOUND_S, trust_env=False, verify=False, headers=headers
        )
        CLIENTS.append(self.client)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, *, origin: str | None = "", **fields: str) -> httpx2.Response:
        headers = {} if origin is None else {"origin": origin or self.origin}
        return self.client.post(path, data=fields, headers=headers)

    def enter(self, role: str, name: str, party: str | None = None) -> Browser:
        """Sign in by a link."""
        assert self.post("/welcome", invitation=invited(self.plane, role, name, party)).status_code == 303
        return self

    def form(self, path: str = "/account") -> str:
        """The token of the forms of this session."""
        found = FORM.search(self.get(path).text)
        assert found is not None
        return found[1]

    def options(self, path: str) -> str:
        """What the browser is asked on a page."""
        found = re.search(r'data-options="([^"]+)"', self.get(path).text)
        assert found is not None
        return html.unescape(found[1])

    @property
    def secret(self) -> str | None:
        """The secret of the session."""
        return next((each.value for each in self.client.cookies.jar if each.name == "session"), None)

    @property
    def is_in(self) -> bool:
        return self.get("/account").status_code == 200

    def authenticator(self) -> Authenticator:
        """One with a passkey that this session has made."""
        made = Authenticator(self.origin, "control.localhost", id=secrets.token_bytes(16))
        answer = made.made(self.options("/account/passkey"))
        sent = self.post("/account/passkey", _form=self.form(), name="one", answer=answer)
        assert sent.status_code == 303, sent.text
        return made


def invited(plane: Plane, role: str, name: str, party: str | None = None) -> str:
    made = sign_ins.make(plane.ledger, InvitationRequest(role=role, name=name, party=party), STRANGER)
    assert not isinstance(made, Refusal), made
    return made.path.removeprefix("/welcome/")


def names(plane: Plane) -> set[str]:
    return {each.name for each in plane.ledger.store.principals.all()}


@pytest.mark.parametrize(
    "changed",
    [
        {"_form": ""},
        {"_form": "0" * 64},
        {"_form": "of another session"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": None},
        {"origin": "http://localhost"},
    ],
)
def test_a_form_from_elsewhere_does_nothing(plane: Plane, changed: dict[str, Any]) -> None:
    browser = Browser(plane).enter("developer", "victim")
    given = {"role": "applicant", "name": "made-from-elsewhere", "_form": browser.form()} | changed
    if given["_form"] == "of another session":
        given["_form"] = Browser(plane).enter("developer", "victim").form()
    answer = browser.post("/acts/token.issue", **given)
    assert answer.status_code == 403, answer.text
    assert "made-from-elsewhere" not in names(plane)
    assert browser.post("/sign-out", **changed).status_code == 403
    assert browser.is_in


def test_the_api_takes_no_cookie_and_pages_take_no_token(plane: Plane) -> None:
    browser = Browser(plane).enter("developer", "cookie")
    assert browser.get("/api/v1/tokens").status_code == 401
    token = plane.token("developer")
    stranger = Browser(plane)
    answer = stranger.get("/account", authorization=f"Bearer {token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/account")


def test_a_secret_that_was_there_before_signing_in_never_counts(plane: Plane) -> None:
    browser, planted = Browser(plane), "known-to-the-attacker"
    link = invited(plane, "applicant", "fixed")
    answer = browser.client.post(
        "/welcome",
        data={"invitation": link},
        headers={"origin": browser.origin, "cookie": f"session={planted}"},
    )
    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    assert browser.is_in
    attacker = Browser(plane)
    assert attacker.get("/account", cookie=f"session={planted}").status_code == 303


def test_of_two_sessions_in_one_request_none_counts(plane: Plane) -> None:
    one, other = Browser(plane).enter("applicant", "tossed"), Browser(plane).enter("applicant", "tosses")
    both = f"session={other.secret}; session={one.secret}"
    assert Browser(plane).get("/account", cookie=both).status_code == 303


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%0d%0aevil: 1\r\n",
        "javascript:1",
        "evil",
    ],
)
def test_signing_in_leads_nowhere_else(plane: Plane, after: str) -> None:
    answer = Browser(plane).post("/sign-in/token", token=plane.token("developer"), next=after)
    assert answer.status_code == 303
    assert "evil" not in answer.headers["location"]
    assert "javascript" not in answer.headers["location"]
    assert "evil" not in answer.headers


def test_a_cookie_goes_to_no_script_and_no_other_site(plane: Plane) -> None:
    answer = Browser(plane).post("/sign-in/token", token=plane.token("developer"))
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=lax" in said
    assert "domain" not in said


@pytest.mark.parametrize("host", ["evil.example", "control.localhost.evil.example", "10.0.0.1", "localhostx"])
def test_a_name_of_elsewhere_that_leads_here_signs_no_one_in(plane: Plane, host: str) -> None:
    browser = Browser(plane, host)
    assert browser.get("/sign-in").status_code == 421
    answer = browser.post("/sign-in/token", token=plane.token("developer"))
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("role", ["gateway", "person"])
def test_a_token_of_a_machine_or_a_private_link_does_not_sign_in(plane: Plane, role: str) -> None:
    answer = Browser(plane).post("/sign-in/token", token=plane.token(role))
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_role_does_on_pages_what_it_may_and_no_more(plane: Plane) -> None:
    applicant = Browser(plane).enter("applicant", "small")
    assert applicant.get("/acts/token.list").status_code == 403
    sent = {"role": "applicant", "name": "by-an-applicant", "_form": applicant.form()}
    assert applicant.post("/acts/token.issue", **sent).status_code == 403
    assert "by-an-applicant" not in names(plane)
    assert applicant.get("/acts/nothing").status_code == 404
    assert "token.list" not in applicant.get("/acts").text
    invites = {"role": "developer", "name": "promoted", "_form": applicant.form()}
    assert applicant.post("/acts/sign-in.invite", **invites).status_code == 403
    assert "promoted" not in names(plane)


def test_no_one_ends_or_sees_the_sessions_of_another(plane: Plane) -> None:
    victim, attacker = Browser(plane).enter("applicant", "seen"), Browser(plane).enter("applicant", "sees")
    passkey = victim.authenticator()
    principal = next(each for each in plane.ledger.store.principals.all() if each.name == "seen")
    [session] = plane.ledger.store.sign_ins.sessions(principal.id, plane.ledger.now_ms())
    form = attacker.form()
    assert attacker.get(f"/acts/sign-in.list?principal={principal.id}").status_code == 404
    assert attacker.post("/acts/sign-in.end", session=session.id, _form=form).status_code == 404
    named = {"passkey": plane.ledger.store.sign_ins.passkeys(principal.id)[0].id, "_form": form}
    assert attacker.post("/acts/sign-in.remove", **named).status_code == 404
    assert victim.is_in
    assert passkey.counter == 0


def test_a_token_that_ends_takes_every_way_in_with_it(plane: Plane) -> None:
    browser = Browser(plane).enter("applicant", "leaving")
    passkey, link = browser.authenticator(), invited(plane, "applicant", "leaving")
    principal = next(each for each in plane.ledger.store.principals.all() if each.name == "leaving")
    with plane.staff() as staff:
        assert staff.post(f"/api/v1/tokens/{principal.id}/revoke").status_code == 200
    assert not browser.is_in
    again = Browser(plane)
    assert again.post("/welcome", invitation=link).status_code == 401
    answer = passkey.asserted(again.options("/sign-in"))
    assert again.post("/sign-in/passkey", answer=answer).status_code == 401
    assert not again.is_in


def test_a_token_that_is_replaced_ends_what_began_by_the_one_before(plane: Plane) -> None:
    asked = TokenRequest(role="applicant", name="stolen")
    made = tokens.issue(plane.ledger, asked)
    assert not isinstance(made, Refusal)
    thief = Browser(plane)
    assert thief.post("/sign-in/token", token=made.token).status_code == 303
    assert thief.is_in
    assert not isinstance(
        tokens.issue(plane.ledger, TokenRequest(role="applicant", name="stolen", replace=True)), Refusal
    )
    assert not thief.is_in


def colleague(browser: Browser, name: str, **asked: str) -> Browser:
    """A colleague whom the one in a browser invites, in a browser of theirs."""
    made = browser.post("/acts/sign-in.invite", name=name, _form=browser.form(), **asked)
    assert made.status_code == 200, made.text
    other = Browser(browser.plane)
    assert other.post("/welcome", invitation=link_in(made.text)).status_code == 303
    return other


def link_in(page: str) -> str:
    found = re.search(r"/welcome/([\w-]+)", page)
    assert found is not None
    return found[1]


def id_of(plane: Plane, name: str) -> str:
    (found,) = (each.id for each in plane.ledger.store.principals.all() if each.name == name)
    return found


def about(browser: Browser, act: str, name: str) -> int:
    """What comes of an act about someone."""
    sent = {"principal": id_of(browser.plane, name), "_form": browser.form()}
    return browser.post(f"/acts/colleague.{act}", **sent).status_code


def test_a_colleague_sees_no_form_for_who_comes_in_and_sends_none(plane: Plane) -> None:
    boss = Browser(plane).enter("applicant", "boss")
    ana = colleague(boss, "boss-ana")
    page = ana.get("/colleagues").text
    assert "boss-ana" in page
    assert "End access" not in page
    assert "Make administrator" not in page
    assert "colleague.end" not in ana.get("/acts").text
    assert "colleague.end" in boss.get("/acts").text
    assert ana.get(f"/sign-ins?principal={id_of(plane, 'boss')}").status_code == 404
    assert (
        about(ana, "end", "boss") == about(ana, "demote", "boss") == about(ana, "promote", "boss-ana") == 403
    )
    sent = {"name": "boss-accomplice", "_form": ana.form()}
    assert ana.post("/acts/sign-in.invite", **sent).status_code == 403
    assert "boss-accomplice" not in names(plane)
    made = Browser(plane)
    assert made.post("/welcome", invitation=link_in(own_link(ana))).status_code == 303
    assert "boss-ana" in made.get("/account").text
    assert about(boss, "end", "boss") == 409
    assert boss.is_in


def own_link(browser: Browser) -> str:
    return browser.post("/acts/sign-in.invite", _form=browser.form()).text


def test_another_organizations_person_is_not_there(plane: Plane) -> None:
    colleague(Browser(plane).enter("applicant", "victims"), "victims-ana")
    attacker = Browser(plane).enter("applicant", "attackers")
    for act in ("end", "promote", "demote"):
        assert about(attacker, act, "victims-ana") == 404
        assert about(attacker, act, "victims") == 404
    assert attacker.get(f"/sign-ins?principal={id_of(plane, 'victims-ana')}").status_code == 404
    assert "victims" not in attacker.get("/colleagues").text


def test_a_session_a_token_and_links_of_a_person_end_at_once_with_their_access(plane: Plane) -> None:
    boss = Browser(plane).enter("applicant", "ending")
    ana = colleague(boss, "ending-ana", administrator="yes")
    passkey, own = ana.authenticator(), link_in(own_link(ana))
    token = re.search(r"sgt_[\w-]+", ana.post("/acts/token.renew", _form=ana.form()).text)
    accomplice = ana.post("/acts/sign-in.invite", name="ending-bo", _form=ana.form())
    assert token is not None
    with httpx2.Client(base_url=plane.url, headers={"authorization": f"Bearer {token[0]}"}) as program:
        assert program.get("/api/v1/colleagues").status_code == 200
        form = ana.form()
        assert about(boss, "end", "ending-ana") == 200
        assert program.get("/api/v1/colleagues").status_code == 401
        assert program.post("/api/v1/invitations", json={}).status_code == 401
    assert not ana.is_in
    assert ana.post("/acts/token.renew", _form=form).status_code == 401
    again = Browser(plane)
    for link in (own, link_in(accomplice.text)):
        assert again.get(f"/welcome/{link}").status_code == 401
        assert again.post("/welcome", invitation=link).status_code == 401
    assert again.post("/sign-in/token", token=token[0]).status_code == 401
    answer = passkey.asserted(again.options("/sign-in"))
    assert again.post("/sign-in/passkey", answer=answer).status_code == 401
    assert boss.is_in


def test_who_is_ended_while_a_request_of_theirs_comes_in_does_nothing_by_it(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = Browser(plane).enter("developer", "slow-chief")
    clerk = colleague(boss, "slow-clerk", administrator="yes")
    sent = {"role": "developer", "name": "backdoor", "_form": clerk.form()}
    read = Parsers.read

    async def ended_first(self: Parsers, head: Any, *more: Any) -> Any:
        found = await read(self, head, *more)
        if head.act == "token.issue":
            plane.ledger.store.principals.end(id_of(plane, "slow-clerk"))
        return found

    monkeypatch.setattr(Parsers, "read", ended_first)
    assert clerk.post("/acts/token.issue", **sent).status_code == 401
    assert "backdoor" not in names(plane)


def test_staff_who_are_no_administrators_let_no_one_in(plane: Plane) -> None:
    boss = Browser(plane).enter("developer", "chief")
    clerk = colleague(boss, "clerk")
    sent = {"role": "developer", "name": "clerk-2", "_form": clerk.form()}
    for act in ("token.issue", "sign-in.invite"):
        assert clerk.post(f"/acts/{act}", **sent).status_code == 403
        assert clerk.post(f"/acts/{act}", **{**sent, "role": "applicant"}).status_code == 403
    revoked = {"principal": id_of(plane, "chief"), "_form": clerk.form()}
    assert clerk.post("/acts/token.revoke", **revoked).status_code == 403
    assert "clerk-2" not in names(plane)
    assert clerk.get("/board").status_code == 200


def test_an_assertion_signs_in_once(plane: Plane) -> None:
    passkey = Browser(plane).enter("applicant", "replayed").authenticator()
    browser = Browser(plane)
    answer = passkey.asserted(browser.options("/sign-in"))
    assert browser.post("/sign-in/passkey", answer=answer).status_code == 303
    assert Browser(plane).post("/sign-in/passkey", answer=answer).status_code == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://desk.localhost"},
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
        {"flags": UP},
    ],
)
def test_an_assertion_for_something_else_signs_no_one_in(plane: Plane, lie: dict[str, Any]) -> None:
    passkey = Browser(plane).enter("applicant", "elsewhere").authenticator()
    browser = Browser(plane)
    answer = passkey.asserted(browser.options("/sign-in"), **lie)
    assert browser.post("/sign-in/passkey", answer=answer).status_code in {400, 401}
    assert not browser.is_in


def test_a_challenge_to_make_a_passkey_signs_no_one_in_and_is_of_one_session(plane: Plane) -> None:
    one, other = Browser(plane).enter("applicant", "one"), Browser(plane).enter("applicant", "other")
    asked = one.options("/account/passkey")
    made = Authenticator(one.origin, "control.localhost", id=b"taken-over").made(asked)
    sent = other.post("/account/passkey", _form=other.form(), name="x", answer=made)
    assert sent.status_code == 401
    passkey = one.authenticator()
    answer = passkey.asserted(one.options("/account/passkey"))
    assert Browser(plane).post("/sign-in/passkey", answer=answer).status_code == 401


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "{}", '{"response": 1}', '{"id": [], "response": {}}', "x" * 20_000]
)
def test_an_answer_that_is_none_is_a_clear_error(plane: Plane, answer: str) -> None:
    found = Browser(plane).post("/sign-in/passkey", answer=answer)
    assert found.status_code in {400, 401}
    assert "Traceback" not in found.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"token=1&token=2", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 5_000), "application/x-www-form-urlencoded"),
        (b'{"token": "x"}', "application/json"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_a_form_that_is_none_is_a_clear_error(plane: Plane, body: bytes, kind: str) -> None:
    browser = Browser(plane)
    headers = {"content-type": kind, "origin": browser.origin}
    answer = browser.client.post("/sign-in/token", content=body, headers=headers)
    assert answer.status_code == 400, answer.text


def test_no_secret_of_a_browser_is_stored(plane: Plane) -> None:
    browser = Browser(plane).enter("applicant", "stored")
    link = invited(plane, "applicant", "stored")
    secret = browser.secret
    assert secret
    folder = Path(plane.settings.state_dir)
    for file in folder.rglob("ledger.db*"):
        held = file.read_bytes()
        assert secret.encode() not in held
        assert link.encode() not in held


def test_unused_invitations_are_bounded(plane: Plane) -> None:
    links = [invited(plane, "applicant", "many") for _ in range(INVITATIONS_MAX + 1)]
    assert Browser(plane).get(f"/welcome/{links[0]}").status_code == 401
    assert Browser(plane).get(f"/welcome/{links[1]}").status_code == 200


def test_who_ends_a_session_ends_the_links_that_were_made_with_it(plane: Plane) -> None:
    victim, thief = Browser(plane).enter("applicant", "robbed"), Browser(plane).enter("applicant", "robbed")
    made = thief.post("/acts/sign-in.invite", _form=thief.form())
    link = re.search(r"/welcome/([\w-]+)", made.text)
    assert link is not None
    principal = next(each for each in plane.ledger.store.principals.all() if each.name == "robbed")
    sessions = plane.ledger.store.sign_ins.sessions(principal.id, plane.ledger.now_ms())
    form = victim.form()
    victim.post("/acts/sign-in.end", session=sessions[-1].id, _form=form)
    assert Browser(plane).post("/welcome", invitation=link[1]).status_code == 401


def test_staff_make_no_link_that_signs_in_as_someone_who_has_come_in(plane: Plane) -> None:
    Browser(plane).enter("applicant", "present").authenticator()
    with plane.staff() as staff:
        answer = staff.post("/api/v1/invitations", json={"role": "applicant", "name": "present"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "principal_in_use")
        fresh = staff.post("/api/v1/invitations", json={"role": "applicant", "name": "not-yet"})
        assert fresh.status_code == 200


def test_passkeys_and_sessions_of_one_are_bounded(plane: Plane) -> None:
    browser = Browser(plane).enter("applicant", "hoarder")
    for _ in range(PASSKEYS_MAX):
        browser.authenticator()
    made = Authenticator(browser.origin, "control.localhost", id=secrets.token_bytes(16))
    answer = made.made(browser.options("/account/passkey"))
    sent = browser.post("/account/passkey", _form=browser.form(), name="x", answer=answer)
    assert sent.status_code == 400
    assert "Remove one first" in sent.text
    first = Browser(plane).enter("applicant", "everywhere")
    for _ in range(SESSIONS_MAX):
        Browser(plane).enter("applicant", "everywhere")
    assert not first.is_in


def test_what_was_written_comes_back_as_text(plane: Plane) -> None:
    browser = Browser(plane).enter("developer", "script")
    hostile = "<script>alert(1)</script>\"'>{{7*191}}"
    answer = browser.post("/acts/token.issue", role="developer", name=hostile, _form=browser.form())
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text
    assert str(7 * 191) not in answer.text
    assert html.escape(hostile, quote=True)[:20] in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/acts/case.list?" + "&".join(["state=x"] * 200),
        "/acts/case.list?%ff=%fe",
        "/acts/case.list?state",
        "/acts/case.list?nothing=1",
    ],
)
def test_a_query_of_any_kind_is_no_fault_of_ours(plane: Plane, path: str) -> None:
    assert Browser(plane).enter("developer", "asks").get(path).status_code == 400


def test_what_was_done_is_said_to_who_did_it_alone(plane: Plane) -> None:
    assert "Done:" not in Browser(plane).get("/releases?done=release.recall").text
    did, other = (Browser(plane).enter("developer", name) for name in ("did", "other"))
    assert "Done:" not in did.get("/account?done=sign-in.end").text
    told = other.post(
        "/acts/definition.add", name="w", statuses="other", source="s", _next="/board", _form=other.form()
    )
    assert "Done:" in other.get(told.headers["location"]).text
    assert "Done:" not in did.get(told.headers["location"]).text
