"""Files of canaries: which models an observer asks for, where, and what its keys get there.

Rules:
- No key is in the file: each probe names a variable of the environment that has one.
- What a probe expects is what its key gets while no directive is in the way. So the file need not change when
  a directive comes or is lifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from sluicegate.core.terms import plan, shapes
from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate.core.terms.written import ModelId, Slug, Strict, Text
from sluicegate_record.terms.observations import PROBES_MAX

Way = Literal["chat", "responses", "messages"]
"""How a model is asked: by OpenAI's `chat/completions` or `responses`, or by Anthropic's `messages`."""
_PROMPT = "What is a sluice gate? One sentence."


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        is_url = is_url and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        is_url = False
    if not is_url:
        raise PydanticCustomError("url", "a URL such as https://gateway.example")
    return text.rstrip("/")


class WrittenProbe(Strict):
    """A model on a surface, the URL before `/v1`, and the variable that has the key.

    `coveredBy`: a directive that covers the holder of the key, and not everyone. `headers` go with each
    request, such as one that carries a programme.
    """

    release: Slug
    model: ModelId
    surface: Slug
    url: Annotated[str, Field(max_length=500), AfterValidator(_url)]
    key: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    expects: Literal["answered", "refused"]
    ask: Way = "chat"
    point: Slug | None = None
    programme: Annotated[str | None, Field(pattern=r"^[^\s:]{1,60}: [^\s:]{1,60}$")] = None
    coveredBy: Slug | None = None  # noqa: N815 - the file format's own name
    headers: Annotated[dict[str, str], Field(max_length=16, default_factory=dict)]

    @property
    def name(self) -> str:
        """What tells it from others: what is signed of it."""
        where = (self.release, self.model, self.surface, self.address, self.point)
        return " ".join(map(str, (*where, self.ask, self.expects, self.programme, self.coveredBy)))

    @property
    def address(self) -> str:
        """Its scheme, host and port, which are signed."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{port}"

    @property
    def programmes(self) -> Mapping[str, str]:
        """The programme that it asks for, by its concern."""
        concern, _, name = (self.programme or "").partition(": ")
        return {concern: name} if name else {}


class CanariesSpec(Strict):
    """What is asked for. `prompts`: one of them is drawn for each request."""

    prompts: Annotated[list[Text], Field(min_length=1, max_length=1_000, default_factory=lambda: [_PROMPT])]
    probes: Annotated[list[WrittenProbe], Field(min_length=1, max_length=PROBES_MAX)]


class Canaries(Strict):
    """A file of canaries."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the file format's own name
    kind: Literal["Canaries"]
    spec: CanariesSpec


def read(document: YamlDocument) -> CanariesSpec:
    """Check a file of canaries. Raises: InvalidDocument: with the place of every error."""
    try:
        spec = Canaries.model_validate(document.value).spec
    except ValidationError as error:
        found = shapes.details_of(error)
        raise document.refuse([_fault_of(each, document.value) for each in found]) from error
    names = [each.name for each in spec.probes]
    faults = [
        Fault(("spec", "probes", place), "each once", repr(each.model))
        for place, each in enumerate(spec.probes)
        if each.name in names[:place]
    ]
    faults += [
        Fault(("spec", "probes", place, "programme"), "none: 'messages' has no field for it", each.programme)
        for place, each in enumerate(spec.probes)
        if each.programme is not None and each.ask == "messages"
    ]
    if faults:
        raise document.refuse(faults)
    return spec


def _fault_of(detail: shapes.Detail, value: object) -> Fault:
    if detail.type == "extra_forbidden":
        return Fault(detail.loc, "a field of the file of canaries", repr(detail.loc[-1]))
    return plan.fault_of(detail, value)
