"""A plan made from another one: what is asked for is new, all else is as it was written."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.cli import presets
from sluicegate.cli.presets import PRESETS
from sluicegate.core.terms import document, plan, renewal
from sluicegate.core.terms.renewal import Renewal
from sluicegate.errors import InvalidDocument

TEXTS = {path.stem: path.read_text() for path in sorted(PRESETS.glob("*.yaml"))}
PREVIEW = TEXTS["preview-to-everyone"]
DIGEST = "sha256:" + "a" * 64


def made(text: str, name: str = "gpt-6", **wanted: Any) -> str:
    return renewal.renewed(document.read(text, "plan.yaml"), text, Renewal(name, **wanted))


def refused(text: str, **wanted: Any) -> list[tuple[int, str]]:
    with pytest.raises(InvalidDocument) as caught:
        made(text, **wanted)
    return [(each.line, each.expected) for each in caught.value.at]


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines()]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_plan_with_other_names_models_and_days_keeps_all_else(text):
    models = {"id": ["m-1"], "upstream": ["vllm"], "digest": [DIGEST]}
    found = made(text, developer="lab", title='A "title"', start=date(2027, 1, 11), models=models)
    assert comments(found) == comments(text)
    before, after = (plan.read(document.read(each, "plan.yaml")).to_json() for each in (text, found))
    assert after["metadata"] == {"name": "gpt-6", "developer": "lab", "title": 'A "title"'}
    (model,) = after["spec"]["models"]
    assert model == {"id": "m-1", "upstream": "vllm", "digest": DIGEST, "safeguards": "sha256:" + "0" * 64}
    days = {date.fromisoformat(day) for day in _days(after)}
    moved = date(2027, 1, 11) - min(date.fromisoformat(day) for day in _days(before))
    assert days == {date.fromisoformat(day) + moved for day in _days(before)}
    assert min(days) == date(2027, 1, 11)
    for each in (before["spec"], after["spec"]):
        each["models"] = None
    assert _without_days(after["spec"]) == _without_days(before["spec"])


def _days(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [each for key, each in value.items() if key in renewal.DAYS and isinstance(each, str)]
        return own + [day for each in value.values() for day in _days(each)]
    return [day for each in value for day in _days(each)] if isinstance(value, list) else []


def _without_days(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_days(each) for key, each in value.items() if key not in renewal.DAYS}
    return [_without_days(each) for each in value] if isinstance(value, list) else value


def test_a_moment_moves_by_whole_days():
    text = PREVIEW.replace('"2026-06-26"', "2026-06-26T16:00:00Z")
    assert "{date: 2026-07-03T16:00:00Z}" in made(text, start=date(2026, 7, 1)).replace('"', "")


def test_an_agency_directs_the_model_under_its_new_name():
    text = PREVIEW.replace("concerns: [cyber, export]}", "directs: [other, my-model]}")
    text = text.replace(", to: [commerce], binding: true}", ", to: [commerce], binding: false}")
    assert "directs: [other, m-1]" in made(text, models={"id": ["m-1"]})


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"models": {"id": ["a", "b"]}}, [(8, "a value for 'id' to replace")]),
        ({"start": date(9999, 12, 1)}, [(21, "a day that can be moved")]),
    ],
)
def test_what_the_plan_has_no_place_for_is_refused_there(wanted, told):
    assert refused(PREVIEW, **wanted) == told


def test_a_plan_without_a_title_or_a_day_has_none_to_change():
    text = PREVIEW.replace(", title: From a short list to everyone", "")
    assert refused(text, title="x") == [(6, "a value for 'title' to replace")]
    assert refused("metadata: {name: a}\nspec: {}\n", start=date(2027, 1, 1)) == [
        (2, "a day, which becomes the start")
    ]
    assert refused("[]") == [(1, "a value for 'name' to replace")]


def test_a_day_that_no_calendar_has_is_refused():
    assert refused(PREVIEW.replace("2026-08-01", "2026-08-32"), start=date(2027, 1, 1))


NAMES = st.text(max_size=20) | st.sampled_from(["null", "True", "5", "1.5", "~", "a: b", "- x", "#", "'"])


@given(NAMES, st.sampled_from(["name: my-model", 'name: "my-model"', "name: 'my-model'"]))
def test_any_name_is_written_as_the_text_that_it_is(name, written):
    text = PREVIEW.replace("name: my-model", written)
    if name.isprintable():
        assert document.read(made(text, name), "plan.yaml").value["metadata"]["name"] == name


def test_a_text_of_several_lines_is_replaced_whole():
    text = "metadata:\n  name: |\n    some\n    lines\n  developer: d\n"
    assert made(text) == "metadata:\n  name: gpt-6\n  developer: d\n"


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_days_that_move_and_move_back_are_as_they_were(start):
    there = made(PREVIEW, "my-model", start=start)
    assert made(there, "my-model", start=date(2026, 6, 24)) == PREVIEW
    assert (start + timedelta(days=38)).isoformat() in there


def test_what_a_preset_leaves_to_choose_is_listed_where_it_is():
    found = [
        (each.line, each.field, each.value)
        for each in renewal.choices(document.read(PREVIEW, "p"), presets.placeholders())
    ]
    assert found[:3] == [(6, "name", "my-model"), (6, "developer", "my-lab"), (9, "id", "my-model")]
    assert [value for _, field, value in found if field == "how"] == ["HOW THEY ASKED", "HOW IT WAS AGREED"]
    assert json.dumps([line for line, *_ in found]) == json.dumps(sorted(line for line, *_ in found))
