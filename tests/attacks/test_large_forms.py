"""Forms as large as they may be: read beside the event loop, and only for a sender who may do the act."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from demo.fleet import served
from sluicegate.bounds import ACT_BODY_MAX, ELEMENTS_MAX, FORM_BODY_MAX, IN_PLACE_MAX, SIGN_IN_BODY_MAX
from sluicegate.http import asking
from sluicegate.pages import forms
from sluicegate.settings import HttpSettings
from sluicegate.statements import table
from sluicegate_record.form import shape_of
from sluicegate_record.log import canonical
from tests.control.conftest import Plane
from tests.pages.browsing import Reading, reading

FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("large-forms"), HttpSettings(burst=100_000))
    with served(made.wired) as made.url:
        yield made


def send(who: Reading, path: str, key: str, value: str) -> httpx2.Response:
    """A form, with its large field as it is: commas and brackets need no escape."""
    body = f"_form={who.form}&{key}={value}"
    return who.client.post(path, content=body, headers={"origin": who.plane.url, "content-type": FORM_TYPE})


def values(count: int) -> str:
    return "[" + "0," * (count - 1) + "0]"


class Worked:
    """Where something large was worked on, by what did it: on an event loop, or in a thread beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop, self.threads = list[str](), list[str]()
        for owner, name, large in (
            (canonical, "loads", lambda data, **_: len(data) > IN_PLACE_MAX),
            (canonical, "dumps", lambda value: _size(value) > IN_PLACE_MAX),
            (forms, "said", lambda _, sent: _size(sent) > IN_PLACE_MAX),
        ):
            monkeypatch.setattr(owner, name, self._noting(getattr(owner, name), name, large))

    def _noting(self, does: Callable[..., Any], name: str, large: Callable[..., bool]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            if large(*given, **named):
                (self.loop if _is_on_a_loop() else self.threads).append(name)
            return does(*given, **named)

        return noted


def _size(value: Any) -> int:
    if isinstance(value, dict | list | tuple):
        return sum(map(_size, value.values() if isinstance(value, dict) else value))
    return len(value) if isinstance(value, str) else 1


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize(
    ("role", "path", "key", "more"),
    [
        ("applicant", "/acts/member.register", "rows", ""),
        ("developer", "/acts/directive.preview", "annexes", "&text=a"),
        ("developer", "/to-sign", "annexes", "&what=directive&text=a"),
        ("developer", "/to-sign", "text", "&what=note"),
    ],
)
def test_what_is_large_in_a_form_is_not_read_where_all_others_wait(
    site: Plane, monkeypatch: pytest.MonkeyPatch, role: str, path: str, key: str, more: str
) -> None:
    with reading(site, role, f"large-{role}") as who:
        worked = Worked(monkeypatch)
        answer = send(who, path, key, values(100_000) + more)
        assert answer.status_code == 400, answer.text
        assert not worked.loop
        assert "loads" not in worked.threads  # but in a process that may be ended
        assert "said" in worked.threads


def test_json_in_a_form_has_no_more_values_than_a_body_of_the_api(site: Plane) -> None:
    with reading(site, "applicant", "many-values") as who:
        answer = send(who, "/acts/member.register", "rows", values(ELEMENTS_MAX + 1))
        assert (answer.status_code, "a body of more than 500,000 values" in answer.text) == (400, True)
        answer = send(who, "/acts/member.register", "rows", "[" + "0" * 70_000)
        assert (answer.status_code, "expected JSON" in answer.text) == (400, True)


def test_json_of_a_statement_is_read_with_the_text_beside_it() -> None:
    for kind in table.STATEMENTS.values():
        asked = {each.key for each in forms.fields_of(kind.asks, {}) if each.kind == "json"}
        read = set() if kind.text is None else {each.key for each in shape_of(kind.text.act.asked).fields}
        assert asked <= read, kind.name


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/acts/directive.preview", FORM_BODY_MAX),
        ("/acts/directive.issue", ACT_BODY_MAX),
        ("/acts/release.recall", ACT_BODY_MAX),
        ("/to-sign", FORM_BODY_MAX),
    ],
)
def test_a_form_has_the_bound_of_what_is_in_it(site: Plane, path: str, most: int) -> None:
    with reading(site, "developer", "bounds") as who:
        answer = send(who, path, "text", "a" * most)
        assert (answer.status_code, f"a body of more than {most} bytes" in answer.text) == (413, True)


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("applicant", "/acts/directive.preview"),
        ("applicant", "/acts/directive.issue"),
        ("applicant", "/acts/token.issue"),
        ("applicant", "/to-sign"),
        ("agency", "/to-sign"),
        ("applicant", "/to-sign/other"),
        ("agency", "/to-sign/other/forget"),
        ("agency", "/apply/a-release/a-stage"),
    ],
)
def test_nothing_is_read_of_a_form_of_who_may_not_send_it(
    site: Plane, monkeypatch: pytest.MonkeyPatch, role: str, path: str
) -> None:
    site.token(role, f"may-not-{role}", "oncd" if role == "agency" else None)
    with reading(site, role, f"may-not-{role}") as who:
        monkeypatch.setattr(asking, "body", None)
        answer = send(who, path, "text", "a")
        assert answer.status_code == 403, answer.text
        assert re.search("may not do|officers sign here", answer.text)


@pytest.mark.parametrize("path", ["/sign-in/token", "/sign-in/passkey", "/welcome"])
def test_a_stranger_sends_no_more_than_a_sign_in_has(site: Plane, path: str) -> None:
    with site.client() as stranger:
        headers = {"origin": site.url, "content-type": FORM_TYPE}
        answer = stranger.post(path, content="token=" + "a" * SIGN_IN_BODY_MAX, headers=headers)
        assert answer.status_code == 413, answer.text
