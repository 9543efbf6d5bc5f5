"""What is made without a constructor is what a constructor makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from sluicegate_record import maker
from sluicegate_record.maker import Step, replace

SHARED: Mapping[str, Any] = {}


class Missing(Exception):
    """An object that has not what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    name: str
    count: int = 3
    tags: list[str] = field(default_factory=list)
    found: str | None = field(default=None, init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubled:
    count: int
    twice: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.count)


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Made(Thing):
    pass


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Counted(Doubled):
    shared: Mapping[str, Any] = field(default_factory=maker.Shared(SHARED))


for each in (Made, Counted):
    each.__init__ = maker.constructor(each)  # type: ignore[method-assign]
STEPS = (Step("theName", "name", str.upper), Step("count", "count", int, (int,)))


def read(value: Mapping[str, Any]) -> Thing:
    return maker.reader(Thing, STEPS, lambda given: Missing(sorted(given)), ValueError)(value)


def test_a_field_is_read_from_its_key_and_another_is_what_it_is_by_default() -> None:
    assert read({"theName": "a", "count": 7}) == Thing(name="A", count=7)
    assert read({"theName": "a"}) == Thing(name="A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    name: str
    more: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict)


def test_a_field_gets_what_no_step_reads_and_another_gets_the_object() -> None:
    read = maker.reader(Whole, STEPS[:1], Missing, ValueError, rest="more", source="whole")
    given = {"theName": "a", "count": 7}
    assert read(given) == Whole(name="A", more={"count": 7}, whole=given)
    assert read(given).whole is given
    assert read({"theName": "a"}).more == {}


@pytest.mark.parametrize("value", [None, "theName", ["theName"], 7])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(Missing) as caught:
        maker.reader(Thing, STEPS, Missing, ValueError)(value)
    assert caught.value.args == (value,)


def test_a_value_that_is_exactly_of_the_kind_is_not_read() -> None:
    assert read({"theName": "a", "count": "7"}).count == 7
    assert read({"theName": "a", "count": True}).count == 1
    assert type(read({"theName": "a", "count": True}).count) is int


def test_reading_is_asked_only_for_values_of_other_kinds() -> None:
    asked: list[object] = []

    def count(value: object) -> int:
        asked.append(value)
        return 0

    read = maker.reader(Thing, (STEPS[0], Step("count", "count", count, (int,))), Missing, ValueError)
    assert read({"theName": "a", "count": 7}).count == 7
    assert asked == []
    assert read({"theName": "a", "count": True}).count == 0
    assert asked == [True]


def test_two_things_never_share_what_is_made_fresh() -> None:
    one, other = read({"theName": "a"}), read({"theName": "a"})
    one.tags.append("x")
    assert other.tags == []


@pytest.mark.parametrize("value", [{"count": 7}, {"theName": "a", "count": "seven"}])
def test_what_cannot_be_read_is_refused_with_what_was_given(value: dict[str, Any]) -> None:
    with pytest.raises(Missing) as caught:
        read(value)
    assert caught.value.args == (sorted(value),)


def test_another_error_of_a_step_goes_through() -> None:
    with pytest.raises(TypeError):
        read({"theName": 7})


def test_a_copy_is_what_the_standard_library_makes() -> None:
    thing = Thing(name="a", tags=["x"])
    object.__setattr__(thing, "found", "here")
    assert replace(thing, count=9) == dataclasses.replace(thing, count=9)
    assert replace(thing).tags is thing.tags
    assert replace(Doubled(count=1), count=4) == Doubled(count=4)
    assert thing.count == 3


def test_what_is_made_is_of_its_class_and_frozen() -> None:
    made = Made(name="a")
    for thing in (made, read({"theName": "a"}), replace(made, count=9)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.name = "b"  # type: ignore[misc]
    assert type(made) is type(replace(made)) is Made
    assert type(read({"theName": "a"})) is Thing


def test_a_constructor_is_as_the_standard_library_writes_it() -> None:
    for given in ({"name": "a"}, {"name": "a", "count": 7, "tags": ["x"]}):
        assert dataclasses.asdict(Made(**given)) == dataclasses.asdict(Thing(**given))
    assert Made(name="a").tags is not Made(name="b").tags
    assert Counted(count=3).twice == 6
    assert Counted(count=3).shared is Counted(count=4).shared is SHARED
    for wrong in ({}, {"name": "a", "found": "x"}, {"name": "a", "size": 1}):
        with pytest.raises(TypeError):
            Made(**wrong)


def test_a_change_of_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="Thing has no field 'size'"):
        replace(Thing(name="a"), size=1)  # type: ignore[call-arg]
