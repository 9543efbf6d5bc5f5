"""A value of the wrong type, anywhere in what people write, is refused in words, without a class's name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluicegate.core.directives import directive
from sluicegate.core.people import application
from sluicegate.core.terms import document, plan, trust
from sluicegate.errors import InvalidDocument, Place
from tests.core.terms.test_trust import key

ROOT = Path(__file__).parents[3]
WRONG: tuple[Any, ...] = (5, "text", True, 0.5, [], {}, [7], {"x": 1})
ABOUT_CLASSES = re.compile(
    r"instance of|valid dictionary|[a-z][A-Z]?\w*(Written|Pinned|Declared|Spec\b)|\b_?[A-Z]\w+[A-Z]\w*Spec"
)


def example(name: str) -> Any:
    return yaml.safe_load((ROOT / "examples" / name).read_text())


def written_plan() -> Any:
    """The worked plan of the reference, which has almost every field."""
    text = (ROOT / "docs" / "reference" / "plan.md").read_text()
    return yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])


def trust_file() -> Any:
    owners = {"owners": {"oncd": key("a"), "oncd-second": key("b")}}
    spec = {"officers": {"officer": key("c")}, "agencies": {"oncd": owners, "ostp": key("d")}}
    return {"apiVersion": "sluicegate/v1", "kind": "Trust", "metadata": {"developer": "openai"}, "spec": spec}


KINDS: dict[str, tuple[Callable[[], Any], Callable[[document.YamlDocument], Any]]] = {
    "plan": (written_plan, plan.read),
    "trust file": (trust_file, trust.read),
    "directive": (lambda: example("suspend-gpt-5.6.yaml"), directive.read),
    "organization": (lambda: example("example-security-team.yaml"), application.read),
}


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, by the way to it."""
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield from spots(child, (*path, step))


def instead(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    changed = copy.deepcopy(value)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = wrong
    return changed


def faults(kind: str, path: tuple[Any, ...], wrong: Any) -> list[Place]:
    made, read = KINDS[kind]
    try:
        read(document.read(json.dumps(instead(made(), path, wrong)), "file.yaml"))
    except InvalidDocument as error:
        return list(error.at)
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_names_a_class(kind: str) -> None:
    found = 0
    for path in spots(KINDS[kind][0]()):
        for wrong in WRONG:
            for place in faults(kind, path, wrong):
                found += 1
                assert not ABOUT_CLASSES.search(place.expected), (path, wrong, place)
    assert found > 20


@pytest.mark.parametrize(
    ("path", "wrong", "expected"),
    [
        (("spec", "stages", 0, "basis"), 3, "fields, such as 'kind: …, askedBy: …'"),
        (("spec", "models", 0), "gpt", "fields, such as 'id: …, upstream: …'"),
        (("spec", "agencies"), 5, "names with values, such as 'name: …'"),
        (("spec", "surfaces"), "api", "a list, such as [a, b]"),
        (("spec", "announced"), "maybe", "true or false"),
        (("spec", "leaseMs"), "x", "a whole number"),
        (("spec", "leaseMs"), 60_001, "60000 or less"),
        (("spec", "stages", 0, "name"), 5, "text"),
        (("spec", "stages"), [], "at least 1 of them"),
    ],
)
def test_a_wrong_type_says_what_was_expected_in_words(
    path: tuple[Any, ...], wrong: Any, expected: str
) -> None:
    assert expected in [place.expected for place in faults("plan", path, wrong)]
