"""Evidence by command line alone: a log is imported, shown, exported, and what proves nothing is told."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import digest

LOGS = Path(__file__).parents[1] / "client/logs"
EVALUATIONS = """\
  evaluations:
    jailbreak-resistance:
      {task: jailbreak, metric: attack_success_rate, atMost: 0.4, from: {anyOf: [caisi]}}
  stages:
"""
ASKS = """\
    - name: trusted-partners
      opensWhen: {allOf: [{evidence: [jailbreak-resistance]}]}
"""
EVALUATED = (
    PLAN.replace("  stages:\n", EVALUATIONS)
    .replace("    - name: trusted-partners\n", ASKS)
    .replace("sha256:" + "1" * 64, digest("gpt-5.6"))
    .replace("sha256:" + "2" * 64, digest("safe"))
)
TO = ("--release", "gpt-5.6", "--evaluation", "jailbreak-resistance", "--independence", "independent")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A stage that waits for an evaluation by caisi."""
    with timed_plane(cli, tmp_path, EVALUATED) as made:
        yield made


def test_a_log_is_imported_listed_shown_and_exported(plane, tmp_path):
    assert plane.text("evidence", "list", by="applicant").strip() == "No evidence."
    (case,) = plane.answer("case", "list", "--kind", "terms")["cases"]
    told = plane.text("review", "export", case["case"], "-o", tmp_path / "terms.json", by="oncd")
    assert "  evaluations:\n    jailbreak-resistance:\n      task: jailbreak\n" in told
    assert "      at most: 0.4\n" in told
    told = plane.text("status")
    assert "not met; waits for caisi (jailbreak-resistance)" in told
    log = ("evidence", "import", LOGS / "passes.eval", *TO, "--key", plane.key("caisi"))
    done = plane.answer(*log, "--independence", "paid-by-developer", "--redacted", "transcripts", by="caisi")
    assert (done["counts"], done["reasons"], done["result"]) == (True, [], "PASSED")
    assert "trusted-partners  gpt-5.6  api, codex  agreed  open" in plane.text("status")
    (listed,) = plane.answer("evidence", "list", by="applicant")["evidence"]
    assert listed["evidence"] == done["evidence"]
    shown = plane.text("evidence", "show", done["evidence"], by="applicant")
    for line in (
        "gpt-5.6/jailbreak-resistance by caisi",
        "1 of 12; at the level 0.95 the share is at least 0.004265, and at most 0.338681",
        "the plan asks for at most 0.4: met",
        "questions: 12, to be asked: 12, each once",
        "who ran it: paid-by-developer",
        "left out: transcripts",
        ", kept by caisi",
    ):
        assert line in shown
    envelope, inspect = tmp_path / "envelope.json", tmp_path / "inspect.json"
    plane.answer("evidence", "export", done["evidence"], "-o", envelope, by="applicant")
    assert json.loads(envelope.read_text())["payloadType"] == "application/vnd.in-toto+json"
    plane.answer("evidence", "export", done["evidence"], "--inspect", "-o", inspect, by="applicant")
    written = json.loads(inspect.read_text())
    assert written["results"]["scores"][0]["metrics"]["attack_success_rate"]["value"] == 1 / 12


def test_a_log_is_kept_for_those_to_whom_it_is_sealed_and_for_no_one_else(plane, tmp_path):
    log = ("evidence", "import", LOGS / "passes.eval", *TO, "--key", plane.key("caisi"))
    unknown = plane.error(*log, "--seal-to", "treasury", by="caisi")
    assert "'treasury' has no key to which anything can be sealed" in unknown["message"]
    told = plane.text(*log, "--seal-to", "caisi", "--seal-to", "oncd", by="caisi")
    assert "\n  its log is kept, sealed to caisi, oncd" in told
    (listed,) = plane.answer("evidence", "list", by="applicant")["evidence"]
    show = plane.text("evidence", "show", listed["evidence"], by="applicant")
    assert (
        "kept by caisi; sealed here, too: 'sluicegate evidence log EVIDENCE --key KEY -o FILE' opens it"
        in show
    )
    opened = tmp_path / "opened.eval"
    opens = ("evidence", "log", listed["evidence"], "-o", opened, "--key")
    assert "is the log that was signed, sha256:" in plane.text(*opens, plane.key("oncd"), by="oncd")
    assert opened.read_bytes() == (LOGS / "passes.eval").read_bytes()
    assert opened.stat().st_mode & 0o077 == 0
    for owner in ("ostp", "release-officer"):
        refused = plane.error(*opens, plane.key(owner))
        assert refused["message"] == "sealed to other keys than this one"


def test_a_log_that_stays_with_its_party_is_not_here(plane, tmp_path):
    plane.answer("evidence", "import", LOGS / "passes.eval", *TO, "--key", plane.key("caisi"), by="caisi")
    (listed,) = plane.answer("evidence", "list")["evidence"]
    key = ("--key", plane.key("release-officer"))
    refused = plane.error("evidence", "log", listed["evidence"], "-o", tmp_path / "log", *key)
    assert (refused["code"], refused["remedy"]) == ("log_not_kept", "ask caisi for it")


