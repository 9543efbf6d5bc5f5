from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.bounds import DEPTH_MAX
from sluicegate.bounds import DOCUMENT_BYTES_MAX as BYTES_MAX
from sluicegate.core.terms import document
from sluicegate.core.terms.document import Fault
from sluicegate.errors import InvalidDocument, Place
from sluicegate_record.log import canonical


def value(text: str | bytes) -> Any:
    return document.read(text, "f.yaml").value


def places(text: str | bytes) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        document.read(text, "f.yaml")
    assert caught.value.at
    return list(caught.value.at)


# What a person wrote


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("[NO, no, No, on, off, yes, y, n]", ["NO", "no", "No", "on", "off", "yes", "y", "n"]),
        ("[true, True, TRUE, false, False, FALSE]", [True, True, True, False, False, False]),
        ("[tRUE, truey]", ["tRUE", "truey"]),
        ("[null, Null, NULL, ~]", [None, None, None, None]),
        ("a:", {"a": None}),
        ("[1, -1, +1, 010, 0]", [1, -1, 1, 10, 0]),
        ("[1_000, 0x10, 0o10, 1:30, 1e]", ["1_000", "0x10", "0o10", "1:30", "1e"]),
        ("[1.5, .5, 1., 1e3]", [1.5, 0.5, 1.0, 1000.0]),
        ("[.nan, .inf, -.inf]", [".nan", ".inf", "-.inf"]),
        ("2026-06-24", "2026-06-24"),
        ("2026-06-24T21:21:00Z", "2026-06-24T21:21:00Z"),
        ('["5", "true", "null", ""]', ["5", "true", "null", ""]),
        ("{NO: NO, 5: five, true: t}", {"NO": "NO", "5": "five", "true": "t"}),
        ("=", "="),
        ("{<<: a}", {"<<": "a"}),  # no merge: a name as any other
        ("- a\n- b\n", ["a", "b"]),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("# only a comment\n", None),
        ("", None),
        ("{}", {}),
        ("é: ü", {"é": "ü"}),
    ],
)
def test_yaml_1_2_core_schema(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert repr(found) == repr(expected)  # 1 is not True


plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER),
        st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.sampled_from("abcNO5-"), min_size=1, max_size=4), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(plain)
def test_json_is_read_as_json(given_value: Any) -> None:
    assert value(canonical.dumps(given_value)) == given_value


# Traps


@pytest.mark.parametrize(
    "text",
    [
        "&a x",
        "a: &a 1\nb: *a",
        "*a",
        "a: &a [*a]",
        "{<<: &base {a: 1}}",
        "a: &a {b: &b [1]}\nc: [*a, *a, *a]",
    ],
)
def test_anchors_and_aliases_are_refused(text: str) -> None:
    assert places(text)[0].expected == "no anchors and aliases"


@pytest.mark.parametrize(
    "text",
    [
        "!!str 5",
        "!!int '5'",
        "!!bool nonsense",
        "!!null something",
        "!!float 1",
        "!!binary aGk=",
        "!!timestamp 2026-06-24",
        "!local x",
        "! x",
        "!<tag:yaml.org,2002:str> x",
        "!!map {a: 1}",
        "!!seq [1]",
        "!local {a: 1}",
        "!local [1]",
        "!!set {a}",
        "!!omap [a: 1]",
        "!!python/object/apply:os.system ['true']",
        "a: !!str x",
        "!!str a: x",
        "%TAG !e! tag:example:\n--- !e!x y",
        "%TAG ! tag:yaml.org,2002:\n--- !str y",
    ],
)
def test_tags_are_refused(text: str) -> None:
    assert places(text)[0].expected == "no tags"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\na: 2\n", 2, 1),
        ("{a: 1, b: 2, a: 3}", 1, 14),
        ("a: 1\n'a': 2\n", 2, 1),
        ("5: 1\n'5': 2\n", 2, 1),
        ("a:\n  b: 1\n  b: 1\n", 3, 3),
        ("<<: 1\n<<: 2\n", 2, 1),
    ],
)
def test_a_key_twice_is_refused_where_it_stands_again(text: str, line: int, column: int) -> None:
    (place,) = places(text)
    assert (place.line, place.column, place.expected) == (line, column, "each key once")


@pytest.mark.parametrize("text", ["? [a]\n: 1", "{[a]: 1}", "? {a: b}\n: 1"])
def test_a_key_is_a_name(text: str) -> None:
    assert [place.expected for place in places(text)] == ["a name as key"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n\tb: 1\n", 2),
        ("a: [1, 2\nb: 3\n", 2),
        ("a: 'unclosed\n", 2),
        ("a: b: c\n", 1),
        ("- a\nb: c\n", 2),
        ("a: 1\n--- \nb: 2\n", 2),
        ("a\n...\nb\n", 3),
        ("%YAML 2.0\n---\na", 1),
        ("%YAML 1.1\n---\na", 1),  # in which NO is false
        ("}", 1),
        ("@a", 1),
        ('"\\q"', 1),
    ],
)
def test_what_is_not_one_yaml_document(text: str, line: int) -> None:
    (place,) = places(text)
    assert (place.file, place.line) == ("f.yaml", line)


