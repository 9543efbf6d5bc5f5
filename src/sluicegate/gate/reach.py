"""What a body reaches for beyond its own request: state that the model's server keeps, other models, other
servers. `programmes` reads which programmes it asks for.

Rules:
- Pure: a parsed body in, the path of a field out. Nothing that a body says is quoted but the names of its
  fields.
- All customers share one account at a model's server, unless the operator gave each its own. So a name of
  something stored there could be another customer's: it is state, wherever the APIs put such names.
- A field that makes another server, or the same one, answer with another model than the one decided is never
  forwarded, whatever the account.
- What people, tools and schemas say is free: a property `file_id` of a tool's schema, or of its arguments, is
  no state.
- A name in other case, with spaces or with what does not show counts, also of a field by which others are
  found: some servers read names so.
- The cost is that of the body: where a field is becomes a text only once it is found, and a short one.

Sources: the request types of openai 3.54 and anthropic 2.12 (state); openrouter.ai's reference of
chat completions (`models`, `route`, `provider`, `preset`); LiteLLM's proxy documentation (the others).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from sluicegate.gate import programmes
from sluicegate.gate.spelling import folded
from sluicegate_record.terms.programmes import FIELD

ROUTING = frozenset(
    {
        "models",
        "route",
        "provider",
        "preset",
        "fallbacks",
        "fallback_models",
        "context_window_fallbacks",
        "content_policy_fallbacks",
        "model_list",
        "custom_llm_provider",
        "api_base",
        "base_url",
        "api_key",
        "engine",
        "deployment_id",
        "extra_body",
        "extra_headers",
        "extra_query",
    }
)
"""Top-level fields by which some servers choose another model, server or account."""

STORED = frozenset({"conversation", "previous_response_id", "container", "thread", "prompt"})
"""Top-level fields that may name what the model's server keeps. `prompt` does if it is an object."""

LISTS = frozenset({"input", "tools"})
"""Top-level fields whose items are looked at."""

JUDGES = frozenset({"moderation"})
"""Top-level fields that may have the model of a second opinion on what is said."""

_NAMED = frozenset(
    {
        "file_id",
        "file_ids",
        "vector_store_id",
        "vector_store_ids",
        "container_id",
        "skill_id",
        "memory_store_id",
        "memory_store_ids",
        "conversation_id",
        "thread_id",
        "assistant_id",
        "prompt_id",
        "previous_response_id",
        "previous_message_id",
        "comparison_response_id",
    }
)
"""Fields whose value is the name of something kept, at any depth."""
_HELD = frozenset({"container", "audio", "voice"})
"""Fields that name something kept if they are, or have, an `id`; at any depth."""
_DEEP = _NAMED | _HELD
LOOKED_FOR = _DEEP | programmes.SPELLINGS | {FIELD}
"""Fields that may name something kept, or programmes, in an object anywhere in a body."""

_FREE = frozenset(
    {
        "parameters",
        "input_schema",
        "output_schema",
        "schema",
        "arguments",
        "input_examples",
        "metadata",
        "client_metadata",
        "annotations",
        "citations",
        "logit_bias",
    }
)
"""Fields whose content is the caller's own, or an echo that no server looks up."""
_BY_ID: Mapping[str, tuple[str, ...]] = {
    "reasoning": ("encrypted_content", "content"),
    "compaction": ("encrypted_content",),
    "image_generation_call": ("result",),
    "web_search_call": ("action",),
    "file_search_call": ("results",),
}
"""Items of a Responses input that a server looks up by their id, unless they have one of these fields."""
_SAYS_NOTHING = frozenset({"id", "type", "status"})
"""What an item may have beside its id without saying what it is the id of."""
_RUNS_ANOTHER = frozenset({"image_generation"})
"""Tools that a server runs with a model of its own choice if they name none."""
NAME_MAX = 80
DEPTH_MAX = 16
"""How many characters of each name, and how many of the innermost names, the path of a field has."""


class _Field(NamedTuple):
    """Where a value is: under a name, or at a place of an array, within another value.

    A text for each value would have the names around it as often as there are values.
    """

    within: _Field | None
    name: str | int

    def path(self) -> str:
        """The path, such as `input[0].id`; of a deep one, its end."""
        field: _Field | None = self
        parts: list[str] = []
        while field is not None and len(parts) < DEPTH_MAX:
            name = field.name
            parts.append(f".{name[:NAME_MAX]}" if isinstance(name, str) else f"[{name}]")
            field = field.within
        path = "".join(reversed(parts))
        return f"…{path}" if field is not None else path.removeprefix(".")


