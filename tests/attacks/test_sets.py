"""Attacks on a set of statements that officers sign one by one: all of it is entered, or none of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from demo.fleet import served
from sluicegate.acts import releases
from sluicegate.acts.act import AnyAct
from sluicegate.control import officers
from sluicegate.control.pages import ask
from sluicegate.ports import PreparedStatement
from sluicegate.settings import HttpSettings
from sluicegate.signin import signatures
from sluicegate_record.log import canonical
from sluicegate_record.log.publickey import PublicKey
from tests.attacks.test_signed_in import CLIENTS, Browser
from tests.authenticator import Authenticator
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.officers import pinned, trusted
from tests.worlds import RELEASE, STAGE, plan_value, stage

OTHER, SECOND, THIRD = "another", "second", "third"
STAGES = [STAGE, SECOND]


@pytest.fixture
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("sets"), HttpSettings(burst=100_000))
    with served(made.wired) as made.url:
        for name in (RELEASE, OTHER):
            offices.opened(made, plan(name))
        yield made
        for each in CLIENTS:
            each.close()
        CLIENTS.clear()


def plan(name: str, *stages: str) -> dict[str, object]:
    found = [stage(each) for each in (*STAGES, *stages)]
    return plan_value(name, models=(f"m-{name}",), stages=found)


class Officer:
    """Someone of the staff with a passkey, which is an officer's key unless they are none."""

    def __init__(self, plane: Plane, name: str, *, is_officer: bool = True) -> None:
        self.plane, self.name = plane, name
        self.browser = Browser(plane).enter("developer", name)
        self.passkey: Authenticator = self.browser.authenticator()
        self.form = self.browser.form()
        if is_officer:
            trusted(plane.ledger, pinned(plane.ledger, self.browser.origin, name))

    def makes(self, what: str, release: str = RELEASE, **said: str) -> list[str]:
        """A set: the paths of its statements."""
        sent = {"what": what, "release": release, **said}
        answer = self.browser.post("/to-sign", _form=self.form, **sent)
        assert answer.status_code == 303, answer.text
        here = answer.headers["location"]
        others = re.findall(r'href="(/to-sign/[0-9a-f]{64}-\d+)"', self.browser.get(here).text)
        return sorted({here, *others})

    def recalls(self, release: str = RELEASE, reason: str = "why") -> list[str]:
        return self.makes("recall", release, reason=reason)

    def is_about_to_bring_back(self) -> tuple[str, str]:
        """The page of a restoration after a recall, and a signature over it that was not sent yet."""
        for path in self.recalls():
            self.signs(path)
        (back,) = self.makes("restoration")
        return back, self.passkey.asserted(self.browser.options(back))

    def signs(self, path: str, by: str = "") -> httpx2.Response:
        """What is answered to their signature over the statement of a page, sent there or to another."""
        return self.sends(by or path, self.passkey.asserted(self.browser.options(path)))

    def sends(self, path: str, answer: str) -> httpx2.Response:
        return self.browser.post(path, _form=self.form, answer=answer)

    def open_stages(self, release: str = RELEASE) -> list[str]:
        with self.plane.ledger.reading() as state:
            return [each for each in (*STAGES, THIRD) if state.record.open_terms(release, each)]


def retired(plane: Plane, officer: Officer) -> None:
    """Have an officer retire their own key."""
    own = pinned(plane.ledger, officer.browser.origin, officer.name)
    keyid = PublicKey(own.public, own.webauthn).keyid
    said = {"says": "retires", "keyid": keyid, "reason": "why"}
    answer = officer.browser.post("/to-sign", _form=officer.form, what="key", **said)
    assert officer.signs(answer.headers["location"]).headers["location"].startswith("/acts/keys.list?done=")


@pytest.fixture
def officer(plane: Plane) -> Officer:
    return Officer(plane, "anna")


