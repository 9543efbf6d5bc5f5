"""What is refused, and how it is told: an exit code, one shape of error on stderr, a place, a remedy."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sluicegate.store.keyfile import write_secret
from sluicegate_record.log import checkpoint, publickey
from tests.cli.commands import EXAMPLES, NOBODY, Cli
from tests.passkeys import ALGORITHMS, key_of, pem_of
from tests.strangers import SilentHandler, handling

PLAN = EXAMPLES / "gpt-5.6-preview.yaml"
DIRECTIVE = EXAMPLES / "suspend-gpt-5.6.yaml"
STAGE = ("gpt-5.6", "trusted-partners")


# 1: refused


@pytest.mark.parametrize(
    "command",
    [
        ("plan", PLAN),
        ("apply", PLAN),
        ("status",),
        ("case", "list"),
        (
            "application",
            "submit",
            "--release",
            "r",
            "--stage",
            "s",
            "--surface",
            "api",
            "--organization",
            PLAN,
        ),
        ("credential", "issue", "--grant", "grant_x"),
        ("credential", "revoke", "cred_x"),
        ("directive", "preview", DIRECTIVE),
        ("directive", "list"),
        ("token", "issue", "--role", "developer", "--name", "me"),
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_without_a_token_nothing_is_told_or_done(plane, command):
    done = plane(*command, "--json", by=None)
    assert (done.code, done.out) == (1, "")
    assert done.error["code"] == "token_missing"
    assert "Bearer" in done.error["remedy"]


def test_a_made_up_token_is_as_good_as_none(plane):
    done = plane.cli("status", "--json", url=plane.url, token="sgt_" + "x" * 49)
    assert (done.code, done.error["code"]) == (1, "token_unknown")
    assert done.error["remedy"]


def test_a_token_does_what_its_role_does(plane):
    done = plane("apply", PLAN, "--json", by="oncd")
    assert (done.code, done.error["code"]) == (1, "forbidden")


def test_a_stage_is_not_opened_before_its_terms_are_agreed(plane):
    done = plane("stage", "open", *STAGE, "--key", plane.key("release-officer"), "--json")
    assert (done.code, done.error["code"]) == (1, "terms_not_agreed")
    assert "case list" in done.error["remedy"]


def test_a_stage_is_not_opened_by_an_agency(plane):
    done = plane("stage", "open", *STAGE, "--key", plane.key("oncd"), "--json")
    assert (done.code, done.error["code"]) == (1, "key_of_another_party")


def test_a_stage_that_is_not_there_is_named(plane):
    done = plane("stage", "open", "gpt-5.6", "everyone", "--key", plane.key("release-officer"))
    assert done.code == 1
    assert done.err.startswith("error: no stage 'gpt-5.6/everyone' [stage_unknown]")


def test_an_agency_without_a_pinned_key_is_refused(plane, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text().replace("ostp", "treasury").replace("gpt-5.6", "gpt-5.7"))
    done = plane("apply", plan, "--json")
    assert (done.code, done.error["code"]) == (1, "agency_unknown")
    assert "'treasury'" in done.error["message"]
    assert "trust file" in done.error["remedy"]


def test_a_directive_of_another_agencys_key_is_refused(plane, tmp_path):
    order = tmp_path / "order.yaml"
    order.write_text(DIRECTIVE.read_text().replace("{organizations: [Example Grid Operator]}", "everyone"))
    done = plane("directive", "issue", order, "--key", plane.key("ostp"), "--json")
    assert (done.code, done.error["code"]) == (1, "key_of_another_party")
    assert plane.answer("directive", "list") == {"directives": []}


# 2: usage


@pytest.mark.parametrize(
    ("command", "words", "told"),
    [
        (("apply",), "apply", "file"),
        (("apply", PLAN, PLAN), "apply", "unexpected"),
        (("stage", "open", "r"), "stage open", "stage"),
        (("credential", "issue"), "credential issue", "grant"),
        (("serve", "--trust", "t", "--port", "65536"), "serve", "65535"),
        (("plan",), "plan", "--schema"),
        (("status", "--no-such-option"), "status", "No such option"),
        (("grant", "list", "--limit", "501"), "grant list", "Invalid value for '--limit': "),
        (("grant", "list", "--relase", "r"), "grant list", "--relase (Possible options: --release)"),
        (("nothing",), "", "No such command 'nothing'"),
        (("keys", "nothing"), "keys", "No such command 'nothing'"),
    ],
    ids=lambda value: None if isinstance(value, tuple) else value,
)
def test_wrong_usage_is_told_with_the_help_that_shows_how(cli, command, words, told):
    done = cli(*command, "--json")
    assert (done.code, done.out, done.error["code"]) == (2, "", "usage")
    assert told in done.error["message"]
    assert done.error["remedy"].endswith(f"'{f'sluicegate {words}'.strip()} --help' shows how")


def test_what_is_left_out_is_told_with_the_command_that_lists_it(cli):
    remedy = cli("credential", "issue", "--json").error["remedy"]
    assert remedy == "'sluicegate grant list' lists them; 'sluicegate credential issue --help' shows how"


def test_options_that_do_not_go_together_are_wrong_usage(cli):
    done = cli("notify", "add", "--json")
    assert (done.code, done.out, done.error["code"]) == (2, "", "usage")
    assert "--webhook" in done.error["message"]


def test_an_address_is_confirmed_as_its_letter_says(plane):
    refused = plane("notify", "confirm", "sub_x", "a-code", "--json", by="oncd").error
    assert refused["code"] == "subscription_unknown"


# 3: invalid input


def test_mail_without_a_sender_names_the_variable(cli, tmp_path):
    start = ("control", "--trust", "t.yaml", "--state", str(tmp_path / "s"), "--json")
    done = cli(*start, SLUICEGATE_SMTP="localhost:25")
    assert (done.code, "SLUICEGATE_MAIL_FROM is ''" in done.error["message"]) == (3, True)


def test_a_reserve_that_is_larger_than_the_disk_is_refused(plane, cli, tmp_path):
    start = ("control", "--trust", plane.folder / "trust.yaml", "--state", tmp_path / "s", "--json")
    done = cli(*start, "--reserve-mib", "999999999")
    assert (done.code, done.error["code"]) == (3, "invalid_input")
    assert "--reserve-mib 999999999: the disk of" in done.error["message"]
    assert " are free" in done.error["message"]
    assert not (tmp_path / "s" / "ledger.db").exists()


@pytest.mark.parametrize("given", ["nan", "inf", "0"])
@pytest.mark.parametrize(
    "command", [("up", "--trust", "t.yaml"), ("gateway", "--log-key", "x", "--token-file", "t.token")]
)
def test_a_clock_bound_is_a_number_of_seconds(cli, command, given):
    done = cli(*command, "--upstream", "demo=http://127.0.0.1:1", "--clock-bound", given, "--json")
    assert (done.code, "No such option" in done.error["message"]) == (2, False)


@pytest.mark.parametrize(
    "given", ["keys", "keys=0", "keys=-1", "kyes=5", "keys=٣", "keys=5=6", "keys=" + "9" * 40]
)
def test_a_daily_limit_that_is_none_is_refused_before_anything_starts(cli, tmp_path, given):
    done = cli("control", "--trust", "t.yaml", "--state", str(tmp_path / "s"), "--limit", given, "--json")
    assert (done.code, done.error["code"]) == (3, "invalid_input")
    expected = "a whole number from 1 to" if given.startswith("keys=") else "NAME=VALUE, with one of appl"
    assert f"--limit {given[:84]!r}, expected {expected}" in done.error["message"]
    assert not (tmp_path / "s").exists()


def test_every_error_of_a_plan_is_listed_with_its_place_and_nothing_is_applied(plane, tmp_path):
    plan = tmp_path / "plan.yaml"
    text = (
        PLAN.read_text()
        .replace("askedBy: [oncd, ostp]", "askedBy: [oncd, nobody]")
        .replace("seats: 24", "opensWhen: {allOf: [{noOpenFindings: {atLeast: hihg}}]}\n      seats: many")
        .replace("grant: {allOf: [oncd, ostp]}", "grant: {allOf: []}")
        .replace("requestsPerMinute: 600", "requestPerMinute: 600")
        .replace("validFor: P30D", "validFor: 30 days")
    )
    plan.write_text(text)
    size = plane.answer("status")["size"]
    for command in ("plan", "apply"):
        done = plane(command, plan, "--json")
        assert (done.code, done.error["code"]) == (3, "invalid_document")
        at = done.error["at"]
        assert {place["file"] for place in at} == {str(plan)}
        here = [text.splitlines()[place["line"] - 1][place["column"] - 1 :] for place in at]
        wrong = ["nobody", "atLeast", "seats", "allOf", "requestPerMinute", "validFor"]
        assert [next(word for word in wrong if line.startswith(word)) for line in here] == wrong
        assert at[1]["found"] == "'hihg' (did you mean 'high'?)"
    assert plane.answer("status")["size"] == size

    told = plane("apply", plan).err
    assert told.startswith(f"error: {plan}: 6 errors; nothing was done [invalid_document]")
    assert told.count(f"\n  {plan}:") == 6


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"", "1 error"),
        (b"- a list", "1 error"),
        (b"kind: Release\nkind: Release\n", "1 error"),
        (b"a: &anchor 1\nb: *anchor\n", "expected no anchors and aliases, found"),
        (b"a: [1, 2\n", "is not a YAML document"),
        (b"kind: " + b"x" * 300_000, "262144"),
    ],
    ids=["not UTF-8", "empty", "a list", "a key twice", "an alias", "not YAML", "too large"],
)
def test_what_is_no_plan_is_invalid_input(plane, tmp_path, content, told):
    plan = tmp_path / "plan.yaml"
    plan.write_bytes(content)
    done = plane("apply", plan, "--json")
    assert (done.code, done.out) == (3, "")
    assert told in done.error["message"]


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "nowhere.yaml"),
        ("plan", "nowhere.yaml"),
        ("directive", "issue", "nowhere.yaml", "--key", "k"),
        ("review", "sign", "nowhere.json", "--position", "approve", "--key", "k", "-o", "o"),
        ("review", "import", "nowhere.json"),
        ("keys", "show", "nowhere.key"),
        ("ledger", "verify", "nowhere", "--key", "sluicegate.example/log+00000000+AQ=="),
        ("serve", "--trust", "nowhere.yaml"),
        ("up", "--trust", "nowhere.yaml", "--upstream", "demo=http://127.0.0.1:1"),
        (
            "gateway",
            "--log-key",
            "x",
            "--token-file",
            "nowhere.token",
            "--upstream",
            "demo=http://127.0.0.1:1",
        ),
        ("keys", "generate", "-o", "nowhere/key"),
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_a_file_that_is_not_there_is_named(cli, command):
    done = cli(*command, "--json")
    assert (done.code, done.out) == (3, "")
    assert "nowhere" in done.error["message"] or done.error["code"] == "bad_key"


def test_a_key_file_is_a_private_key_and_its_owners_alone(plane, tmp_path):
    public, shared = tmp_path / "oncd.key.pub", tmp_path / "shared.key"
    public.write_text(Path(f"{plane.key('oncd')}.pub").read_text())
    public.chmod(0o600)
    shared.write_bytes(plane.key("oncd").read_bytes())
    shared.chmod(0o644)
    for path, told in ((public, "is not a private key"), (shared, "can be read by others")):
        done = plane("stage", "open", *STAGE, "--key", path, "--json")
        assert (done.code, done.error["code"]) == (3, "bad_key")
        assert told in done.error["message"]
        assert done.error["remedy"]


def test_a_key_is_encrypted_with_a_passphrase_and_needs_it(cli, tmp_path):
    path = tmp_path / "secret.key"
    made = cli("keys", "generate", "-o", path, "--json", SLUICEGATE_PASSPHRASE="correct horse").answer
    assert b"ENCRYPTED" in path.read_bytes()
    shown = cli("keys", "show", path, "--json", SLUICEGATE_PASSPHRASE="correct horse").answer
    assert shown == {"public": made["public"], "keyid": made["keyid"]}
    for wrong in ({}, {"SLUICEGATE_PASSPHRASE": "wrong"}):
        done = cli("keys", "show", path, "--json", **wrong)
        assert (done.code, done.error["code"]) == (3, "bad_key")


def test_a_key_is_never_replaced(cli, tmp_path):
    path = tmp_path / "one.key"
    cli("keys", "generate", "-o", path)
    before = path.read_bytes()
    done = cli("keys", "generate", "-o", path, "--json")
    assert (done.code, "exists already" in done.error["message"]) == (3, True)
    assert path.read_bytes() == before


def test_a_case_is_signed_by_a_party_that_is_asked(plane, tmp_path):
    case = plane.answer("status")["releases"][0]["stages"][0]["termsCase"]
    exported = tmp_path / "case.json"
    plane.answer("review", "export", case, "-o", exported, by="oncd")
    signed = tmp_path / "signed.json"
    sign = ("review", "sign", exported, "-o", signed)
    stranger = plane(*sign, "--position", "approve", "--key", plane.key("caisi"), "--json", by=None)
    assert (stranger.code, "oncd, ostp" in stranger.error["message"]) == (3, True)
    for position, code, told in (
        ("perhaps", 2, "expected one of approve"),
        ("ask", 2, "a question without a reason"),
        ("object", 2, "without a reason"),
    ):
        done = plane(*sign, "--position", position, "--key", plane.key("oncd"), "--json", by=None)
        assert (done.code, told in done.error["message"]) == (code, True)
    assert not signed.exists()


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"a": 1, "a": 1}', b"\xff", b'{"payload": "", "signatures": []}']
)
def test_what_is_no_signed_position_is_not_imported(plane, tmp_path, content):
    path = tmp_path / "signed.json"
    path.write_bytes(content)
    assert plane("review", "import", path, "--json").error
    assert plane("review", "import", path).code == 3


@pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:port"])
def test_a_url_that_is_none_is_told(cli, url):
    done = cli("status", "--json", url=url)
    assert done.code in (3, 4)
    assert done.error["remedy"]


# 4: unreachable


def test_a_control_plane_that_does_not_run_is_told_with_what_to_do(cli):
    done = cli("status", "--json")
    assert (done.code, done.out, done.error["code"]) == (4, "", "unreachable")
    assert NOBODY in done.error["message"]
    assert "SLUICEGATE_URL" in done.error["remedy"]
    assert cli("ledger", "export", "-o", "copy").code == 4


class Stranger(SilentHandler):
    """Answers everything in HTML, with the status named in the path."""

    def do_GET(self) -> None:  # noqa: N802 - the name the server looks for
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_what_is_no_control_plane_is_told(cli, status):
    with handling(Stranger) as url:
        done = cli("status", "--json", url=f"{url}/{status}")
    assert (done.code, done.error["code"]) == (4, "unreachable")
    assert "control plane" in done.error["message"]


def test_a_taken_port_is_told_and_what_to_do(cli, plane, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = (
            "serve",
            "--trust",
            plane.folder / "trust.yaml",
            "--state",
            tmp_path / "state",
            "--port",
            port,
        )
        upstream = ("demo", "upstream", "--port", port)
        for command in (serve, upstream):
            done = cli(*command, "--json")
            assert done.code == 3
            assert "in use" in done.error["message"]
            assert "another port" in done.error["remedy"]


# 5: verification failed


def test_a_log_is_verified_with_its_key_and_no_other(plane, tmp_path):
    wrong = tmp_path / "wrong.vkey"
    wrong.write_text(checkpoint.vkey(plane.vkey.split("+")[0], bytes(32)))
    for where in (plane.url, plane.database):
        assert plane.cli("ledger", "verify", where, "--key", plane.vkey).code == 0
        done = plane.cli("ledger", "verify", where, "--key", wrong, "--json")
        assert (done.code, json.loads(done.out)["ok"]) == (5, False)
        assert done.error["message"]


def test_an_altered_copy_does_not_verify_and_a_whole_one_does(plane, tmp_path):
    copy = tmp_path / "copy"
    exported = plane.cli("ledger", "export", "-o", copy, "--json", url=plane.url).answer
    verify = ("ledger", "verify", copy, "--key", plane.vkey, "--json")
    whole = plane.cli(*verify).answer
    assert whole == {
        "ok": True,
        "log": plane.vkey.split("+")[0],
        "size": exported["size"],
        "root": whole["root"],
        "lastAt": whole["lastAt"],
        "firstBad": None,
        "proofs": {
            "checked": 0,
            "bad": 0,
            "proven": 0,
            "noted": 0,
            "rows": {"signed": 0, "unsigned": 0, "countedOut": 0, "points": 0},
            "notProven": [],
        },
        "law": {
            "judged": exported["size"],
            "noRule": 0,
            "unlawful": [],
            "unlawfulCount": 0,
            "unchecked": {},
            "uncheckedAt": [],
        },
    }
    assert plane.cli("ledger", "export", "-o", copy, url=plane.url).code == 3  # never over a folder

    entries = next((copy / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(entries.read_bytes())
    data[-10] ^= 1
    entries.write_bytes(data)
    done = plane.cli(*verify)
    assert done.code == 5
    assert json.loads(done.out)["firstBad"] == exported["size"] - 1
    assert "at entry" in done.error["message"]

    shutil.rmtree(copy / "tile" / "entries")
    assert plane.cli(*verify).code == 5


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_that_another_program_made_is_shown_as_it_is_pinned(
    cli: Cli, tmp_path: Path, algorithm: str
) -> None:
    key = key_of("oncd", algorithm)
    write_secret(tmp_path / "a.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shown = cli("keys", "show", tmp_path / "a.key", "--json").answer
    assert publickey.load(shown["public"]) == publickey.load(pem_of(key))
    assert shown["keyid"] == publickey.keyid(publickey.of(key))
