"""`demo run`: what a newcomer is given works, Ctrl-C leaves nothing, and the next run goes on from there."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
from pathlib import Path

import httpx2
import pytest

from sluicegate.desk.instances import Instances
from tests.demo.commands import DESK, FREE_PORTS, Command, chat, kill, paste
from tests.proc import is_alive
from tests.waiting import BOUND_S, eventually

KEPT = {"format": "sluicegate-demo/1", "credentials": {}}
EXAMPLES = Path(__file__).parents[2] / "examples"


def run(folder: Path, *arguments: str) -> Command:
    return Command(folder, "run", "--state", "state", *FREE_PORTS, *arguments)


def refusal(gateway: str, key: str, model: str) -> tuple[int, str, str | None]:
    answer = chat(gateway, key, model)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["sluicegate"]["fallback"]


def printed(text: str) -> tuple[str, str, str]:
    """The three commands as they stand in the text, each from the margin."""
    curl = found(r"^(curl -s .*?)$", text)
    python = found(r"^([^\n]+ - <<'END'\n.*?^END)$", text)
    order = found(r"^(\. [^\n]+ && sluicegate directive issue .*?)$", text)
    return curl, python, order


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert match, text
    return match[1]


def assert_signs_in(link: str, page: str = "/account", shows: str = "") -> None:
    """A link of the first lines signs in once, as a browser on this machine uses it, to a page that comes to
    show this text.
    """
    origin, _, secret = link.rpartition("/welcome/")
    name = origin.removeprefix("http://")
    url = f"http://127.0.0.1:{name.rpartition(':')[2]}"
    headers = {"host": name, "origin": origin}
    with httpx2.Client(
        base_url=url, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
    ) as browser:
        assert "Sign in as" in browser.get(f"/welcome/{secret}").text
        assert browser.post("/welcome", data={"invitation": secret}).status_code == 303
        assert browser.get("/account").status_code == 200
        eventually(lambda: shows in browser.get(page).text)
        assert browser.post("/welcome", data={"invitation": secret}).status_code == 401


def assert_says_what_starts(said: str) -> None:
    """Each process is said to start, and then to serve, before the next ones are waited for."""
    names = re.findall(r"^(\w+): ready$", said, re.MULTILINE)
    assert names == ["control", "upstream", "gateway", "desk"]
    assert all(f"{name}: starting\n" in said.partition(f"{name}: ready")[0] for name in names)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_printed_works_as_it_is_and_the_next_run_goes_on_from_there(tmp_path):
    state = tmp_path / "state"
    with run(tmp_path) as first:
        text = first.says("begin again, delete")
        assert_says_what_starts(first.err)
        gateway = found(r"gateway +(http://127\.0\.0\.1:\d+)", text)
        works = found(r"a key that works +(sg_\S+)", text)
        refused = found(r"a key that is refused +(sg_\S+)", text)
        covered = found(r"the key that works goes on working:\n(sg_\S+)", text)
        curl, python, order = printed(text)

        assert httpx2.get(found(r"auditor +(http\S+/record)", text), trust_env=False).status_code == 200
        roles = {
            "developer": "control",
            "officer": "control",
            "applicant": "control",
            "agency": "desk",
        }
        for role, host in roles.items():
            assert_signs_in(found(rf"{role} +(http://{host}\.localhost:\S+)", text))

        answer = json.loads(paste(curl))
        assert answer["choices"][0]["message"]["content"].startswith("You said: hello from curl")
        lines = paste(python).splitlines()
        assert lines[0].startswith("answered: You said: hello from the SDK")
        assert lines[1].startswith("refused: 403 not_admitted - your organization is not admitted")
        assert refusal(gateway, refused, "gpt-5.6") == (403, "not_admitted", "gpt-5.5")
        assert chat(gateway, refused, "gpt-5.5").status_code == 200
        assert chat(gateway, covered, "gpt-5.6").status_code == 200

        assert "oncd-example-grid is on the record" in paste(order)
        eventually(lambda: chat(gateway, covered, "gpt-5.6").status_code == 451)
        assert chat(gateway, works, "gpt-5.6").status_code == 200

        (tmp_path / "elsewhere").mkdir()
        in_use = run(tmp_path / "elsewhere", "--state", str(state), "--json")
        assert in_use.wait() == 3
        assert json.loads(in_use.err)["error"]["code"] == "state_in_use"
        secrets = ["env", "state.json", "keys/oncd.key", "tokens/example-utility.token"]
        assert (mode(state), {mode(state / name) for name in secrets}) == (0o700, {0o600})

        children = first.serving(DESK)
        assert first.end(signal.SIGINT) == 0
        assert "Traceback" not in first.err
        assert not any(map(is_alive, children.values()))

    with run(tmp_path, "--json") as second:
        told = second.ready()
        assert refusal(told["gateway"], works, "gpt-5.6")[:2] == (401, "credential_revoked")
        assert refusal(told["gateway"], refused, "gpt-5.5")[:2] == (401, "credential_revoked")
        assert chat(told["gateway"], told["key"], "gpt-5.6").status_code == 200
        assert refusal(told["gateway"], told["refusedKey"], "gpt-5.6")[1] == "not_admitted"
        assert refusal(told["gateway"], told["coveredKey"], "gpt-5.6")[:2] == (451, "directive_in_force")
        assert told["directivesInForce"] == ["oncd-example-grid"]
        assert [each.url for each in Instances(state / "desk-oncd").all()] == [told["control"]]
        assert_signs_in(told["pages"]["agency"], "/", "Example Public Library")

        cases = json.loads(paste(f". {told['env']} && sluicegate case list --json"))["cases"]
        kinds = [*["admission"] * 4, *["terms"] * 4]  # a case grants at most once
        assert sorted(case["kind"] for case in cases) == kinds
        assert "oncd-example-grid-2 is on the record" in paste(told["commands"]["directive"])

        children = second.serving(DESK)
        assert second.end(signal.SIGTERM) == 0
        assert not any(map(is_alive, children.values()))


def test_what_ends_by_itself_is_named_and_an_expired_grant_is_applied_for_again(tmp_path):
    state = tmp_path / "state"
    (state / "plans").mkdir(parents=True)
    (state / "state.json").write_text(json.dumps(KEPT))
    plan = (EXAMPLES / "gpt-5.6-preview.yaml").read_text()
    (state / "plans" / "gpt-5.6-preview.yaml").write_text(plan.replace("validFor: P30D", "validFor: PT1S"))
    with run(tmp_path, "--json") as first:
        granted = first.ready()["grant"]
        children = first.serving(DESK)
        kill(children["gateway"])
        assert first.wait() == 4
        error = json.loads(first.err.splitlines()[-1])["error"]
        assert (error["code"], "the gateway ended" in error["message"]) == ("process_ended", True)
        assert not any(map(is_alive, children.values()))

    with run(tmp_path, "--json") as second:
        told = second.ready()
        assert told["grant"] != granted
        children = second.serving(DESK)
        assert second.end(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: not any(map(is_alive, children.values())))


@pytest.mark.parametrize("name", ["gateway", "desk"])
def test_a_taken_port_is_named_with_what_to_do(tmp_path, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = run(tmp_path, f"--{name}-port", port, "--json")
        assert command.wait() == 3
    error = json.loads(command.err.splitlines()[-1])["error"]
    assert error["code"] == "port_taken"
    assert f"port {port} for the {name}" in error["message"]
    assert f"--{name}-port" in error["remedy"]


def test_a_run_that_is_ended_while_it_starts_ends_quietly(tmp_path):
    with run(tmp_path) as command:
        eventually(lambda: "starting" in command.err)
        assert command.end(signal.SIGINT) == 0
        assert "Traceback" not in command.err
        assert command.out == ""