def test_a_release_is_withdrawn_by_one_signature_for_each_stage_and_brought_back(
    plane: Plane, officer: Officer
) -> None:
    first, second = officer.recalls(reason="a jailbreak")
    assert officer.signs(first).headers["location"] == second
    size = plane.ledger.size()
    done = officer.signs(second).headers["location"]
    assert done.startswith(f"/board/{RELEASE}?done=release.recall")
    assert (officer.open_stages(), plane.ledger.size()) == ([], size + len(STAGES))
    with plane.ledger.reading() as state:
        assert RELEASE in state.record.recalls
    (back,) = officer.makes("restoration")
    assert officer.signs(back).headers["location"].startswith(f"/board/{RELEASE}?done=release.restore")
    assert officer.open_stages() == [STAGE]


def test_a_set_of_which_some_are_signed_is_not_entered(plane: Plane, officer: Officer) -> None:
    first, second = officer.recalls()
    assert officer.signs(first).status_code == 303
    size = plane.ledger.size()
    for path in (first, second):
        assert officer.sends(path, "").headers["location"] == second
        assert officer.browser.get(path).status_code == 200
    assert "Put it on the record" not in officer.browser.get(first).text
    assert (officer.open_stages(), plane.ledger.size()) == ([STAGE], size)


def test_a_signature_over_one_of_a_set_is_none_over_another(plane: Plane, officer: Officer) -> None:
    first, second = officer.recalls()
    others = officer.recalls(OTHER)
    again, _ = officer.recalls(reason="another reason")
    for path, by in ((first, second), (second, first), (others[0], first), (again, first), (first, again)):
        assert officer.signs(path, by).status_code == 400
    size = plane.ledger.size()
    assert officer.signs(first).status_code == 303
    assert officer.signs(again).status_code == 303
    assert officer.signs(others[0]).status_code == 303
    assert plane.ledger.size() == size
    assert officer.signs(second).status_code == 303
    assert (officer.open_stages(), officer.open_stages(OTHER)) == ([], [STAGE])


def test_a_set_that_is_on_the_record_is_not_sent_again(plane: Plane, officer: Officer) -> None:
    first, second = officer.recalls()
    answer = officer.passkey.asserted(officer.browser.options(second))
    assert officer.signs(first).status_code == 303
    assert officer.sends(second, answer).status_code == 303
    size = plane.ledger.size()
    for path in (first, second):
        sent = officer.sends(path, answer)
        assert (sent.status_code, "no such statement waits here" in sent.text) == (400, True)
    assert plane.ledger.size() == size


def test_who_is_no_officer_signs_none_and_takes_none_of_anothers_set_away(
    plane: Plane, officer: Officer
) -> None:
    first, second = officer.recalls()
    other = Officer(plane, "ben", is_officer=False)
    made = other.recalls(reason="of no officer")
    answer = officer.passkey.asserted(officer.browser.options(second))
    assert "data-options" not in other.browser.get(first).text
    assert other.sends(second, answer).status_code == 400
    assert other.sends(f"{first}/forget", "").status_code == 403
    assert officer.signs(first).headers["location"] == second
    assert officer.sends(f"{made[1]}/forget", "").status_code == 303
    assert other.browser.get(made[0]).status_code == 400
    assert officer.browser.get(second).status_code == 200


def test_two_officers_sign_a_set_together(plane: Plane, officer: Officer) -> None:
    first, second = officer.recalls()
    assert officer.signs(second).headers["location"] == first
    assert "1 of 2" in officer.browser.get("/to-sign").text
    other = Officer(plane, "ben")
    assert other.signs(first).headers["location"].startswith(f"/board/{RELEASE}?done=")
    assert officer.open_stages() == []


