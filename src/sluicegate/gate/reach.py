"""What a body reaches for beyond its own request: state that the model's server keeps, other models, other
servers, and programmes.

Rules:
- Pure: a parsed body in, the path of a field out. Nothing that a body says is quoted but the names of its
  fields and of programmes.
- All customers share one account at a model's server, unless the operator gave each its own. So a name of
  something stored there could be another customer's: it is state, wherever the APIs put such names.
- A field that makes another server, or the same one, answer with another model than the one decided is never
  forwarded, whatever the account.
- What people, tools and schemas say is free: a property `file_id` of a tool's schema, or of its arguments, is
  no state.
- A name in other case counts: some servers read names so.

Sources: the request types of openai 3.54 and anthropic 2.12 (state, programmes); openrouter.ai's reference of
chat completions (`models`, `route`, `provider`, `preset`); LiteLLM's proxy documentation (the others).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.errors import InvalidInput

PROGRAMMES = "access_programs"
"""The field that asks for programmes, by concern: `{"cyber": "daybreak_red"}`."""
STANDARD = "standard"
"""The programme that everyone has."""
PROGRAMMES_MAX = 16
PROGRAMME_MAX = 64
"""How many programmes one request may ask for, and how many characters each name may have."""

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
}
"""Items of a Responses input that a server looks up by their id, unless they have one of these fields."""


def is_deep(found: Mapping[str, Any]) -> bool:
    """Whether an object anywhere in a body has a field that may name something kept."""
    return not _DEEP.isdisjoint(map(str.casefold, found))


def state(body: Mapping[str, Any], *, deep: bool) -> str:
    """The path of the first field that names something kept at the model's server; empty if none does.

    Requires: `deep` says whether `is_deep` holds for an object of the body.
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
    """The path of the first field that could make another model answer; empty if none does."""
    if not ROUTING.isdisjoint(body):
        for name in body:
            if name in ROUTING and body[name] is not None:
                return name
    if "tools" in body or isinstance(body.get("input"), list):
        return next(_other_models(body), "")
    return ""


def programme(body: Mapping[str, Any]) -> str:
    """The first programme that a body asks for, other than the standard one, as `cyber: daybreak_red`;
    empty if it asks for none.

    Raises: InvalidInput: not an object with the names of programmes.
    """
    asked = body.get(PROGRAMMES)
    if asked is None:
        return ""
    if not isinstance(asked, dict) or len(asked) > PROGRAMMES_MAX:
        raise InvalidInput(f"{PROGRAMMES!r} is not an object of at most {PROGRAMMES_MAX} programmes")
    for name in asked.values():
        if name is not None and not isinstance(name, str):
            raise InvalidInput(f"{PROGRAMMES!r} has a value that is no name, expected such as {STANDARD!r}")
    named = ((concern, name) for concern, name in asked.items() if name not in (None, STANDARD))
    return next((f"{concern[:PROGRAMME_MAX]}: {name[:PROGRAMME_MAX]}" for concern, name in named), "")


def _kept(body: Mapping[str, Any]) -> Iterator[str]:
    """The paths of fields that name something kept. What is free is not looked into."""
    waiting: list[tuple[str, Any]] = [("", body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting += [
                (f"{path}[{at}]", each) for at, each in enumerate(value) if isinstance(each, dict | list)
            ]
        else:
            for name, each in value.items():
                folded, where = name.casefold(), f"{path}.{name}" if path else name
                if folded in _DEEP and _names(folded, each, value):
                    yield where
                elif isinstance(each, dict | list) and not _is_free(folded, path, value):
                    waiting.append((where, each))


def _names(folded: str, value: Any, beside: Mapping[str, Any]) -> bool:
    """Whether a field names something kept. A skill of Anthropic's own is everyone's."""
    if folded == "skill_id" and beside.get("type") == "anthropic":
        return False
    if folded not in _HELD:
        return value is not None and value != []
    if isinstance(value, dict):
        return any(name.casefold() == "id" and each is not None for name, each in value.items())
    return folded == "container" and isinstance(value, str)


def _is_free(folded: str, path: str, beside: Mapping[str, Any]) -> bool:
    """Whether what a field holds is said, and not read by a server; a tool's `input` is."""
    return folded in _FREE or (folded == "input" and path != "" and "tool_use" in str(beside.get("type")))


def _references(items: list[Any]) -> Iterator[str]:
    """The items of an input that stand for others by their id."""
    for at, item in enumerate(items):
        if not isinstance(item, dict) or item.get("id") is None:
            continue
        kind = item.get("type")
        contents = _BY_ID.get(kind) if isinstance(kind, str) else None
        is_bare = item.keys() <= {"id", "type"}
        if is_bare or kind == "item_reference" or (contents and not any(map(item.get, contents))):
            yield f"input[{at}].id"


def _other_models(body: Mapping[str, Any]) -> Iterator[str]:
    """The tools that a server runs with another model."""
    for path, tools in _tools(body):
        for at, tool in enumerate(tools if isinstance(tools, list) else ()):
            if isinstance(tool, dict) and tool.get("model") not in (None, body.get("model")):
                yield f"{path}[{at}].model"


def _tools(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "tools", body.get("tools")
    items = body.get("input")
    for at, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and "tools" in item:
            yield f"input[{at}].tools", item["tools"]