@pytest.mark.parametrize(
    "text", ["\x00", "a: \x07", "a: \ud800", '"\\ud800"', "{'a': '\x1b'}", '{"\\udfff": 1}']
)
def test_what_is_no_text(text: str) -> None:
    places(text)


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"\xff", 1), (b"a: 1\nb: \xc3\x28\n", 2), ("é".encode("latin-1"), 1), ("a: b".encode("utf-16"), 1)],
)
def test_what_is_not_utf8(data: bytes, line: int) -> None:
    (place,) = places(data)
    assert (place.line, place.expected) == (line, "UTF-8")


def test_a_document_has_a_largest_size() -> None:
    assert value(b"#" * BYTES_MAX) is None
    assert "bytes" in places(b"#" * (BYTES_MAX + 1))[0].expected
    assert "bytes" in places("é" * (BYTES_MAX // 2 + 1))[0].expected


@pytest.mark.parametrize("levels", [DEPTH_MAX + 2, 200, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_document_has_a_greatest_depth(levels: int, opening: str) -> None:
    closing = {"[": "]", "{a: ": "}", "- ": "a"}[opening]
    text = (opening * levels)[: BYTES_MAX // 2] + closing * (1 if opening == "- " else levels)
    if levels < BYTES_MAX // 4:
        expected = f"at most {DEPTH_MAX} lists and mappings inside each other"
        assert places(text[:BYTES_MAX])[0].expected == expected
    else:
        places(text[:BYTES_MAX])


def test_depth_is_allowed_up_to_the_limit() -> None:
    assert value("[" * DEPTH_MAX + "a" + "]" * DEPTH_MAX)


@pytest.mark.parametrize("digits", [16, 17, 400, 5_000])
@pytest.mark.parametrize("sign", ["", "-", "+"])
def test_a_number_that_readers_round_is_refused(digits: int, sign: str) -> None:
    assert places(f"a: {sign}" + "9" * digits)[0].line == 1


def test_the_largest_number_that_every_reader_keeps() -> None:
    assert value("[9007199254740991, -9007199254740991]") == [2**53 - 1, 1 - 2**53]
    assert len(places("[9007199254740992, -9007199254740992]")) == 2


# Places


def test_every_fault_has_the_place_where_it_stands() -> None:
    read = document.read("a:\n  b: [1, 2]\n  c: 3\n", "f.yaml")
    assert read.place(Fault(("a", "b", 1), "x", "y")) == Place("f.yaml", 2, 10, "x", "y")
    assert read.place(Fault(("a", "c"), "x", "y")) == Place("f.yaml", 3, 3, "x", "y")
    assert read.place(Fault(("a", "missing", "deep"), "x", "y")) == Place("f.yaml", 1, 1, "x", "y")
    assert read.place(Fault((), "x", "y")) == Place("f.yaml", 1, 1, "x", "y")


def test_columns_count_code_points() -> None:
    read = document.read("é𝒳: {b: 1}", "f.yaml")
    assert read.place(Fault(("é𝒳", "b"), "x", "y")).column == 6


def test_faults_are_told_once_and_in_the_order_of_the_document() -> None:
    read = document.read("a: 1\nb: 2\n", "f.yaml")
    faults = [Fault(("b",), "x", "y"), Fault(("a",), "x", "y"), Fault(("b",), "x", "y")]
    error = read.refuse(faults)
    assert [place.line for place in error.at] == [1, 2]
    assert "2 errors" in error.message


def test_all_faults_of_a_document_are_told_at_once() -> None:
    found = places("a: 1\na: 2\n? [x]\n: 3\nb: {c: 1, c: 2}\n")
    assert [(place.line, place.expected) for place in found] == [
        (2, "each key once"),
        (3, "a name as key"),
        (5, "each key once"),
    ]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        document.read(data, "f.yaml")
    except InvalidDocument as error:
        assert error.at  # noqa: PT017 - both ends are right


@given(st.text(st.sampled_from("ab:-[]{},&*!|>'\"%@#?\n \t~0159.<\\u"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document.read(text, "f.yaml")
    except InvalidDocument as error:
        assert error.at  # noqa: PT017 - both ends are right


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("spec", "stages", 0, "seats"), "spec.stages[one].seats"),
        (("spec", "stages", 1, "seats"), "spec.stages[1].seats"),
        (("spec", "models", 0), "spec.models[m-1]"),
        (("spec", "models", 7, "digest"), "spec.models[7].digest"),
        (("a\ud800\n",), "'a\\ud800\\n'"),
        (("x" * 1000, "y"), "'" + "x" * 76 + "\\u2026.y"),
        ((), ""),
    ],
)
def test_a_field_is_named_as_its_document_has_it(path: tuple[str | int, ...], field: str) -> None:
    stages = [{"name": "one"}, {"name": "no word\n"}]
    value = {"spec": {"stages": stages, "models": [{"id": "m-1"}]}}
    assert document.read(json.dumps(value), "plan.yaml").field(path) == field
    assert field.isascii()
