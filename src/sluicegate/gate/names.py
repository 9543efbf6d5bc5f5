"""Who a request says it is for, apart from assertions: identifiers in its body and in its headers.

Rules:
- Every field and header in which a client names its end user counts, whatever the dialect; what differs names
  several persons. An empty identifier names no one; one that is too long names a person that no one knows.
- Agents fill such a field with a device, an account and a session of their own. That form names no person: a
  bound key or an assertion then decides alone.
- A header by which proxies and other gateways name a user is not understood here. It is not ignored: it
  counts as a person that no one registered.

Sources: openai 3.54 (`safety_identifier`, `user`); anthropic 2.12 (`metadata.user_id`, the argument
`user_profile_id`, sent as a header, in batches as a field); Claude Code 2.1 (the forms of a session);
documentation of oauth2-proxy, Envoy, nginx, AWS ALB, Google IAP, Azure App Service, Cloudflare Access, Open
WebUI, LiteLLM, Helicone (the other headers); RFC 9110 section 10.1.2 (`From`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sluicegate.core.people.persons import IDENTIFIER_MAX
from sluicegate.errors import InvalidInput
from sluicegate.gate.wording import kind, text_at
from sluicegate.http.head import NAME

PROFILE = b"anthropic-user-profile-id"
FIELDS = ("safety_identifier", "user", "user_profile_id")
"""The top-level fields that name an end user."""
NOT_UNDERSTOOD = frozenset(
    {
        b"cf-access-authenticated-user-email",
        b"from",
        b"helicone-user-id",
        b"openai-safety-identifier",
        b"openai-user-id",
        b"remote-user",
        b"x-amzn-oidc-identity",
        b"x-auth-request-email",
        b"x-auth-request-preferred-username",
        b"x-auth-request-user",
        b"x-authenticated-user",
        b"x-authenticated-userid",
        b"x-end-user-id",
        b"x-forwarded-email",
        b"x-forwarded-preferred-username",
        b"x-forwarded-user",
        b"x-goog-authenticated-user-email",
        b"x-goog-authenticated-user-id",
        b"x-litellm-customer-id",
        b"x-litellm-end-user-id",
        b"x-ms-client-principal",
        b"x-ms-client-principal-id",
        b"x-ms-client-principal-name",
        b"x-openwebui-user-email",
        b"x-openwebui-user-id",
        b"x-openwebui-user-name",
        b"x-remote-user",
        b"x-safety-identifier",
        b"x-user",
        b"x-user-email",
        b"x-user-id",
        b"x-user-name",
    }
)
"""Headers by which others name a user."""
_NAMING = NOT_UNDERSTOOD | {PROFILE}

_SESSION_KEYS = frozenset({"device_id", "account_uuid", "session_id"})
_SESSION = re.compile(r"user_[0-9a-f]{64}_account_[0-9a-f-]{0,36}_session_[0-9a-f-]{36}")


class Names(NamedTuple):
    """The identifiers that a request gives, each once; whether it gives a device and session of an agent, and
    whether it names someone in a way that is not understood.
    """

    identifiers: tuple[str, ...] = ()
    is_session: bool = False
    is_unclear: bool = False

    def and_more(self, others: Names) -> Names:
        """What both give."""
        both = tuple(dict.fromkeys(self.identifiers + others.identifiers))
        return Names(both, self.is_session or others.is_session, self.is_unclear or others.is_unclear)


NO_NAMES = Names()


def of_body(body: Mapping[str, Any], *, in_metadata: bool) -> Names:
    """Who a body names; `in_metadata` says that its `metadata` names the user, as Anthropic's does.

    Raises: InvalidInput: a name that is not a string.
    """
    given = [text_at(body, name, name) for name in FIELDS if name in body]
    if in_metadata and "metadata" in body:
        metadata = body["metadata"]
        if metadata is not None and not isinstance(metadata, dict):
            raise InvalidInput(f"'metadata' is {kind(metadata)}, expected an object")
        given.append(text_at(metadata or {}, "user_id", "metadata.user_id"))
    return _names(each for each in given if each) if given else NO_NAMES


def of_headers(headers: Sequence[tuple[bytes, bytes]]) -> Names:
    """Who the headers name."""
    if _NAMING.isdisjoint(map(NAME, headers)):
        return NO_NAMES
    given, is_unclear = [], False
    for name, value in headers:
        if name == PROFILE:
            given.append(value.strip(b" \t").decode("utf-8", "replace"))
        elif name in NOT_UNDERSTOOD and value.strip(b" \t"):
            is_unclear = True
    if not given and not is_unclear:
        return NO_NAMES
    found = _names(each for each in given if each)
    return found._replace(is_unclear=True) if is_unclear else found


def is_session(text: str) -> bool:
    """Whether an identifier is an agent's device and session, and names no person."""
    if _SESSION.fullmatch(text):
        return True
    if not text.startswith("{"):
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    parts = value.values() if isinstance(value, dict) else ()
    return (
        isinstance(value, dict)
        and {"device_id", "session_id"} <= value.keys() <= _SESSION_KEYS
        and all(isinstance(each, str) for each in parts)
    )


def _names(given: Iterable[str]) -> Names:
    found, has_session, is_unclear = [], False, False
    for each in given:
        if is_session(each):
            has_session = True
        elif len(each) <= IDENTIFIER_MAX:
            found.append(each)
        else:
            is_unclear = True
    return Names(tuple(dict.fromkeys(found)), has_session, is_unclear)
