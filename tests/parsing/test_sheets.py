"""Sheets in what acts are asked with: a form may leave out whose its rows are, and a program may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import directives, releases
from sluicegate.acts.act import AnyAct
from sluicegate.core.directives import annex
from sluicegate.errors import InvalidInput
from sluicegate.http.asking import SEE
from sluicegate.parsing import job
from sluicegate.parsing.request import ActRequest, written
from sluicegate_record.log import canonical
from tests.worlds import plan_value, stage

SHEET, NAMES = "organization\nA Utility\n", ["A Utility"]


def order(*annexes: str) -> str:
    stated = {name: {"file": f"{name}.csv", "digest": "sha256:" + 64 * "0"} for name in annexes}
    return json.dumps(
        {
            "apiVersion": "sluicegate/v1",
            "kind": "Directive",
            "metadata": {"name": "by-list"},
            "spec": {
                "issuer": "oncd",
                "basis": {"kind": "order", "authority": "a letter"},
                "action": "suspend",
                "models": ["m"],
                "surfaces": "all",
                **(
                    {"covers": {"annexes": [*annexes]}, "annexes": stated}
                    if annexes
                    else {"covers": "everyone"}
                ),
                "reasons": {"form": "none"},
            },
        }
    )


def plan(*files: str) -> str:
    stages = [
        stage(
            f"listed-{i}",
            audience={"organizations": file},
            admission={"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}},
            basis={"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"},
        )
        for i, file in enumerate(files)
    ]
    return json.dumps(plan_value("listed", models=("m",), stages=stages or [stage("preview")]))


KINDS: list[tuple[AnyAct, str, Any, Any]] = [
    (directives.PREVIEW, "annexes", order, {"organizations": NAMES}),
    (releases.PREVIEW, "lists", plan, NAMES),
]
kinds = pytest.mark.parametrize(("act", "key", "text", "names"), KINDS)


def asked(act: AnyAct, **said: Any) -> Any:
    """What a form asks an act with, as it is read."""
    return job.read(*written(act, said)).arguments.to_json()


@kinds
def test_a_sheet_may_leave_out_whose_it_is_where_that_can_only_be_one(
    act: AnyAct, key: str, text: Any, names: Any
) -> None:
    assert asked(act, text=text("one"), **{key: SHEET})[key] == {"one": names}
    for stated, expected in (((), f"refers to no {key}"), (("one", "two"), "each row is: one, two")):
        with pytest.raises(InvalidInput, match=expected) as caught:
            asked(act, text=text(*stated), **{key: SHEET})
        assert [each.file for each in caught.value.at] == [key]


@kinds
def test_a_program_says_whose_each_list_is(act: AnyAct, key: str, text: Any, names: Any) -> None:
    said = {"text": text("one"), key: {"": names}}
    head = ActRequest(act=act.name, path={}, query="", content_type="application/json", remedy=SEE)
    read = job.read(head, canonical.dumps(said))
    assert read.arguments.to_json()[key] == {"": names}
    assert read.reading is not None
    if key == "lists":
        assert read.reading.fault is not None
    else:
        with pytest.raises(InvalidInput):
            annex.checked(read.reading.required(), {"": names})
    with pytest.raises(InvalidInput, match=f"{key}: expected an object") as caught:
        job.read(head, canonical.dumps({**said, key: SHEET}))
    assert caught.value.remedy == SEE
    assert asked(act, **said)[key] == {"": names}