def test_a_result_is_named_by_the_beginning_of_its_digest_and_withdrawn_by_its_party(plane):
    key = plane.key("caisi")
    log = ("evidence", "import", LOGS / "passes.eval", *TO, "--key", key)
    done = plane.answer(*log, by="caisi")
    name = done["evidence"]
    (line,) = [each for each in plane.text("evidence", "list").splitlines() if "caisi" in each]
    assert line.split()[0] == name[:19]
    for shorter in (name[:19], name[7:13], name.removeprefix("sha256:")):
        assert plane.answer("evidence", "show", shorter)["evidence"] == name
    assert plane.error("evidence", "show", "0" * 12)["code"] == "evidence_unknown"
    status = plane.text("status", "gpt-5.6")
    assert "evidence:\n  jailbreak-resistance of gpt-5.6 by caisi, 2026-06-29 15:00Z:" in status
    assert "the plan asks for at most 0.4: met" in status
    why = ("--reason", "the digests were those of another model")
    others = plane.error("evidence", "withdraw", name[:19], *why, "--key", plane.key("oncd"), by="oncd")
    assert others["code"] == "key_of_another_party"
    told = plane.text("evidence", "withdraw", name[:19], *why, "--key", key, by="caisi")
    assert told.startswith(
        "caisi withdraws its result of jailbreak-resistance of gpt-5.6; the public log now"
    )
    assert "it does not count: its party has withdrawn it" in plane.text("evidence", "show", name)
    assert "not met; waits for caisi (jailbreak-resistance)" in plane.text("status")
    assert "evidence:\n" not in plane.text("status", "gpt-5.6")
    plane.later(0.01)
    assert plane.answer(*log, by="caisi")["counts"]


def test_a_secret_benchmark_is_named_by_the_digest_of_its_file(cli, tmp_path):
    """The log is of the task `jailbreak`; no one but its evaluator reads that."""
    file = tmp_path / "benchmark.txt"
    file.write_text(f"jailbreak\n{'a line that no one can guess ' * 3}\n")
    task = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    with timed_plane(cli, tmp_path, EVALUATED.replace("task: jailbreak,", f'task: "{task}",')) as plane:
        log = ("evidence", "import", LOGS / "passes.eval", *TO, "--key", plane.key("caisi"))
        found = plane.error(*log, by="caisi")
        assert found["message"].startswith("the benchmark is secret: the plan has the digest of its file")
        other = plane.file("other.txt", "jailbreak\n" + "x" * 80)
        assert f"and the plan names {task}" in plane.error(*log, "--benchmark", other, by="caisi")["message"]
        short = plane.file("short.txt", "jailbreak")
        assert "fewer than 64" in plane.error(*log, "--benchmark", short, by="caisi")["message"]
        done = plane.answer(*log, "--benchmark", file, by="caisi")
        assert (done["counts"], done["result"]) == (True, "PASSED")
        shown = plane.answer("evidence", "show", done["evidence"])
        assert (shown["run"]["task"], shown["run"]["taskVersion"]) == (task, "sealed")
        payload = base64.b64decode(shown["envelope"]["payload"])
        assert b'"jailbreak"' not in payload
        assert "  closed " not in plane.text("status")


def test_a_benchmark_that_is_not_secret_has_no_file_and_another_task_is_not_named(plane, tmp_path):
    file = tmp_path / "benchmark.txt"
    file.write_text("jailbreak\n" + "x" * 80)
    log = ("evidence", "import", LOGS / "passes.eval", *TO, "--key", plane.key("caisi"))
    found = plane.error(*log, "--benchmark", file, by="caisi")
    assert found["message"] == "the plan names the task 'jailbreak', and no secret benchmark"


def test_what_proves_nothing_is_told_with_its_reason(plane):
    key = plane.key("caisi")
    done = plane.answer("evidence", "import", LOGS / "partial.eval", *TO, "--key", key, by="caisi")
    assert (done["counts"], done["reasons"]) == (False, ["partial"])
    told = plane.text("evidence", "import", LOGS / "mock.eval", *TO, "--key", key, by="caisi")
    assert told.startswith("caisi: jailbreak-resistance of gpt-5.6 does not count; the public log now has")
    assert "it does not count: no model was asked, but a stand-in of the tool" in told
    assert "  closed " in plane.text("status")


def test_what_is_refused_says_what_to_do(plane, tmp_path):
    key = ("--key", plane.key("caisi"))
    found = plane.error("evidence", "import", LOGS / "undigested.eval", *TO, *key, by="caisi")
    assert f"--digest {digest('gpt-5.6')}" in found["remedy"]
    broken = tmp_path / "log.eval"
    broken.write_bytes((LOGS / "passes.eval").read_bytes()[:1000])
    found = plane.error("evidence", "import", broken, *TO, *key, by="caisi")
    assert "no ZIP archive, or one that was cut off" in found["message"]
    plane.answer("evidence", "import", LOGS / "passes.eval", *TO, *key, by="caisi")
    found = plane.error("evidence", "import", LOGS / "passes.json", *TO, *key, by="caisi")
    assert found["code"] == "evidence_repeated"
    others = ("--key", plane.key("oncd"))
    found = plane.error("evidence", "import", LOGS / "mock.eval", *TO, *others, by="oncd")
    assert found["code"] == "evaluator_not_asked"
    none = ("--release", "gpt-5.6", "--evaluation", "none")
    found = plane.error("evidence", "import", LOGS / "mock.eval", *none, *key, by="caisi")
    assert (found["code"], found["remedy"]) == ("evaluation_unknown", "it has jailbreak-resistance")
    notes = tmp_path / "notes.txt"
    notes.write_text("as a table")
    found = plane.error("evidence", "import", notes, *TO, *key, by="caisi")
    assert "a log is .eval or .json of Inspect" in found["remedy"]
