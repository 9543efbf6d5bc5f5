"""Canaries: what an answer counts as, what is signed, kept and handed in, and who lies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sluicegate.acts import observations as acts
from sluicegate.acts.observations import ObservationReceipt, ObservationToSign
from sluicegate.client import asking
from sluicegate.client.canaries import Kept, Watcher
from sluicegate.core.terms import canaries, document
from sluicegate.core.terms.canaries import WrittenProbe
from sluicegate.errors import InvalidDocument, InvalidInput, SluicegateError, Unreachable
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.terms.observations import ProbeOutcome
from tests.strangers import SilentHandler, handling
from tests.worlds import LOG, private_key

KEY = "sg_secret"
ORDER = {
    "reason": "directive_in_force",
    "status": 451,
    "directive": "d-1",
    "size": 23,
}
CHAT = {"model": "m-2", "choices": [], "access_programs": {"cyber": "red", "other": "x"}}


def probe(url: str = "http://127.0.0.1:1", **changes: Any) -> WrittenProbe:
    fields = {"release": "r", "model": "m", "surface": "api", "url": url, "key": "K", "expects": "answered"}
    return WrittenProbe(**{**fields, **changes})


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[Any]]]:
    """A server that gives one answer; where it is, and what it was asked."""
    asked: list[Any] = []

    class Handler(SilentHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name the server looks for
            given = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, dict(self.headers), json.loads(given)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with handling(Handler) as url:
        yield url, asked


# What an answer counts as


@pytest.mark.parametrize(
    ("status", "body", "changes", "expected"),
    [
        (200, CHAT, {}, {"got": "answered", "status": 200, "model": "m-2"}),
        (
            200,
            CHAT,
            {"programme": "cyber: blue"},
            {"got": "answered", "status": 200, "model": "m-2", "programme": "cyber: red"},
        ),
        (200, {"output": []}, {"ask": "responses"}, {"got": "answered", "status": 200}),
        (
            200,
            {"content": [], "model": "m"},
            {"ask": "messages"},
            {"got": "answered", "status": 200, "model": "m"},
        ),
        (200, {"hello": 1}, {}, {"got": "failed", "status": 200}),
        (200, [1], {}, {"got": "failed", "status": 200}),
        (
            451,
            {"error": {"code": "directive_in_force", "sluicegate": ORDER}},
            {},
            {"got": "refused", "status": 451, "reason": "directive_in_force", "directive": "d-1", "size": 23},
        ),
        (
            400,  # as some clients get every refusal
            {"error": {"code": "directive_in_force", "sluicegate": ORDER}},
            {"ask": "responses"},
            {"got": "refused", "status": 451, "reason": "directive_in_force", "directive": "d-1", "size": 23},
        ),
        (
            404,
            {"type": "error", "error": {"type": "not_found_error", "message": "model: m"}},
            {"ask": "messages"},
            {"got": "refused", "status": 404, "reason": "not_found_error"},
        ),
        (
            400,
            {"error": {"code": "unsupported"}},
            {},
            {"got": "failed", "status": 400, "reason": "unsupported"},
        ),
        (429, {"error": {"code": "q"}}, {}, {"got": "failed", "status": 429, "reason": "q"}),
        (503, {}, {}, {"got": "failed", "status": 503}),
        (403, {"error": "no"}, {}, {"got": "refused", "status": 403}),
        (403, {"error": {"code": "\u202e" * 3}}, {}, {"got": "refused", "status": 403}),
        (403, {"error": {"code": "x" * 999}}, {}, {"got": "refused", "status": 403}),
    ],
)
def test_what_an_answer_counts_as(
    status: int, body: Any, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    with answering(status, json.dumps(body).encode()) as (url, _):
        assert asking.ask(probe(url, **changes), KEY, "hello") == ProbeOutcome(**expected)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b"<html>", b'{"choices": []} ' * 100_000])
def test_what_is_no_answer_of_a_model_shows_nothing(body: bytes) -> None:
    with answering(200, body) as (url, _):
        assert asking.ask(probe(url), KEY, "hello") == ProbeOutcome(got="failed", status=200)


def test_a_server_that_is_not_there_shows_nothing() -> None:
    assert asking.ask(probe(), KEY, "hello").got == "failed"


@pytest.mark.parametrize("ask", ["chat", "responses", "messages"])
def test_a_probe_asks_as_a_customer_does(ask: str) -> None:
    more = {} if ask == "messages" else {"programme": "cyber: red"}
    with answering(503, b"") as (url, asked):
        asking.ask(probe(f"{url}/base/", ask=ask, headers={"X-Programme": "red"}, **more), KEY, "hello")
    ((path, headers, body),) = asked
    assert path.startswith("/base/v1/")
    assert headers["x-programme"] == "red"
    assert KEY in {headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")}
    assert (body["model"], body.get("access_programs")) == ("m", {"cyber": "red"} if more else None)
    assert "canary" not in json.dumps([headers, body]).lower()


# The file


FILE = """
apiVersion: sluicegate/v1
kind: Canaries
spec:
  probes:
    - {release: r, model: m, surface: api, url: "https://a.example:8443/x/", key: K, expects: answered}
