"""The answers of the demonstration upstream: a function of only the question and the pace.

It repeats the last words of the user and then counts, so that a lost, doubled or reordered piece shows. If it
gets a tool, it calls it. If it gets a tool's result, it repeats that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demo.upstream_pace import Pace
from demo.upstream_reply import encode, spans, token_count
from sluicegate.errors import InvalidInput

_COUNTING = "".join(f" {number}" for number in range(1, 1000))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the caller offers, with the JSON schema of its arguments."""

    name: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Question:
    """The question in a conversation; `tool_result` is set if it ends with one."""

    text: str
    tool_result: str | None = None
    tool: Tool | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """An answer in words."""

    pieces: Sequence[str]

    @property
    def whole(self) -> str:
        """The text of all pieces."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """How many tokens this upstream says the answer has."""
        return len(self.pieces)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; the pieces together are its arguments, a JSON object."""

    name: str
    pieces: Sequence[str]
    arguments: Mapping[str, object]

    @property
    def whole(self) -> str:
        """The arguments as JSON."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """How many tokens this upstream says the answer has."""
        return token_count(len(self.whole))


def answer(question: Question, pace: Pace) -> Text | ToolCall:
    """Return the answer in at most `pace.chunks` pieces; text without a set size has exactly that number."""
    if question.tool_result is not None:
        return _text(f"The tool returned: {question.tool_result}", pace)
    if question.tool is not None:
        arguments = _arguments(question.tool.schema, question.text)
        return ToolCall(question.tool.name, _slices(encode(arguments).decode(), pace.chunks), arguments)
    return _text(f"You said: {question.text}", pace)


def turns(body: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """Return the conversation in a body's field `name`.

    Raises: InvalidInput: not a list of one object or more.
    """
    found = body.get(name)
    if isinstance(found, list) and found and all(isinstance(turn, dict) for turn in found):
        return found
    raise InvalidInput(f"{name!r} is not a list of one object or more")


def last_said(conversation: Sequence[Mapping[str, object]]) -> str:
    """Return the text of the user's last turn; empty without one."""
    said = (turn for turn in reversed(conversation) if turn.get("role") == "user")
    return text_of(next(said, {}).get("content"))


def text_of(content: object) -> str:
    """Return the text of a message's `content`: a string, or a list of parts of which some have text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _text(sentence: str, pace: Pace) -> Text:
    if pace.text_bytes is None:
        return Text(_words(sentence, pace.chunks))
    return Text(_slices(_sized(sentence, pace.text_bytes), pace.chunks))


def _words(sentence: str, chunks: int) -> list[str]:
    first, *others = sentence.split(" ")
    words = [first, *(f" {word}" for word in others)]
    words += [f" {number}" for number in range(1, chunks - len(words) + 1)]
    return words if len(words) == chunks else _runs(words, chunks)


def _runs(words: Sequence[str], chunks: int) -> list[str]:
    return ["".join(words[start:end]) for start, end in spans(len(words), chunks)]


def _slices(text: str, chunks: int) -> list[str]:
    return [text[start:end] for start, end in spans(len(text), chunks) if start < end]


def _sized(sentence: str, size: int) -> str:
    """Return the sentence as exactly `size` bytes of UTF-8: longer by counting, or cut between characters."""
    content = sentence.encode("utf-8", "replace")
    content += _COUNTING.encode() * (max(0, size - len(content)) // len(_COUNTING) + 1)
    text = content[:size].decode("utf-8", "ignore")
    return text + "." * (size - len(text.encode()))


def _arguments(schema: Mapping[str, object], text: str) -> dict[str, object]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return {"text": text}
    return {str(name): _argument(value, text) for name, value in properties.items()}


def _argument(schema: object, text: str) -> object:
    """Return a value that fits a schema of one of the simple types, derived from the text."""
    if not isinstance(schema, dict):
        return text
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    values: dict[object, object] = {
        "integer": len(text),
        "number": len(text) / 2,
        "boolean": True,
        "array": [],
        "object": {},
        "null": None,
    }
    kind = schema.get("type")
    return values.get(kind if isinstance(kind, str) else "string", text)
