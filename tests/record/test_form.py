"""Forms: every kind of field, what it refuses, and where it says that the fault is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate_record import form as forms
from sluicegate_record.entries.closures import (
    ReleaseReport,
    ReportedDirective,
    ReportedPromises,
    ReportedStage,
)
from sluicegate_record.errors import VerificationFailed
from sluicegate_record.form import (
    ABSENT,
    Absent,
    Base64,
    Form,
    Hex,
    Json,
    Key,
    Misread,
    Note,
    Time,
    Verbatim,
    codec_of,
    form,
    shape_of,
    shown,
)

TIME, AT_MS = "2026-06-12T21:21:00.000Z", 1_781_299_260_000


@dataclass(frozen=True)
class Even:
    """A class of its own: anything with `from_json` and `to_json`."""

    number: int
    SCHEMA: ClassVar = {"type": "integer", "multipleOf": 2}

    @classmethod
    def from_json(cls, value: object) -> Self:
        if type(value) is not int or value % 2:
            raise VerificationFailed("an odd number")
        return cls(value)

    def to_json(self) -> int:
        return self.number


@form
class Inner(Form):
    """A form within another."""

    word: str
    number: int = 0


@form
class Kept(Verbatim):
    """A form that keeps what it was read from."""

    word: str
    more: str = ""


@form
class Outer(Form):
    """Every kind of field."""

    text: str
    number: int
    flag: bool
    anything: Json
    at_ms: Time
    maybe: str | None
    word: Literal["one", "two", 3, True]
    digest: Hex
    key: Base64
    inner: Inner
    even: Even
    listed: tuple[Inner, ...]
    some: frozenset[str]
    by_name: Mapping[str, int]
    class_: Annotated[str, Key("theClass"), Note("named otherwise")]
    left_out: str | Absent | None = ABSENT
    until_ms: Time | None = None
    two_words: tuple[str, ...] = ()
    fresh: Mapping[str, int] = field(default_factory=dict)


JSON: dict[str, Json] = {
    "text": "é",
    "number": -7,
    "flag": False,
    "anything": {"x": [None, 1]},
    "at": TIME,
    "maybe": None,
    "word": "two",
    "digest": "00ff",
    "key": "AP8=",
    "inner": {"word": "w"},
    "even": 4,
    "listed": [{"word": "a", "number": 1}, {"word": "b"}],
    "some": ["a", "b"],
    "byName": {"x": 1},
    "theClass": "c",
}


def test_a_field_of_every_kind_is_read() -> None:
    found = Outer.from_json(JSON)
    assert (found.text, found.number, found.flag, found.anything) == ("é", -7, False, {"x": [None, 1]})
    assert (found.at_ms, found.maybe, found.word) == (AT_MS, None, "two")
    assert (found.digest, found.key) == (b"\x00\xff", b"\x00\xff")
    assert (found.inner, found.even) == (Inner(word="w"), Even(4))
    assert found.listed == (Inner(word="a", number=1), Inner(word="b"))
    assert (found.some, found.by_name, found.class_) == (frozenset({"a", "b"}), {"x": 1}, "c")
    assert (found.left_out, found.until_ms, found.two_words, found.fresh) == (ABSENT, None, (), {})
    assert not found.unknown


def test_what_was_read_is_written_the_same() -> None:
    full = {**JSON, "leftOut": None, "until": TIME, "twoWords": ["x"], "fresh": {"y": 2}}
    for value in (JSON, full):
        assert Outer.from_json(value).to_json() == value


def test_a_default_is_not_written_and_a_field_without_one_always() -> None:
    given = {**JSON, "until": None, "twoWords": [], "fresh": {}}
    assert Outer.from_json(given).to_json() == JSON
    assert Inner.from_json({"word": "w", "number": 0}).to_json() == {"word": "w"}
    assert replace(Outer.from_json(JSON), left_out=None).to_json()["leftOut"] is None


@pytest.mark.parametrize("key", JSON)
def test_a_field_without_a_default_is_needed(key: str) -> None:
    value = {name: each for name, each in JSON.items() if name != key}
    with pytest.raises(Misread, match=f"expected the field '{key}', found none"):
        Outer.from_json(value)


WRONG: dict[str, list[Any]] = {
    "text": [None, 1, True, b"x", ["x"], {}],
    "number": [None, "1", True, 1.0, [1]],
    "flag": [None, 0, 1, "true", []],
    "at": [None, 5, "", "2026-06-12", "2026-06-12T21:21:00Z", TIME + " ", [TIME]],
    "maybe": [1, False, ["x"], {}],
    "word": [None, "three", "", 1, 0, False, ["one"], {"one": 1}],
    "digest": [None, "", "0", "0F", "zz", " 00", "00 ff", 7, b"\x00", ["00"]],
    "key": [None, "A", "AP8", "AP9=", "A\nP8=", 7, ["AP8="]],
    "inner": [None, [], "w", {}, {"word": 1}, {"word": "w", "number": "1"}],
    "even": [None, 3, "4", True],
    "listed": [None, {}, "x", [1], [{"word": "a"}, {}], [None]],
    "some": [None, "ab", {"a": 1}, [1], ["a", None]],
    "byName": [None, [], "x", {"x": "1"}, {"x": None}],
    "theClass": [None, 1],
    "leftOut": [1, {}, []],
    "until": [5, "", "soon"],
    "twoWords": [None, "x", [1], {}],
    "fresh": [None, [], {"x": True}],
}


@pytest.mark.parametrize(
    ("key", "wrong"), [(key, each) for key, some in WRONG.items() for each in some], ids=repr
)
def test_a_value_of_another_kind_is_refused_and_its_field_named(key: str, wrong: Any) -> None:
    with pytest.raises(Misread) as caught:
        Outer.from_json({**JSON, key: wrong})
    assert caught.value.path[0] == key
    assert caught.value.message.startswith(key)
    assert caught.value.expected
    assert caught.value.found


def test_every_kind_of_field_has_wrong_values_above() -> None:
    assert WRONG.keys() == {each.key for each in shape_of(Outer).fields} - {"anything"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner": {"word": 7}}, "inner.word: expected text, found 7"),
        ({"listed": [{"word": "a"}, {"word": None}]}, "listed.1.word: expected text, found None"),
        ({"listed": [{"word": "a"}, {}]}, "listed.1: expected the field 'word', found none"),
        ({"some": ["a", 2]}, "some.1: expected text, found 2"),
        ({"byName": {"x": 1, "y": []}}, "byName.y: expected a whole number, found []"),
        ({"even": 3}, "even: expected an odd number, found 3"),
        ({"word": "three"}, "word: expected one or two or 3 or True, found 'three'"),
        ({"at": "soon"}, f"at: expected a time such as {TIME}, found 'soon'"),
        ({"key": "A"}, "key: expected "),
    ],
)
def test_a_message_says_where_what_was_expected_and_what_was_found(
    changes: dict[str, Json], message: str
) -> None:
    with pytest.raises(Misread) as caught:
        Outer.from_json({**JSON, **changes})
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("value", [None, [], "x", 1, True, [("text", "x")]])
def test_what_is_no_object_is_no_form(value: Any) -> None:
    with pytest.raises(Misread, match="expected an object, found "):
        Outer.from_json(value)


def test_misreading_is_malformed_input() -> None:
    error = Misread("text", "7", ("a", 0))
    assert isinstance(error, InvalidInput)
    assert (error.code, error.message) == ("misread", "a.0: expected text, found 7")
    assert error.within("b").path == ("b", "a", 0)
    assert Misread("text", "7").message == "expected text, found 7"


def test_a_long_value_is_cut_in_a_message() -> None:
    assert shown("x" * 10) == repr("x" * 10)
    assert len(shown("x" * 1_000)) == 80
    assert shown("x" * 1_000).endswith("…")


# What is not known


def test_what_a_form_does_not_know_is_kept_and_written_back() -> None:
    given = {**JSON, "later": {"x": 1}, "inner": {"word": "w", "also": None}}
    found = Outer.from_json(given)
    assert found.unknown == {"later": {"x": 1}}
    assert found.inner.unknown == {"also": None}
    assert found.to_json() == given
    assert replace(found, text="other").to_json() == {**given, "text": "other"}


@pytest.mark.parametrize("name", ["unknown", "at_ms", "by_name", "class_", "class"])
def test_the_name_of_an_attribute_is_not_the_key_of_a_field(name: str) -> None:
    assert Outer.from_json({**JSON, name: "x"}).unknown == {name: "x"}


def test_two_that_differ_in_what_is_not_known_are_not_equal() -> None:
    assert Inner.from_json({"word": "w", "also": 1}) != Inner.from_json({"word": "w"})
    assert Inner.from_json({"word": "w"}) == Inner(word="w")


# What is kept as it came


def test_a_form_that_keeps_its_json_writes_that() -> None:
    given = {"more": "", "word": "w", "later": 1}
    found = Kept.from_json(given)
    assert list(found.to_json()) == ["more", "word", "later"]
    assert found.source == given
    assert Kept(word="w").to_json() == {"word": "w"}


def test_two_that_were_read_from_other_json_are_not_equal() -> None:
    assert Kept.from_json({"word": "w"}) == Kept(word="w")
    assert Kept.from_json({"word": "w", "more": ""}) != Kept(word="w")


# The class itself


def test_a_form_is_frozen_and_made_by_keyword() -> None:
    found = Inner(word="w")
    with pytest.raises((FrozenInstanceError, AttributeError)):
        found.word = "other"  # type: ignore[misc]
    anyhow: Any = Inner
    with pytest.raises(TypeError):
        anyhow("w")
    assert hash(found) == hash(Inner(word="w"))


def test_keys_are_the_names_in_camel_case_without_their_units() -> None:
    keys = {each.name: each.key for each in shape_of(Outer).fields}
    assert (keys["two_words"], keys["at_ms"], keys["until_ms"]) == ("twoWords", "at", "until")
    assert keys["class_"] == "theClass"
    notes = {each.key: each.note for each in shape_of(Outer).fields if each.note}
    assert notes == {"theClass": "named otherwise"}
    assert shape_of(Outer) is shape_of(Outer)


def test_the_schema_says_what_is_read() -> None:
    schema = forms.schema(Outer)
    assert schema["required"] == list(JSON)
    properties = schema["properties"]
    assert properties["text"] == {"type": "string"}
    assert properties["maybe"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert properties["word"] == {"enum": ["one", "two", 3, True]}
    assert properties["inner"] == {"$ref": "#/$defs/test_form.Inner"}
    assert properties["even"] == {"type": "integer", "multipleOf": 2}
    assert properties["listed"] == {"type": "array", "items": {"$ref": "#/$defs/test_form.Inner"}}
    assert properties["byName"] == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert properties["anything"] == {}


def test_a_union_is_of_one_type_and_none() -> None:
    with pytest.raises(AssertionError):
        codec_of(int | str)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
outers = st.builds(
    Outer,
    text=words,
    number=st.integers(-9, 9),
    flag=st.booleans(),
    anything=st.none() | words,
    at_ms=st.integers(0, 10**13),
    maybe=st.none() | words,
    word=st.sampled_from(["one", "two", 3, True]),
    digest=st.binary(min_size=1, max_size=4),
    key=st.binary(max_size=4),
    inner=st.builds(Inner, word=words, number=st.integers(0, 2), unknown=st.just({})),
    even=st.builds(Even, st.sampled_from([0, 2])),
    listed=st.lists(st.builds(Inner, word=words, unknown=st.just({}))).map(tuple),
    some=st.frozensets(words, max_size=3),
    by_name=st.dictionaries(words, st.integers(0, 9), max_size=2),
    class_=words,
    left_out=st.just(ABSENT) | st.none() | words,
    until_ms=st.none() | st.integers(0, 10**13),
    two_words=st.lists(words, max_size=2).map(tuple),
    fresh=st.dictionaries(words, st.integers(0, 9), max_size=2),
    unknown=st.dictionaries(st.sampled_from(["later", "also"]), words, max_size=2),
)


@given(outers)
def test_any_form_reads_back(made: Outer) -> None:
    assert Outer.from_json(made.to_json()) == made


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | words, lambda c: st.lists(c) | st.dictionaries(words, c)
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for given_ in (value, {**JSON, "inner": value}, {**JSON, "listed": value}, {**JSON, "even": value}):
        try:
            Outer.from_json(given_)
        except Misread:
            continue


def test_no_form_that_is_written_as_one_object_has_two_fields_of_one_key() -> None:
    for each in (ReportedDirective, ReportedStage, ReportedPromises, ReleaseReport):
        keys = [found.key for found in shape_of(each).fields]
        assert len(keys) == len(set(keys)), each
