"""The kinds of fields that acts are asked with: each with its bounds."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from sluicegate.bounds import MARKS_MAX, PAYLOAD_DIGITS_MAX, SEARCH_MAX
from sluicegate_record.directives.names import NAME_MAX
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Codec, Json, Misread, Note, codec_of, shown
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import SALT_BYTES, Opening
from sluicegate_record.terms import dates
from sluicegate_record.terms.text import has_stack

PERSON_MAX = 64
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters that show as nothing."""


def text(least: int = 0, most: int = 4_000, pattern: str = "") -> Codec:
    """Text of `least` to `most` characters that has a pattern from its first to its last."""
    has = re.compile(pattern or r"(?s).*")
    said = f"text of {least} to {most} characters" + (f" with the pattern {pattern}" if pattern else "")

    def read(value: Json) -> str:
        if type(value) is not str or not least <= len(value) <= most or not has.fullmatch(value):
            raise Misread(said, shown(value))
        return value

    schema = {"type": "string", "minLength": least, "maxLength": most}
    return Codec(read, _same, schema | ({"pattern": f"^{pattern}$"} if pattern else {}))


def digest(count: int) -> Codec:
    """A digest of `count` bytes; lower-case hexadecimal digits in JSON."""
    digits = re.compile(f"[0-9a-f]{{{2 * count}}}")

    def read(value: Json) -> bytes:
        if type(value) is not str or not digits.fullmatch(value):
            raise Misread(f"a digest in {2 * count} lower-case hex digits", shown(value))
        return bytes.fromhex(value)

    return Codec(read, bytes.hex, {"type": "string", "pattern": f"^{digits.pattern}$"})


def some(item: Any, least: int, most: int) -> Codec:
    """A list of `least` to `most` items of a type."""
    codec = codec_of(tuple[item, ...])

    def read(value: Json) -> tuple[Any, ...]:
        if type(value) is list and not least <= len(value) <= most:
            raise Misread(f"{least} to {most} items", str(len(value)))
        found: tuple[Any, ...] = codec.read(value)
        return found

    return Codec(read, codec.write, {**codec.schema, "minItems": least, "maxItems": most})


def _word(value: Json) -> str:
    if type(value) is not str:
        raise Misread("text", shown(value))
    return value.replace(" ", "_")


def _days(value: Json) -> float:
    if type(value) not in {int, float}:
        raise Misread("a number", shown(value))
    return float(value)


def _day(value: Json) -> str:
    if type(value) is str and dates.is_date(value):
        return value
    raise Misread("a day such as 2026-06-12", shown(value))


def _same(value: Any) -> Any:
    return value


def _envelope(value: Json) -> Json:
    payload = value.get("payload") if type(value) is dict else None
    if type(payload) is str and len(payload) > PAYLOAD_DIGITS_MAX:
        raise Misread(
            f"a payload of at most {PAYLOAD_DIGITS_MAX} base64 digits", f"{len(payload)}", ("payload",)
        )
    return value


def _listed(value: Json) -> str:
    if type(value) is not str or len(value) > NAME_MAX or has_stack(value, MARKS_MAX):
        said = f"a name of at most {NAME_MAX} characters, and {MARKS_MAX} combining marks one after the other"
        raise Misread(said, shown(value))
    return value


def _person(value: Json) -> str:
    if type(value) is str and len(value) <= PERSON_MAX and not has_stack(value, MARKS_MAX):
        words = value.split(" ")
        if all(map(_is_word, words)) and value[0].isalnum():
            return value
    said = f"a name of 1 to {PERSON_MAX} letters, digits and .'’-, with one space between its words"
    raise Misread(said, shown(value))


def _is_word(word: str) -> bool:
    """Whether all of a word shows: a mark only after a letter, and no letter that fills a place."""
    kinds = [unicodedata.category(each)[0] for each in word]
    marks_follow = all(before in "LM" for before, kind in pairwise([" ", *kinds]) if kind == "M")
    shows = all(kind in "LMN" or each in ".'’-" for kind, each in zip(kinds, word, strict=True))
    return bool(word) and marks_follow and shows and not _FILLERS & set(word)


def _opening(value: Json) -> Opening:
    if type(value) is not dict or value.keys() != {"salt", "value"} or type(value["salt"]) is not str:
        raise Misread("an object of salt and value", shown(value))
    try:
        salt = canonical.unb64(value["salt"])
    except NotCanonical as error:
        raise Misread("base64", shown(value["salt"]), ("salt",)) from error
    if len(salt) != SALT_BYTES:
        raise Misread(f"a salt of {SALT_BYTES} bytes", f"{len(salt)}", ("salt",))
    return Opening(salt, canonical.dumps(value["value"]))


def opened_beside(opening: Opening) -> dict[str, Json]:
    """The opening of a commitment, in its form beside a statement: `{salt, value}`."""
    return {"salt": canonical.b64(opening.salt), "value": opening.value()}


_OPENING: dict[str, Json] = {
    "type": "object",
    "properties": {"salt": {"type": "string", "contentEncoding": "base64"}, "value": {}},
    "required": ["salt", "value"],
    "additionalProperties": False,
}
Identifier: TypeAlias = Annotated[str, text(1, 128)]
"""The name of something on the record."""
PLAIN_NAME = "[A-Za-z0-9._-]+"
PlainName: TypeAlias = Annotated[str, text(1, 64, PLAIN_NAME)]
PersonName: TypeAlias = Annotated[
    str, Codec(_person, _same, {"type": "string", "minLength": 1, "maxLength": PERSON_MAX})
]
"""What a person is called, in any script, without characters that do not show."""
ShortText: TypeAlias = Annotated[str, text(0, 64)]
FileName: TypeAlias = Annotated[str, text(0, 1_024)]
"""The name of a file, for messages about its text."""
ReleaseName: TypeAlias = Annotated[Identifier, Note("The release.")]
StageName: TypeAlias = Annotated[Identifier, Note("The stage.")]
SurfaceName: TypeAlias = Annotated[Identifier, Note("The surface, where the model is offered, such as api.")]
Day: TypeAlias = Annotated[str, Codec(_day, _same, {"type": "string", "format": "date"})]
ListedName: TypeAlias = Annotated[str, Codec(_listed, _same, {"type": "string", "maxLength": NAME_MAX})]
"""A name in a list: of an organization or a member."""
PartOfName: TypeAlias = Annotated[Annotated[str, text(0, SEARCH_MAX)] | None, Note("Part of a legal name.")]
SignedEnvelope: TypeAlias = Annotated[Json, Codec(_envelope, _same, {})]
"""A DSSE envelope whose payload fits into an entry."""
Word: TypeAlias = Annotated[str, Codec(_word, _same, {"type": "string"})]
"""A word such as `in_review`; also as it is printed, with spaces."""
Days: TypeAlias = Annotated[float, Codec(_days, _same, {"type": "number"})]
"""Days of 86,400 s, with two decimals."""
Opened: TypeAlias = Annotated[Opening, Codec(_opening, opened_beside, _OPENING)]
"""What opens a commitment in a signed statement: `{salt, value}`, beside the statement."""
