"""What pages say in words of people: duties, names, what is still to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError

import pytest

from sluicegate.acts import subscriptions
from sluicegate.acts.subscriptions import SubscriptionRequest
from sluicegate.acts.table import PUBLIC
from sluicegate.pages import forms
from sluicegate.pages import site as files
from sluicegate.statements import words
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.applicants import applied, serving
from tests.pages.browsing import Reading, reading

FOR_PROGRAMS = "openapi.json"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with serving(tmp_path_factory.mktemp("plainly")) as made:
        yield made


@pytest.fixture
def staff(site: Plane) -> Iterator[Reading]:
    with reading(site, "developer", "developer") as found:
        yield found


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("requestsPerMinute", 600, "at most 600 requests a minute"),
        ("requestsPerMinute", 1, "at most 1 request a minute"),
        ("validFor", "P30D", "valid for 30 days, then it ends or is renewed"),
        (
            "retentionDays",
            {"value": 30, "declared": True},
            "retention days: 30 (declared: agreed to, not enforced)",
        ),
        ("mfa", {"value": True, "declared": True}, "mfa (declared: agreed to, not enforced)"),
        ("mfa", {"value": False, "declared": True}, "mfa: no (declared: agreed to, not enforced)"),
    ],
)
def test_a_duty_is_said_in_words(name: str, value: object, said: str) -> None:
    assert words.duty(name, value) == said


def test_the_page_of_a_grant_says_its_duties_in_words(site: Plane) -> None:
    grant = offices.admit(site, applied(site, "dutiful", "Dutiful Works"))
    with reading(site, "applicant", "dutiful") as holder:
        page = holder.get(f"/grants/{grant}").text
    (duties,) = re.findall('(?s)<h2 id="duties">.*?</section>', page)
    assert "At most 600 requests a minute" in duties
    assert "requestsPerMinute" not in page


def test_which_session_is_this_one_is_said_where_ones_sessions_are(site: Plane) -> None:
    with reading(site, "developer", "twice") as first, reading(site, "developer", "twice") as second:
        pages = [each.get("/account").text for each in (first, second)]
    rows = [re.findall('(?s)<tr><th scope="row">token.*?</tr>', page) for page in pages]
    own = [[at for at, row in enumerate(found) if "this one" in row] for found in rows]
    assert sorted(own) == [[0], [1]]


def test_ones_page_says_the_names_of_agencies_and_what_an_id_is(site: Plane) -> None:
    with site.client() as client:
        came = client.post(
            "/sign-in/token",
            data={"token": site.token("agency", "ostp-anna", "ostp")},
            headers={"origin": site.url},
        )
        assert came.status_code == 303
        page = client.get("/account").text
    assert "You are signed in for an agency: <bdi>OSTP</bdi>." in page
    assert "In entries of the record you are <code>" in page


ASKED = [each for each in PUBLIC if each.kind == "question" and any(f.required for f in forms.asked(each))]


def test_a_page_of_a_question_says_what_to_fill_in_and_nothing_for_programs(staff: Reading) -> None:
    asked = [act for act in ASKED if "developer" in act.roles]
    assert asked
    for act in asked:
        required = [each for each in forms.asked(act) if each.required]
        for query in (
            "",
            f"?{required[0].key}=",
            *(f"?{each.key}=x" for each in required if len(required) > 1),
        ):
            answer = staff.get(f"/acts/{act.name}{query}")
            assert answer.status_code == 200, (act.name, query, answer.text)
            assert "To ask, fill in: " in answer.text, act.name
            assert 'role="alert"' not in answer.text, act.name
            assert FOR_PROGRAMS not in answer.text, act.name
    shown = staff.get("/acts/credential.explain?credential=cred_x").text
    assert 'name="credential" value="cred_x"' in shown


def test_early_access_begins_with_its_form(staff: Reading) -> None:
    for path in ("/early-access", "/early-access?of=", "/early-access?of=&from=2026-07-01"):
        answer = staff.get(path)
        assert (answer.status_code, "gpt-5.6" in answer.text) == (200, True), answer.text
        assert '<input id="of" name="of" value=""' in answer.text
    assert "<h1>Early access to gpt-5.6</h1>" in staff.get("/early-access?of=gpt-5.6").text


def test_what_a_form_got_wrong_is_said_at_its_field_without_words_for_programs(staff: Reading) -> None:
    refused = staff.post("/acts/plan.preview", {"text": "x", "lists": '{"a": 1}'})
    assert "A: expected a list, found 1" in refused.text
    assert FOR_PROGRAMS not in refused.text
    refused = staff.post("/acts/token.issue", {"role": "nothing", "name": "<>", "colour": "red"})
    assert refused.status_code == 400
    assert FOR_PROGRAMS not in refused.text
    assert "colour: this form does not ask for it" in refused.text
    assert 'value="&lt;&gt;"' in refused.text


def test_a_script_comes_after_those_that_it_imports_whatever_they_import() -> None:
    bodies = {"a.js": b'import "./b.js"', "b.js": b'import "./c.js"', "c.js": b"", "d.css": b""}
    found = [each for each in files.in_order(bodies) if each.endswith(".js")]
    assert found == ["c.js", "b.js", "a.js"]
    with pytest.raises(CycleError):
        [*files.in_order({"a.js": b'"./b.js"', "b.js": b'"./a.js"'})]


def test_one_of_a_few_words_is_chosen_and_never_typed_as_json() -> None:
    (kind, _) = forms.asked(subscriptions.ADD)
    assert (kind.key, kind.kind, kind.choices) == ("kind", "choice", ("webhook", "email"))
    assert forms.said(SubscriptionRequest, {"kind": ["email"], "target": ["a@b.example"]})["kind"] == "email"