def test_a_set_is_not_signed_if_the_release_has_other_stages_than_when_it_was_made(
    plane: Plane, officer: Officer
) -> None:
    first, second = officer.recalls()
    answer = officer.passkey.asserted(officer.browser.options(second))
    assert officer.signs(first).status_code == 303
    offices.put(
        plane, "developer", "developer", releases.APPLY.path, {"text": json.dumps(plan(RELEASE, THIRD))}
    )
    size = plane.ledger.size()
    assert "It may be on the record already" in officer.browser.get(second).text
    sent = officer.sends(second, answer)
    assert (sent.status_code, "it has no signature for that" in sent.text) == (400, True)
    kept = plane.ledger.store.preparations.of_set(second.removeprefix("/to-sign/"))
    assert [len(each.signatures) for each in kept] == [1, 0]
    assert (officer.open_stages(), plane.ledger.size()) == ([STAGE], size)


def test_an_opening_of_a_set_is_not_signed_if_its_stage_opened_meanwhile(
    plane: Plane, officer: Officer
) -> None:
    back, answer = officer.is_about_to_bring_back()
    (again,) = officer.makes("restoration")
    assert officer.signs(again).status_code == 303
    size = plane.ledger.size()
    assert officer.sends(back, answer).status_code == 400
    assert plane.ledger.size() == size


def comes_and_goes(plane: Plane, officer: Officer, reason: str = "another set") -> None:
    """Withdraw the release, and bring it back."""
    for path in officer.recalls(reason=reason):
        assert officer.signs(path).status_code == 303
    (back,) = officer.makes("restoration")
    assert officer.signs(back).status_code == 303
    assert officer.open_stages() == [STAGE]


@pytest.mark.parametrize("was_withdrawn", [False, True])
def test_a_recall_that_is_signed_in_part_does_not_count_once_the_release_was_brought_back(
    plane: Plane, officer: Officer, *, was_withdrawn: bool
) -> None:
    if was_withdrawn:
        comes_and_goes(plane, officer, "in the same minute, so that the words are the same")
    first, second = officer.recalls()
    answer = officer.passkey.asserted(officer.browser.options(second))
    assert officer.signs(first).headers["location"] == second
    comes_and_goes(plane, officer)
    size = plane.ledger.size()
    for path in (first, second):
        page = officer.browser.get(path).text
        assert "It says something else than when it was made." in page
        assert "data-options" not in page
    for path, sent in ((first, ""), (second, answer), (second, "")):
        assert officer.sends(path, sent).status_code == 400
    assert (officer.open_stages(), plane.ledger.size()) == ([STAGE], size)
    for path in officer.recalls():
        assert officer.signs(path).status_code == 303
    assert officer.open_stages() == []


def test_a_closing_that_waits_with_its_signature_is_not_for_a_stage_that_was_opened_again(
    plane: Plane, officer: Officer
) -> None:
    path = officer.makes("closing", stage=STAGE, reason="why")[0]
    signed(plane, officer, path)
    comes_and_goes(plane, officer)
    assert "It says something else than when it was made." in officer.browser.get(path).text
    assert officer.sends(path, "").status_code == 400
    assert officer.open_stages() == [STAGE]


def test_a_recall_that_is_signed_in_part_does_not_count_once_one_of_its_stages_was_closed(
    plane: Plane, officer: Officer
) -> None:
    first, second = officer.recalls()
    for path in officer.makes("closing", stage=SECOND, reason="alone"):
        assert officer.signs(path).status_code == 303
    for path in (first, second):
        assert "It says something else than when it was made." in officer.browser.get(path).text
    assert officer.open_stages() == [STAGE]


def signed(plane: Plane, officer: Officer, path: str) -> None:
    """Have an officer sign a statement that could not be put on the record then."""
    kept = plane.ledger.store.preparations
    own = pinned(plane.ledger, officer.browser.origin, officer.name)
    found = kept.get(path.removeprefix("/to-sign/"))
    assert found is not None
    answer = officer.passkey.asserted(officer.browser.options(path))
    signatures.sign(kept, found, PublicKey(own.public, own.webauthn), answer)


