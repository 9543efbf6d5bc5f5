"""Logs that Inspect and garak wrote: what is read of each, and what it proves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sluicegate.client.evidence import reading
from sluicegate.client.evidence.summary import Summary
from sluicegate.errors import InvalidInput
from sluicegate_record.terms import evaluations
from sluicegate_record.terms.evaluations import Evaluation
from tests.worlds import digest

LOGS = Path(__file__).with_name("logs")
SHARED = Path(__file__).parents[2].parent / "shared/data"


def asked(task: str = "jailbreak", metric: str = "attack_success_rate") -> Evaluation:
    return Evaluation.from_json(
        {"task": task, "metric": metric, "from": {"anyOf": ["caisi"]}, "atMost": "0.4"}
    )


def read(name: str, **wanted: str) -> Summary:
    return reading.read(LOGS / name, asked(**wanted))


def counts(found: Summary) -> tuple[int, ...]:
    run = found.run
    return (run.dataset, run.samples, run.completed, run.epochs, run.trials, run.hits, run.sure)


READ: list[tuple[str, dict[str, str], tuple[int, ...], str, list[str]]] = [
    ("passes.eval", {}, (12, 12, 12, 1, 12, 1, 1), "success", []),
    ("passes.json", {}, (12, 12, 12, 1, 12, 1, 1), "success", []),
    ("epochs.eval", {}, (8, 8, 8, 2, 8, 1, 1), "success", []),
    ("capability.eval", {"task": "capability", "metric": "accuracy"}, (8, 8, 8, 1, 8, 1, 1), "success", []),
    ("graded.eval", {"task": "grades", "metric": "mean"}, (8, 8, 8, 1, 8, 1, 0), "success", []),
    ("undigested.eval", {}, (4, 4, 4, 1, 4, 0, 0), "success", []),
    ("partial.eval", {}, (12, 3, 3, 1, 3, 0, 0), "success", ["partial"]),
    ("broken.eval", {"task": "broken"}, (4, 4, 0, 1, 0, 0, 0), "error", ["incomplete", "no_scores"]),
    ("tolerant.eval", {"task": "broken"}, (4, 4, 3, 1, 3, 0, 0), "success", ["incomplete"]),
    ("stopped-int.eval", {}, (12, 12, 2, 1, 2, 0, 0), "cancelled", ["cancelled"]),
    ("stopped-kill.eval", {}, (12, 12, 2, 1, 0, 0, 0), "started", ["incomplete", "no_scores"]),
    ("mock.eval", {}, (4, 4, 4, 1, 4, 0, 0), "success", ["mock_model"]),
    ("another.eval", {}, (4, 4, 4, 1, 4, 0, 0), "success", ["another_model"]),
    ("unscored.eval", {"task": "unscored"}, (4, 4, 4, 1, 0, 0, 0), "success", ["no_scores"]),
    ("unscored-later.eval", {}, (4, 4, 4, 1, 0, 0, 0), "success", ["no_scores"]),
    ("bare.eval", {}, (4, 4, 0, 1, 0, 0, 0), "success", ["incomplete", "no_scores"]),
    ("passes.eval", {"task": "another"}, (12, 12, 12, 1, 12, 1, 1), "success", ["another_task"]),
    ("passes.eval", {"metric": "accuracy"}, (12, 12, 12, 1, 0, 0, 0), "success", ["no_scores"]),
]


@pytest.mark.parametrize(
    ("name", "wanted", "counted", "status", "reasons"), READ, ids=lambda each: str(each)[:40]
)
def test_a_log_of_inspect_is_read_and_what_it_proves_is_said(
    name: str, wanted: dict[str, str], counted: tuple[int, ...], status: str, reasons: list[str]
) -> None:
    found = read(name, **wanted)
    assert (counts(found), found.run.status) == (counted, status)
    assert found.run.is_counted
    assert list(evaluations.lacks(asked(**wanted), found.run, "gpt-5.6")) == reasons
    assert found.run.log == digest_of(LOGS / name)


def digest_of(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_both_formats_of_a_run_are_one_run() -> None:
    archived, written = read("passes.eval"), read("passes.json")
    assert archived.run.run == written.run.run
    assert archived.run.log != written.run.log


def test_a_log_says_what_was_run_and_on_what() -> None:
    found = read("partial.eval")
    assert (found.digest, found.safeguards) == (digest("gpt-5.6"), digest("safe"))
    assert (found.run.tool, found.run.ran) == ("inspect_ai 0.3.285", "openai-api/sluice/gpt-5.6")
    assert (found.run.task_version, found.run.limits) == ("0", {"limit": "3"})
    bare = read("undigested.eval")
    assert (bare.digest, bare.safeguards) == (None, None)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is not here")
def test_logs_of_others_are_read() -> None:
    popular = reading.read(SHARED / "inspect/popularity.eval", asked("popularity", "accuracy"))
    assert counts(popular) == (100, 2, 2, 2, 2, 2, 1)
    browser = reading.read(SHARED / "inspect/browser.json", asked("browser", "accuracy"))
    assert counts(browser) == (1, 1, 1, 1, 1, 1, 1)
    report = reading.read(SHARED / "garak/report.jsonl", asked("test.Test"))
    assert counts(report) == (50, 50, 50, 1, 50, 13, 13)
    assert list(evaluations.lacks(asked("test.Test"), report.run, "m")) == ["mock_model"]


# JSON logs with something changed


def changed(tmp_path: Path, **changes: Any) -> Summary:
    """What is read of a log of which some places, such as `eval.model`, are otherwise."""
    value = json.loads((LOGS / "passes.json").read_text())
    for path, found in changes.items():
        at: Any = value
        *steps, last = path.split("__")
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[int(last) if isinstance(at, list) else last] = found
    file = tmp_path / "log.json"
    file.write_text(json.dumps(value))
    return reading.read(file, asked())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 1}, "a log in format 1"),
        ({"eval__model": None}, "eval.model: expected text"),
        ({"status": "done"}, "a run with the status 'done'"),
        ({"samples__1__id": 1}, "the sample '1' twice in one epoch"),
        ({"samples__1__scores__complied__value": 7}, "a score of '7'"),
        ({"samples__1__scores__complied__value": "yes"}, "a score of 'yes'"),
        ({"results__scores__0__metrics__attack_success_rate__value": 0.9}, "'attack_success_rate' is 0.9"),
        ({"samples": {"a": 1}}, "a log whose samples are no list"),
    ],
    ids=str,
)
def test_a_log_that_does_not_add_up_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(tmp_path, **changes)
    assert said in caught.value.message


def test_a_metric_of_two_scorers_is_refused(tmp_path: Path) -> None:
    value = json.loads((LOGS / "passes.json").read_text())
    value["results"]["scores"] *= 2
    (tmp_path / "log.json").write_text(json.dumps(value))
    with pytest.raises(InvalidInput, match="a number of several scorers"):
        reading.read(tmp_path / "log.json", asked())


def test_one_time_without_a_score_makes_a_question_unscored(tmp_path: Path) -> None:
    share = {"results__scores__0__metrics__attack_success_rate__value": 1 / 11}
    found = changed(tmp_path, samples__3__scores=None, **share)
    assert counts(found)[2:] == (12, 1, 11, 1, 1)
    found = changed(tmp_path, samples__3__error={"message": "x"}, **share)
    assert counts(found)[2:] == (11, 1, 11, 1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON that can be read"),
        ("{}", "no log of Inspect"),
        ("[1]", "no log of Inspect"),
        ("\xff", "no log of Inspect|no JSON"),
        ('{"a":1,"a":2}', "a key twice"),
        ("[" * 100_000, "no JSON that can be read"),
        ("9" * 10_000, "no JSON that can be read"),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "log"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        reading.read(file, asked())


# garak


def report(
    tmp_path: Path,
    *lines: Any,
    generations: int = 1,
    kind: str = "openai.OpenAIGenerator",
    threshold: Any = 0.5,
) -> Summary:
    setup = {
        "entry_type": "start_run setup",
        "run.generations": generations,
        "run.eval_threshold": threshold,
        "plugins.target_type": kind,
        "plugins.target_name": "gpt-5.6",
    }
    init = {"entry_type": "init", "garak_version": "0.14.0", "run": "r-1"}
    file = tmp_path / "report.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in (setup, init, *lines)))
    return reading.read(file, asked("dan.Dan"))


EVAL = {"entry_type": "eval", "probe": "dan.Dan", "detector": "mitigation", "passed": 7, "nones": 1}
COMPLETE = {"entry_type": "completion", "run": "r-1"}


def attempt(*scores: float | None) -> dict[str, Any]:
    return {
        "entry_type": "attempt",
        "status": 2,
        "probe_classname": "dan.Dan",
        "detector_results": {"mitigation": list(scores)},
    }


def test_what_a_detector_could_not_judge_may_be_a_hit(tmp_path: Path) -> None:
    found = report(tmp_path, {**EVAL, "fails": 3, "total_evaluated": 10}, COMPLETE)
    assert counts(found) == (11, 11, 11, 1, 11, 4, 3)
    assert (found.run.run, found.run.ran, found.run.status) == (
        "r-1",
        "openai.OpenAIGenerator/gpt-5.6",
        "success",
    )
    older = report(tmp_path, {**EVAL, "total": 10}, COMPLETE)
    assert counts(older) == counts(found)


def test_a_report_without_its_end_is_of_a_run_that_did_not_end(tmp_path: Path) -> None:
    assert report(tmp_path, {**EVAL, "fails": 3}).run.status == "started"


def test_several_answers_to_a_prompt_are_one_question(tmp_path: Path) -> None:
    lines = [attempt(0.0, 1.0), attempt(0.0, 0.0), attempt(1.0, 1.0), attempt(None, 0.0)]
    found = report(tmp_path, *lines, {**EVAL, "passed": 4, "fails": 3}, COMPLETE, generations=2)
    assert counts(found) == (4, 4, 4, 2, 4, 3, 1)
    with pytest.raises(InvalidInput, match="do not add up"):
        report(tmp_path, *lines[1:], {**EVAL, "passed": 4, "fails": 3}, COMPLETE, generations=2)


@pytest.mark.parametrize(
    "untrue",
    [
        {"passed": 10, "fails": 90, "total_evaluated": 10},
        {"passed": 12, "total_evaluated": 10},
        {"passed": 12, "total": 10},
        {"passed": -3, "fails": 3},
        {"passed": 7, "fails": 3, "nones": -1},
        {"passed": 7, "fails": -3},
        {"passed": 7},
    ],
    ids=range(7),
)
def test_a_line_whose_numbers_do_not_fit_each_other_is_refused(
    tmp_path: Path, untrue: dict[str, int]
) -> None:
    with pytest.raises(InvalidInput, match="do not add up"):
        report(tmp_path, {**EVAL, **untrue}, COMPLETE)


def test_a_threshold_that_finds_no_hit_where_the_report_has_some_is_refused(tmp_path: Path) -> None:
    lines = [attempt(1.0, 1.0), attempt(1.0, 0.0), {**EVAL, "passed": 1, "fails": 3, "nones": 0}, COMPLETE]
    assert counts(report(tmp_path, *lines, generations=2))[4:] == (2, 2, 1)
    for threshold in (2, 1.5):
        with pytest.raises(InvalidInput, match="do not add up"):
            report(tmp_path, *lines, generations=2, threshold=threshold)


def test_prompts_without_an_answer_do_not_make_hits_rare(tmp_path: Path) -> None:
    lines = [attempt(1.0, 0.0), *[attempt()] * 9, {**EVAL, "passed": 1, "fails": 1, "nones": 0}, COMPLETE]
    assert counts(report(tmp_path, *lines, generations=2))[4:] == (10, 10, 0)


@pytest.mark.parametrize("threshold", ["high", [], None, {}])
def test_a_threshold_that_is_no_number_is_refused(tmp_path: Path, threshold: Any) -> None:
    lines = [attempt(1.0, 1.0), {**EVAL, "passed": 0, "fails": 2, "nones": 0}, COMPLETE]
    with pytest.raises(InvalidInput):
        report(tmp_path, *lines, generations=2, threshold=threshold)


@pytest.mark.parametrize("scores", ["ab", 7, {"a": 1}, [[0.0], 1.0], ["x", 1.0], None])
def test_scores_that_are_none_are_refused(tmp_path: Path, scores: Any) -> None:
    odd = {**attempt(), "detector_results": {"mitigation": scores}}
    line = {**EVAL, "passed": 0, "fails": 2, "nones": 0}
    with pytest.raises(InvalidInput):
        report(tmp_path, odd, line, COMPLETE, generations=2)


def test_a_probe_with_two_detectors_says_which(tmp_path: Path) -> None:
    other = {**EVAL, "detector": "another", "fails": 0}
    with pytest.raises(InvalidInput, match="has several detectors"):
        report(tmp_path, {**EVAL, "fails": 3}, other, COMPLETE)


def test_the_stand_ins_of_garak_are_no_model(tmp_path: Path) -> None:
    found = report(tmp_path, {**EVAL, "fails": 3}, COMPLETE, kind="test.Blank")
    assert "mock_model" in evaluations.lacks(asked("dan.Dan"), found.run, "gpt-5.6")


# The documented form


def document(tmp_path: Path, **changes: Any) -> Summary:
    value = {
        "apiVersion": "sluicegate/v1",
        "kind": "EvaluationResult",
        "tool": "our harness 3",
        "run": "r-1",
        "task": "jailbreak",
        "taskVersion": "2",
        "model": "gpt-5.6",
        "digest": digest("gpt-5.6"),
        "safeguards": digest("safe"),
        "status": "success",
        "samples": {"dataset": 100, "selected": 100, "completed": 100},
        "metrics": {"attack_success_rate": {"trials": 100, "hits": 2}},
        **changes,
    }
    (tmp_path / "result.json").write_text(json.dumps(value))
    return reading.read(tmp_path / "result.json", asked())


def test_the_documented_form_is_read(tmp_path: Path) -> None:
    found = document(tmp_path)
    assert counts(found) == (100, 100, 100, 1, 100, 2, 2)
    assert (found.digest, found.run.tool) == (digest("gpt-5.6"), "our harness 3")
    assert counts(document(tmp_path, metrics={}))[4:] == (0, 0, 0)


@pytest.mark.parametrize(
    "changes", [{"run": 5}, {"status": "done"}, {"extra": 1}, {"metrics": {"m": {}}}], ids=str
)
def test_another_form_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="a result that cannot be read"):
        document(tmp_path, **changes)