"""


def read(text: str) -> canaries.CanariesSpec:
    return canaries.read(document.read(text, "canaries.yaml"))


def test_the_file_of_the_how_to_is_one() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/watch-that-removed-means-removed.md"
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert [each.surface for each in read(block).probes] == ["api", "api", "codex"]


def test_a_file_says_what_is_asked_for() -> None:
    (found,) = read(FILE).probes
    assert (found.address, found.url, found.ask) == (
        "https://a.example:8443",
        "https://a.example:8443/x",
        "chat",
    )
    assert len(read(FILE).prompts) == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("https://", "ftp://"), "spec.probes[0].url"),
        (("https://a", "https://me@a"), "spec.probes[0].url"),
        (("8443/", "99999/"), "spec.probes[0].url"),
        (("key: K", "key: sg_secret+"), "spec.probes[0].key"),
        (("answered", "served"), "spec.probes[0].expects"),
        (("answered}", "answered, ask: messages, programme: 'cyber: red'}"), "spec.probes[0].programme"),
        (("answered}", "answered, programme: red}"), "spec.probes[0].programme"),
        (("answered}", "answered, more: 1}"), "spec.probes[0].more"),
        (("answered}", f"answered}}\n{FILE.splitlines()[-1].replace('key: K', 'key: L')}"), "spec.probes[1]"),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_file_is_shown_with_its_place(change: tuple[str, str], where: str) -> None:
    with pytest.raises(InvalidDocument) as found:
        read(FILE.replace(*change))
    assert where in {each.field for each in found.value.at}


# What is signed, kept and handed in


class ScriptedPlane:
    """A control plane in place of the client: it keeps what was handed in, or lies."""

    def __init__(self) -> None:
        self.size, self.due, self.in_force = 10, False, tuple[str, ...]()
        self.recorded: list[ObservationStatement] = []
        self.previous: str | None = None
        self.leaves_out = False
        self.lies: Callable[[ObservationToSign], ObservationToSign] = lambda asked: asked
        self.fails = False

    def do(self, act: Any, asked: Any) -> Any:
        if self.fails:
            raise Unreachable("no answer")
        if act is acts.TO_SIGN:
            return self.lies(
                ObservationToSign(
                    log=LOG,
                    observer="caisi",
                    probe=asked.probe,
                    size=self.size,
                    previous=self.previous,
                    due=self.due,
                    in_force=self.in_force,
                )
            )
        envelope = Envelope.from_json(asked.envelope)
        if not self.leaves_out:
            self.recorded.append(ObservationStatement.read(envelope))
            self.previous = envelope.digest
        verdict = "still_served" if self.in_force else "as_due"
        return ObservationReceipt(
            observation=self.previous or "", verdict=verdict, due_by=None, recorded=not self.leaves_out
        )


@pytest.fixture
def plane() -> ScriptedPlane:
    return ScriptedPlane()


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[ProbeOutcome]:
    """What the next requests get; the last one stays."""
    found = [ProbeOutcome(got="answered", status=200)]
    monkeypatch.setattr(asking, "ask", lambda *_: found.pop(0) if len(found) > 1 else found[0])
    return found


def watcher(plane: Any, path: Path) -> Watcher:
    return Watcher(plane, private_key("caisi"), Kept(path))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


REFUSED = ProbeOutcome(got="refused", status=403, reason="not_admitted", size=4)


def test_only_news_is_handed_in_and_everything_is_kept(
    plane: ScriptedPlane, outcomes: list[ProbeOutcome], tmp_path: Path
) -> None:
    path, asked = tmp_path / "kept", probe()
    made = watcher(plane, path)
    outcomes[:] = [outcomes[0], outcomes[0], REFUSED, replace(REFUSED, size=5), REFUSED]
    for handed in (1, 1, 2, 2):
        assert not made.look(asked, KEY, "hello").doubt
        assert len(plane.recorded) == handed
    plane.in_force = ("d-1",)  # another directive: what it got before is judged anew
    assert made.look(asked, KEY, "hello").contradicts
    assert made.look(asked, KEY, "hello").contradicts  # not handed in again, and still shown
    plane.due = True
    made.look(asked, KEY, "hello")
    assert len(plane.recorded) == 4
    first, second, *_ = plane.recorded
    assert (first.previous, second.previous) == (None, lines(path)[0]["recorded"])
    assert [bool(each["recorded"]) for each in lines(path)] == [True, False, True, False, True, False, True]
    assert path.stat().st_mode & 0o077 == 0
    assert KEY not in path.read_text()


def test_a_program_that_starts_again_goes_on_after_its_last_word(
    plane: ScriptedPlane, outcomes: list[ProbeOutcome], tmp_path: Path
) -> None:
    watcher(plane, tmp_path / "kept").look(probe(), KEY, "hello")
    assert not watcher(plane, tmp_path / "kept").look(probe(), KEY, "hello").doubt
    plane.previous = None
    found = watcher(plane, tmp_path / "kept").look(probe(), KEY, "hello")
    assert "another last observation" in found.doubt


def test_a_control_plane_that_leaves_out_a_change_is_found(
    plane: ScriptedPlane, outcomes: list[ProbeOutcome], tmp_path: Path
) -> None:
    made = watcher(plane, tmp_path / "kept")
    assert not made.look(probe(), KEY, "hello").doubt
    outcomes[:] = [REFUSED]
    plane.leaves_out = True
    assert "did not record" in made.look(probe(), KEY, "hello").doubt


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda asked: replace(asked, size=asked.size - 1), "shorter"),
        (lambda asked: replace(asked, log="other"), "another one"),
        (lambda asked: replace(asked, probe=replace(asked.probe, model="other")), "another probe"),
        (lambda asked: replace(asked, previous="sha256:00"), "another last observation"),
    ],
)
def test_a_control_plane_that_shows_something_else_gets_no_statement(
    plane: ScriptedPlane, outcomes: list[ProbeOutcome], tmp_path: Path, lie: Any, why: str
) -> None:
    made = watcher(plane, tmp_path / "kept")
    made.look(probe(), KEY, "hello")
    plane.lies, plane.due = lie, True
    assert why in made.look(probe(), KEY, "hello").doubt
    assert (len(plane.recorded), len(lines(tmp_path / "kept"))) == (1, 2)
    if why in {"shorter", "another last observation"}:  # said once: an epoch, or another program of the party
        assert not made.look(probe(), KEY, "hello").doubt
        assert len(plane.recorded) == 2


def test_while_the_control_plane_is_away_what_is_seen_is_kept(
    plane: ScriptedPlane, outcomes: list[ProbeOutcome], tmp_path: Path
) -> None:
    made = watcher(plane, tmp_path / "kept")
    made.look(probe(expects="refused"), KEY, "hello")
    plane.fails = True
    found = made.look(probe(expects="refused"), KEY, "hello")
    assert found.doubt.startswith("not handed in")
    assert found.contradicts  # by what its observer expects, without a word of the control plane
    assert len(lines(tmp_path / "kept")) == 2


def test_a_file_that_is_not_of_this_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("hello\n")
    with pytest.raises(InvalidInput):
        Kept(tmp_path / "kept")
    assert issubclass(InvalidInput, SluicegateError)