def test_a_restoration_that_waits_does_not_count_once_the_release_was_withdrawn_again(
    plane: Plane, officer: Officer
) -> None:
    back, answer = officer.is_about_to_bring_back()
    for path in (*officer.makes("restoration"), *officer.recalls(reason="again")):
        assert officer.signs(path).status_code == 303
    assert "was closed again since: make the statements again" in officer.browser.get(back).text
    refused = officer.sends(back, answer)
    assert (refused.status_code, "it has no signature for that" in refused.text) == (400, True)
    (kept,) = plane.ledger.store.preparations.of_set(back.removeprefix("/to-sign/"))
    assert kept.signatures == ()
    assert officer.open_stages() == []


def test_no_set_is_made_of_what_is_not_there(officer: Officer) -> None:
    for what, release, why in (
        ("recall", "nope", "nope"),
        ("restoration", RELEASE, "no stage of"),
        ("restoration", "nope", "nope"),
    ):
        said = {"reason": "why"} if what == "recall" else {}
        answer = officer.browser.post("/to-sign", _form=officer.form, what=what, release=release, **said)
        assert (answer.status_code, why in answer.text) == (400, True)
        assert officer.browser.get(f"/to-sign/new/{what}?release={release}").status_code == 200


def test_the_list_counts_signatures_as_the_page_of_a_statement_does(plane: Plane, officer: Officer) -> None:
    new = Officer(plane, "carl", is_officer=False)
    key = pinned(plane.ledger, new.browser.origin, "carl")
    assert key.webauthn is not None
    rp = {"rpId": key.webauthn.rp_id, "origin": key.webauthn.origin}
    said = {"says": "pins", "owner": "carl", "key": canonical.b64(key.public), **rp}
    form = {"_form": officer.form, "what": "key", **said}
    sent = officer.browser.client.post("/to-sign", data=form, headers={"origin": officer.browser.origin})
    path = sent.headers["location"]
    for each in (new, officer):
        each.signs(path)
    assert "It lacks 1 signature" in officer.browser.get(path).text
    assert "2 of 3" in officer.browser.get("/to-sign").text


def test_the_list_leads_to_what_lacks_a_signature_of_a_key_that_counts(
    plane: Plane, officer: Officer
) -> None:
    other = Officer(plane, "ben")
    first, second = officer.recalls()
    officer.signs(first)
    retired(plane, officer)
    said = other.browser.get("/to-sign").text
    assert f'href="{first}"' in said
    assert "0 of 2" in said
    assert other.signs(first).headers["location"] == second


def all_asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked from now on: the names of acts, and what they are asked with."""
    asked = list[tuple[str, str]]()

    def counting(services: Any, by: Any, act: AnyAct, given: Any) -> Any:
        asked.append((act.name, repr(given)))
        return ask(services, by, act, given)

    monkeypatch.setattr(officers, "ask", counting)
    return asked


def test_to_close_one_stage_no_one_counts_who_the_release_reaches(
    officer: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = all_asked(monkeypatch)
    (path,) = officer.makes("closing", stage=STAGE, reason="why")
    assert officer.signs(path).status_code == 303
    names = {name for name, _ in asked}
    assert "stage.closing" in names
    assert "release.recalling" not in names


def test_each_act_is_asked_and_each_statement_read_once_for_all_statements_of_a_set(
    officer: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = all_asked(monkeypatch), list[str]()

    def reading(found: PreparedStatement) -> Any:
        read.append(found.id)
        return read_statement(found)

    read_statement = officers.read_statement
    monkeypatch.setattr(officers, "read_statement", reading)
    first, second = officer.recalls()
    making = {"_form": officer.form, "what": "recall", "release": RELEASE, "reason": "another"}
    for sent in (
        lambda: officer.browser.get("/to-sign"),
        lambda: officer.browser.get(first),
        lambda: officer.browser.post("/to-sign", **making),
    ):
        asked.clear()
        read.clear()
        assert sent().status_code < 400
        assert asked
        assert read
        assert len(asked) == len(set(asked))
        assert len(read) == len(set(read))
    officer.signs(first)
    answer = officer.passkey.asserted(officer.browser.options(second))
    read.clear()
    assert officer.sends(second, answer).status_code == 303
    assert len(read) == 1 + len(set(read)) == 3  # one more, for the act that it does
