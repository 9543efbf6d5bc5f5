from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.core.people import application
from sluicegate.core.terms import document
from sluicegate.errors import InvalidDocument


def read(value: Any) -> dict[str, Any]:
    return application.read(document.read(value if isinstance(value, str) else json.dumps(value), "o.yaml"))


def test_an_organization_is_read_as_written() -> None:
    text = "name: Example Utility\nregisteredIn: NO\nintendedUse: review\n"
    assert read(text) == {"name": "Example Utility", "registeredIn": "NO", "intendedUse": "review"}
    assert read("{name: A, registeredIn: US}") == {"name": "A", "registeredIn": "US"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "Example Utility",
        {},
        {"name": "A"},
        {"registeredIn": "US"},
        {"name": "", "registeredIn": "US"},
        {"name": "A" * 501, "registeredIn": "US"},
        {"name": 5, "registeredIn": "US"},
        {"name": "A\x1b[2J", "registeredIn": "US"},
        {"name": "A\u202eB", "registeredIn": "US"},
        {"name": "A\u200bB", "registeredIn": "US"},
        {"name": "A\u2028B", "registeredIn": "US"},
        {"name": "A\u2029B", "registeredIn": "US"},
        {"name": "A", "registeredIn": "US", "intendedUse": "a\nb"},
        {"name": "A", "registeredIn": "us"},
        {"name": "A", "registeredIn": "USA"},
        {"name": "A", "registeredIn": False},
        {"name": "A", "registeredIn": ["US"]},
        {"name": "A", "registeredIn": "US", "passport": "x"},  # no documents are collected
        {"name": "A", "registeredIn": "US", "intendedUse": ""},
    ],
)
def test_what_is_no_organization(value: Any) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read(value)
    assert caught.value.at


def test_every_error_is_told_at_once_where_it_stands() -> None:
    with pytest.raises(InvalidDocument) as caught:
        read("name: 5\nregisteredIn: usa\nage: 3\n")
    assert [place.line for place in caught.value.at] == [1, 2, 3]