def state(body: Mapping[str, Any], *, deep: bool) -> str:
    """The path of the first field that names something kept at the model's server; empty if none does.

    Requires: `deep` says whether an object of the body has a field of `LOOKED_FOR`, however spelt.
    """
    if not STORED.isdisjoint(body):
        for name in ("previous_response_id", "conversation", "thread"):
            if body.get(name) is not None:
                return name
        if isinstance(body.get("prompt"), dict):
            return "prompt"
    found = next(_kept(body), "") if deep else ""
    items = body.get("input")
    return found or (next(_references(items), "") if isinstance(items, list) else "")


def routing(body: Mapping[str, Any]) -> str:
    """The path of the first field that could make another model answer than the one that the body asks for;
    empty if none does.
    """
    if not ROUTING.isdisjoint(body):
        for name in body:
            if name in ROUTING and body[name] is not None:
                return name
    has_tools = "tools" in body or isinstance(body.get("input"), list)
    if (has_tools or not JUDGES.isdisjoint(body)) and "model" in body:
        return next(_other_models(body), "")
    return ""


def _kept(body: Mapping[str, Any]) -> Iterator[str]:
    """The paths of fields that name something kept. What is free is not looked into."""
    waiting: list[tuple[_Field | None, Any]] = [(None, body)]
    while waiting:
        field, value = waiting.pop()
        if isinstance(value, list):
            waiting += [
                (_Field(field, at), each) for at, each in enumerate(value) if isinstance(each, dict | list)
            ]
        else:
            for name, each in value.items():
                read = folded(name)
                if read in _DEEP and _names(read, each, value):
                    yield _Field(field, name).path()
                elif isinstance(each, dict | list) and not _is_free(read, value, is_top=field is None):
                    waiting.append((_Field(field, name), each))


def _names(read: str, value: Any, beside: Mapping[str, Any]) -> bool:
    """Whether a field names something kept. A skill of Anthropic's own is everyone's."""
    if read == "skill_id" and beside.get("type") == "anthropic":
        return False
    if read not in _HELD:
        return value is not None and value != []
    if isinstance(value, dict):
        return any(folded(name) == "id" and each is not None for name, each in value.items())
    return read == "container" and isinstance(value, str)


def _is_free(read: str, beside: Mapping[str, Any], *, is_top: bool) -> bool:
    """Whether what a field holds is said, and not read by a server; a tool's `input` is."""
    return read in _FREE or (read == "input" and not is_top and "tool_use" in str(beside.get("type")))


def _references(items: list[Any]) -> Iterator[str]:
    """The items of an input that stand for others by their id."""
    for at, item in enumerate(items):
        if isinstance(item, dict) and _is_reference(item):
            yield f"input[{at}].id"


def _is_reference(item: Mapping[str, Any]) -> bool:
    """Whether an item of an input has an id, and not what it is the id of."""
    given = {folded(name) for name, value in item.items() if value is not None}
    if "id" not in given:
        return False
    if given <= _SAYS_NOTHING or not ("type" in given or "role" in given):
        return True
    kinds = _kinds(item)
    contents = [_BY_ID.get(kind, ()) for kind in kinds]
    return "item_reference" in kinds or any(each and not any(map(item.get, each)) for each in contents)


def _kinds(item: Mapping[str, Any]) -> list[str]:
    """What an object says that it is, in every case of the name."""
    return [kind for name, kind in item.items() if folded(name) == "type" and isinstance(kind, str)]


def _other_models(body: Mapping[str, Any]) -> Iterator[str]:
    """The judges of a body, and the tools, that a server runs with another model.

    Requires: the body has a model.
    """
    own = (None, body["model"])
    judges = (
        (_Field(None, name), body[name]) for name in JUDGES & body.keys() if isinstance(body[name], dict)
    )
    for field, tool in chain(judges, _tools(body)):
        for name, value in tool.items():
            if folded(name) == "model" and value not in own:
                yield _Field(field, name).path()
        if tool.get("model") is None and not _RUNS_ANOTHER.isdisjoint(_kinds(tool)):
            yield field.path()


def _parts(field: _Field, tool: Mapping[str, Any]) -> Iterator[tuple[_Field, Mapping[str, Any]]]:
    """The objects that a tool has, unless what they hold is free."""
    for name, each in tool.items():
        if isinstance(each, dict) and not _is_free(folded(name), tool, is_top=False):
            yield _Field(field, name), each


def _tools(body: Mapping[str, Any]) -> Iterator[tuple[_Field, Mapping[str, Any]]]:
    """The tools of a body, those that items of its input bring, those within other tools, and their parts."""
    items = body.get("input")
    waiting: list[tuple[_Field | None, Mapping[str, Any]]] = [(None, body)]
    for at, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            waiting.append((_Field(_Field(None, "input"), at), item))
    while waiting:
        field, within = waiting.pop()
        for name, tools in within.items():
            if folded(name) == "tools" and isinstance(tools, list):
                for at, tool in enumerate(tools):
                    if isinstance(tool, dict):
                        found = _Field(_Field(field, name), at)
                        yield found, tool
                        yield from _parts(found, tool)
                        waiting.append((found, tool))
