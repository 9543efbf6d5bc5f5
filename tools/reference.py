"""The reference pages that are made from the tables in the code: `python -m tools.reference docs`.

`pages` gives them by path; a test compares them with the files in `docs/`.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from sluicegate import bounds, journal
from sluicegate.acts.act import DEVELOPER, AnyAct
from sluicegate.acts.table import ACTS, PUBLIC
from sluicegate.control import openapi
from sluicegate.core.access.obstacles import LAYER_OF, LAYERS
from sluicegate.core.access.refusals import REASONS, Reason
from sluicegate.core.directives import directive
from sluicegate.core.terms import plan
from sluicegate.core.terms.clocks import CALENDARS
from sluicegate.gate.quirks import QUIRKS
from sluicegate.gate.spans import ATTRIBUTES
from sluicegate.gate.trace import FIELDS
from sluicegate.http.errors import STATUS_OF_CODE, STATUS_OF_ERROR, STATUS_OF_REFUSAL
from sluicegate.http.lanes import BODIES_MAX, BODIES_OF_CALLER_MAX, AllLanes
from sluicegate.http.response import CODES
from sluicegate.settings import GATEWAY_HTTP, DailyLimits, HttpSettings
from sluicegate_record.entries import TYPES, Body
from sluicegate_record.entries.body import Part, part_of
from sluicegate_record.form import FormField, definitions, shape_of
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import APPEAL, OFFER, REPLY
from tools import clients, commands, programmes
from tools.english import GENERATED
from tools.programmes import Carrier, Case, Passed


def pages() -> dict[str, str]:
    """Every generated page by its path under `docs/`."""
    return {
        "reference/plan.schema.json": json.dumps(plan.schema(), indent=2) + "\n",
        "reference/refusals.md": _refusals(),
        "reference/clients.md": _clients(),
        "reference/refused-by-name.md": _later(),
        "reference/api.md": _api(),
        "reference/openapi.json": json.dumps(openapi.document(PUBLIC), indent=2) + "\n",
        "reference/casework.md": _casework(),
        "reference/limits.md": _limits(),
        "reference/request-log.md": _request_log(),
        "reference/journal.md": _journal(),
        "reference/entry-types.md": _entry_types(),
        "reference/entries.schema.json": json.dumps(entries_schema(), indent=2) + "\n",
    }


_REQUEST_LOG = """`gateway --request-log FILE` writes one line of JSON for each request under `/v1/` when it
is over; `-` is standard output. `up` has the same option. Without it there is no log.

- A line has no part of a request or an answer, no key, and no name of an end user. A path is in it only if it
  is served, and a model only if it is in the table.
- `credential` is the key's id. If the key is bound to one person, the id stands for that person, to everyone
  who can look it up.
- A request that cannot be read as HTTP leaves no line. Neither do `/healthz`, `/readyz` and `/metrics`.
- No request waits for the log. A thread writes lines a few times each second. Up to 8 MiB may wait. What
  comes beyond that, or cannot be written, is dropped and counted:
  `sluicegate_request_log_dropped_total`. The gateway's own log says why.
- If the file was renamed or removed, a new one is opened under its name before the next lines are written. So
  `logrotate` needs neither `copytruncate` nor a signal. The file's mode is 0640, less the umask.
- A pipe needs a reader when the gateway starts.
- When the gateway ends, what waits is written, for at most a second.
- `--bound request-log-one-in=N` writes one in N of the requests that were allowed and answered. What was
  refused, was cut, failed, or differs from what was asked always has its line. The request's id decides, so
  who has an id knows if there is a line.

Fields are only added."""

_SPANS = """

## Spans

A gateway sends a span of OpenTelemetry for each request that would have a line, if `sluicegate[otel]` is
installed and `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) says where a collector
is. It speaks OTLP over HTTP. OpenTelemetry's other variables for that (headers, authorities, time limit,
`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SDK_DISABLED`) hold too. Those for sampling do not:
each request has a span, and a collector can leave some out.

- A span is made of the line. It does not say whose request it was, by organization or key: a collector may
  be another company's. `sluicegate.request.id` leads to the line.
- Its name is `{gen_ai.operation.name} {gen_ai.request.model}`, its kind `SERVER`. Its status is `ERROR` if
  the answer was cut, or failed on this side of the client.
- A client's `traceparent` (W3C, version 00) is its parent. Without one, the trace's id is the request's id,
  with eight zeros before it. `tracestate` and `baggage` are ignored. The model's server gets none of the
  three.
- No request waits for a span: another process makes and sends them. That process gets only OpenTelemetry's
  variables of the gateway's environment, and those for proxies and authorities.
- Up to 8 MiB of lines may wait for it. What comes beyond that, or what the collector does not take in time,
  is lost and counted: `sluicegate_spans_dropped_total`.

"""


_JOURNAL = f"""Each process says what happens on standard error, one line an event: `control`, `feed`,
`gateway`, `parser` (which reads texts for the control plane), and `supervisor`, which `up` and `serve` are.

- A line is JSON, or text where standard error is a terminal. `{journal.FORM}=json` or `text` says which.
  `{journal.LEVEL}` is the least level that is written: `debug`, `info` (the default), `warning`,
  `error`, `critical`.
- Every command of a caller with a token has one line, whatever its result. Nothing samples them. Questions
  have no line: `sluicegate_api_requests_total` counts both.
- What callers cause as often as they like is always counted. It is written {journal.AT_ONCE} times at
  once, and then once a second for each event. `unwritten` of the next line says how many were not.
- No line has a token, a key, a name of a customer or person, a part of a document, of a request or of an
  answer. Who acts is an id. An unexpected error is shown by its type and its places in the code, because its
  text may quote what it was given. Addresses are there: keep the journal as you keep the ledger.
- A gateway's requests are not here: they have a [log of their own](request-log.md)."""


def _journal() -> str:
    plain = {name: said for name, said in journal.EVENTS.items() if name not in journal.SECURITY}
    fields, events, security = (
        _table([column, "what it is"], [[f"`{name}`", said] for name, said in rows.items()])
        for column, rows in (("field", journal.FIELDS), ("event", plain), ("event", journal.SECURITY))
    )
    counted = "`sluicegate_security_events_total` counts these too, by `event`."
    body = ["## Fields", "Fields are only added. A line has those that it needs.", fields]
    body += ["## Events", events, "## Events of security", counted, security]
    return _page("The journal", _JOURNAL, "\n\n".join(body))


def _request_log() -> str:
    rows = [[f"`{name}`", said] for name, said in FIELDS.items()]
    attributes = [[f"`{name}`", said] for name, said in ATTRIBUTES.items()]
    tables = _table(["field", "what it is"], rows), _table(["attribute", "what it is"], attributes)
    return _page("The request log", _REQUEST_LOG, _SPANS.join(tables))


def _refusals() -> str:
    rows = [
        [
            f"`{reason}`",
            _status(reason),
            LAYER_OF[reason],
            REASONS[reason].text,
            REASONS[reason].remedy,
            "yes" if REASONS[reason].may_retry else "no",
        ]
        for reason in Reason
    ]
    layers = [
        [each.name, each.by, "the table" if each.is_here else "elsewhere, at each request"] for each in LAYERS
    ]
    quirks = [[each.client, each.measured, each.does, str(each.takes or "")] for each in QUIRKS]
    return _page(
        "Refusals",
        "Why a gateway refuses a request. If several reasons apply, the caller gets the first one.\n\n"
        "- The error has the shape that the caller's SDK expects (OpenAI or Anthropic).\n"
        "- The header `x-should-retry` is `true` where a program may try again by itself, after\n"
        "  `Retry-After`; otherwise `false`.\n"
        "- The body has `error.sluicegate {reason, status, directive, application, fallback, remedy, size}`.",
        _table(["reason", "status", "layer", "what it says", "what to do", "retry"], rows)
        + _LAYERS
        + _table(["layer", "who decides it", "where"], layers)
        + _UPSTREAM
        + _CLIENTS
        + _table(["client", "measured", "what it does", "gets"], quirks)
        + _FALLBACK,
    )


_LAYERS = """

## Who decides it

A refusal is of one layer. More layers may refuse behind it: the caller gets the first reason only.
`sluicegate explain CREDENTIAL MODEL` shows all of them, each with who has to do what for it to change. A
refusal says what to ask with: the header `x-sluicegate-credential`, and its `size` for `--at SIZE`, which
shows the layers as they were then ([how to answer why](../how-to/answer-why.md)).

"""

_UPSTREAM = """

The model's own server is the last layer: it may refuse what a gateway let through, by a classifier of its
own. No grant and no directive changes that. Such a refusal keeps its own status and words; it is marked by
the header `x-sluicegate-from: upstream`, and by `error.sluicegate.from`. One that is about the developer's
own account there is `upstream_refused` (502): a caller can change nothing about it."""

_CLIENTS = """

## What clients do with them

A client that is known by its `User-Agent` to retry all but one status gets that status instead. The body
stays the same, and `error.sluicegate.status` has the status of the table above. A refusal that may be tried
again keeps its own, and so does `upgrade_required`.

"""

_FALLBACK = """

## A fallback in place of a refusal

A plan can offer a fallback model (`spec.onRefusal`). It answers a request only if all of these are true:

1. The holder of the key's grant has chosen it: `sluicegate grant fallback G --on`.
2. A directive is the only reason for the refusal. Without the directive, the key could use the model.
3. The organization has a grant for the fallback model on the same surface. The key may be under
   another grant.

The gateway then decides a new request for the fallback model, under that grant and its quota. If that is
refused too, the caller gets the first refusal, unchanged.

The gateway changes only the value of `model` in the request. The response has these headers:

| header | value |
| --- | --- |
| `x-sluicegate-model` | the model that answers |
| `x-sluicegate-instead-of` | the model that the caller asked for |
| `x-sluicegate-directive` | the directive that refused it |

- A directive still cuts answers in progress. A fallback answers only new requests.
- The gateway cuts a fallback's answer when one of the two grants ends. If the directive is lifted, the answer
  may finish.
- `sluicegate_fallbacks_total` in a gateway's `/metrics` counts fallbacks."""


def _status(reason: Reason) -> str:
    status = str(REASONS[reason].status)
    return f"{status}; 451 when its basis is an order" if reason is Reason.DIRECTIVE_IN_FORCE else status


def _clients() -> str:
    found = [
        [each.name, each.version, *(_ends(each, kind) for kind in clients.Kind)] for each in clients.CLIENTS
    ]
    tried = [[each.name, each.what, each.kind, each.status] for each in clients.SITUATIONS]
    gaps = [
        [
            ", ".join(sorted(gap.clients)),
            _listed(sorted(gap.situations)),
            _cell(gap.cell, varies=gap.varies),
            gap.why,
        ]
        for gap in clients.GAPS
    ]
    sections = [
        _table(["client", "version", *clients.Kind], found),
        _HOW_IT_ENDS,
        "## Situations\n\n" + _table(["name", "what happens", "column", "status"], tried),
        "## Where a client does otherwise\n\n" + _table(["client", "situations", "result", "why"], gaps),
        "## Programmes\n\n" + _programmes(),
    ]
    return _page(
        "Clients",
        "Clients as people run them, unmodified, before a gateway. The tests run each of them in each\n"
        "situation, and compare the result with this page. `make test-long` runs those that are large.",
        "\n\n".join(sections),
    )


def _programmes() -> str:
    passed = [
        [f"`{carrier.name}`", _of_case(carrier, case), _saw(found), found.shown or "the answer"]
        for carrier in programmes.CARRIERS.values()
        for case, found in carrier.passed.items()
    ]
    named = [
        [each.client.name, each.client.version, f"`{each.how}`", str(each.expected(Case.LACKED).status)]
        for each in programmes.NAMINGS
    ]
    return (
        f"A grant has the programmes {programmes.ACTIVE}.\n"
        "What the model's server saw, and what the caller was shown, is the same with each client.\n\n"
        + _table(["carrier", "the request names", "the model's server saw", "the caller was shown"], passed)
        + "\n\nHow a person names one with each client, and the status of a refusal:\n\n"
        + _table(["client", "version", "way", "refused with"], named)
    )


def _of_case(carrier: Carrier, case: Case) -> str:
    name = carrier.names.get(case)
    if name is None:
        return "nothing"
    return f"`{name}`" if case is Case.STANDARD else f"`{name}`, {case}"


def _saw(found: Passed) -> str:
    if found.saw is None:
        return "no request"
    return f"`{found.saw}`" if found.saw else "a request without any"


_HOW_IT_ENDS = """A cell says how many requests a question took, and how it ended for the person who asked:

- *answered*: the text is the model's. Request and answer went through unchanged, byte for byte.
- *shown*: the client reports a failure, and its error shows the gateway's text.
- *failed*: the client reports a failure, without that text.
- *otherwise*: the last table says how."""


def _ends(client: clients.ForeignClient, kind: clients.Kind) -> str:
    usual = [each for each in client.situations if each.kind is kind and not clients.gap_of(client, each)]
    cells = {_cell(clients.expected(client, each)) for each in usual}
    if kind is clients.Kind.ANSWERED and cells:
        return "answered"
    return "; ".join(sorted(cells)) or "otherwise"


def _cell(cell: clients.Cell, *, varies: bool = False) -> str:
    return f"{cell.attempts}{' or more' if varies else ''} × {cell.end}"


def _later() -> str:
    def rows(later: Mapping[str, str]) -> list[list[str]]:
        return [[f"`{name}`", what] for name, what in sorted(later.items())]

    body = "## In plans\n\nNo field: what the language of plans has, this build has."
    body += "\n\n## In directives\n\n" + _table(["field", "needs"], rows(directive.LATER))
    return _page(
        "Refused by name",
        "The language of plans and directives has these fields, but this build cannot do what they ask. It\n"
        "refuses a document that uses one, and names the field and its place. It never ignores a field.",
        body,
    )


def _api() -> str:
    errors: list[list[Any]] = [[kind, status] for kind, status in STATUS_OF_REFUSAL.items()]
    errors += [[f"`{kind.code}`", status] for kind, status in STATUS_OF_ERROR.items()]
    errors += [[f"`{code}`", status] for code, status in STATUS_OF_CODE.items()]
    errors += [[f"`{code}`", status] for status, code in CODES.items()]
    families: dict[str, list[AnyAct]] = {}
    for act in PUBLIC:
        families.setdefault(act.name.partition(".")[0], []).append(act)
    sections = [f"## {family}\n\n{_acts(acts)}" for family, acts in families.items()]
    statuses = (
        "## HTTP statuses\n\nThe status of a refused command, by kind, and of an error, by code.\n\n"
        + _table(["kind or code", "status"], errors)
    )
    return _page(
        "The HTTP API",
        "One row for each act. [openapi.json](openapi.json) describes what each is asked with and what it\n"
        "answers. A running control plane has it at `/api/v1/openapi.json`.\n\n"
        "- The token of a request says who acts, and in which role. A token alone does not make a\n"
        "  position or a directive count: that takes a signature.\n"
        "- A command may be sent again with the same `Idempotency-Key`. It is done once.\n"
        "- A field that an act does not know is refused.",
        "\n\n".join([*sections, statuses]),
    )


def _acts(acts: Iterable[AnyAct]) -> str:
    rows = [[f"`{act.name}`", f"`{act.method} {act.path}`", _who_may(act), act.help] for act in acts]
    return _table(["act", "route", "roles", "what it does"], rows)


def _who_may(act: AnyAct) -> str:
    roles = ", ".join(sorted(act.roles)) or "anyone"
    return f"{roles}; administrators" if act.for_administrators else roles


def _limits() -> str:
    rows = [[f"`{act.name}`", _others(act), act.bound.why] for act in ACTS.values() if act.bound is not None]
    limits = [[f"`{name.replace('_', '-')}`", f"{limit:,}"] for name, limit in asdict(DailyLimits()).items()]
    acts = _table(["act", "others than staff", "what bounds it"], rows)
    orders = [[f"`{act.name}`", act.help] for act in ACTS.values() if act.is_order]
    narrowing = f"{_NARROWING}\n\n{_table(['act', 'what it does'], orders)}"
    return _page(
        "Limits",
        "How much each act can write to the ledger for ever, and which acts go on when there is little room.",
        f"{_BOUNDS}\n\n{acts}\n\n{_DAILY}\n\n{_table(['limit', 'a day, unless set'], limits)}\n\n{narrowing}"
        f"\n\n{_read_bounds()}\n\n{_server_limits()}",
    )


def _read_bounds() -> str:
    """What `bounds.py` has, with what it says of each."""
    rows = [[f"`{name}`", f"{value:,}", said] for name, value, said in _stated(bounds)]
    return f"{_READ}\n\n{_table(['bound', 'value', 'what it is'], rows)}"


def _stated(module: ModuleType) -> Iterator[tuple[str, int | float, str]]:
    """The numbers of a module, in order, with the text below each."""
    body = ast.parse(inspect.getsource(module)).body
    for named, said in pairwise(body):
        text = said.value if isinstance(said, ast.Expr) else None
        if isinstance(named, ast.Assign) and isinstance(text, ast.Constant):
            name = ast.unparse(named.targets[0])
            yield name, getattr(module, name), " ".join(str(text.value).split())


def _server_limits() -> str:
    ours, gateways = asdict(HttpSettings()), asdict(GATEWAY_HTTP)
    rows = [
        [f"`{name.replace('_', '-')}`", _shown(value), _shown(gateways[name])] for name, value in ours.items()
    ]
    lanes = [[lane.name, f"{lane.most:,}", str(lane.most_of_caller)] for lane in AllLanes().all()]
    whole, own = BODIES_MAX >> 20, BODIES_OF_CALLER_MAX >> 20
    said = f"Each kind has {whole} MiB for the bodies of its requests, and one caller has {own} MiB of that."
    return "\n\n".join(
        [
            _SERVERS,
            _table(["name", "control plane and feed", "gateway"], rows),
            _LANES,
            _table(["who", "requests in flight", "of one agency, token or address"], lanes),
            said,
        ]
    )


def _shown(value: Any) -> str:
    return "none" if value == () else f"{value:,}"


_BOUNDS = """## What bounds each act

An act that is not in this table writes nothing, or only the developer's staff may do it."""
_DAILY = """## Daily limits

`serve --limit NAME=VALUE` sets one. A limit is for each party, not for all parties together.

- What was used is free again a day later, little by little.
- A refusal has the status 429, a code such as `too_many_keys`, and `Retry-After`. It says the limit,
  how much is used, and when the same is allowed again. Nothing was done, and nothing is counted.
- A party is an applicant with all its people. An act about a grant also counts for the organization of that
  legal name, whatever token does it. An agency is one party with all its tokens. The developer's staff are
  not counted. `people` counts invitations, and who becomes an administrator; a link that someone makes for
  themselves is counted for them alone.
- `corrections` are those of one person; `corrections-of-members` those of all members of an organization.
- `members` counts rows. `repeats` are ends that change nothing. `directive-bytes` is what directives write,
  `bytes` what the other counted acts do. An end that changes something is never refused.
- An order is never stopped: the only one of a day fits however long it is, and two officers can transcribe
  what is beyond an agency's limit. On a disk that is nearly full, an agency's `directive-bytes` are an eighth
  of the reserve.
- Under a new limit the same amount is used, so a higher one frees a party at once."""
_READ = """## What is read of what others wrote

Bounds of texts and requests, as in `src/sluicegate/bounds.py`. [Security](../security.md) says what for."""
_SERVERS = """## Servers

`--http NAME=VALUE` sets one; [what each limits](../how-to/run-it-for-real.md#limits-of-its-servers)."""
_LANES = "Each kind of caller has requests in flight of its own, so that none waits for another:"
_NARROWING = """## What narrows

These acts take access away. They have requests and threads of their own, go before what is due, and are done
while the disk is nearly full or the clock in doubt. What decides about a directive is whether it provably
narrows: it replaces none, or all that the one before stopped is stopped still; and it is no drill."""


def _others(act: AnyAct) -> str:
    return ", ".join(sorted(act.roles - {DEVELOPER}))


def _casework() -> str:
    kinds_of = [
        [
            f"`{name}`",
            kind.asks,
            kind.opened_by,
            kind.rule,
            kind.follows,
            _yes(kind.clocked),
            _yes(kind.advice),
        ]
        for name, kind in kinds.KINDS.items()
    ]
    steps = [
        [f"`{name}`", step.by, _sorted(step.kinds), _states(step), step.effect]
        for name, step in kinds.STEPS.items()
    ]
    calendars = [
        [f"`{name}`", calendar.title, calendar.time_zone, calendar.source]
        for name, calendar in CALENDARS.items()
    ]
    defaults = [
        ["`admission.reply`", REPLY, "how long a holder or applicant may reply to a removal or a denial"],
        ["`admission.offer`", OFFER, "how long a free seat is offered to the next applicant"],
        ["`admission.appeal.within`", APPEAL, "how long an appeal may be made"],
    ]
    codes = [*([f"`{code}`", "a suspension, a removal"] for code in kinds.REASON_CODES), *_ENDINGS]
    sections = {
        "Kinds": "What a case asks, who opens it, which rule decides it, and what follows an approval.\n\n"
        "- *clock*: the clock of the stage runs for this kind.\n"
        "- *advice*: if the stage's basis is voluntary, two officers may decide against the agencies.\n\n"
        + _table(["kind", "asks", "opened by", "rule", "followed by", "clock", "advice"], kinds_of),
        "Steps": "Who may do what, in which kinds and states of a case. All else is refused.\n\n"
        + _table(["step", "by", "kinds", "states", "result"], steps),
        "States and outcomes": f"- An open case is in one of these states: {_listed(kinds.STATES[:-1])}.\n"
        f"- A decided case is `{kinds.DETERMINED}`, with one of these outcomes: {_listed(kinds.OUTCOMES)}.",
        "Reason codes": "Reason codes are public. If the text of a reason is sealed, the public record\n"
        "has only the code.\n\n" + _table(["code", "used for"], codes),
        "Calendars": _table(["calendar", "what it is", "time zone of its days", "source"], calendars),
        "Defaults": "If a plan leaves these fields out, these values apply.\n\n"
        + _table(["field", "default", "meaning"], defaults),
    }
    return _page(
        "Casework",
        "A case is a question that agencies decide. There are several kinds. The program uses these tables.",
        "\n\n".join(f"## {title}\n\n{body}" for title, body in sections.items()),
    )


_ENDINGS = [
    ["`objection`", "a denial: an agency objected"],
    ["`silence`", "a denial: the clock says that silence denies"],
    ["`recused`", "a denial, or a return: no agency is left that could agree"],
    ["`deficient`", "a return, before any agency took a position"],
    ["`time_over`", "a lapse: the time for the whole case is over"],
    ["`offer_not_taken`", "a lapse: the seat offered was not accepted in time"],
    ["`appeal_allowed`", "superseded: an appeal gave what was applied for again"],
    ["`grant_expired`, `grant_removed`, `grant_surrendered`", "superseded: the grant has ended"],
    [
        "`directive_lifted`, `directive_expired`, `directive_replaced`",
        "superseded: the directive has ended, or another one replaced it",
    ],
]


def _entry_types() -> str:
    rows = [[f"`{name}`", *(_fields_of(body, part) for part in _PARTS)] for name, body in TYPES.items()]
    return _page(
        "Entry types",
        "The fields of each type of entry, by part. [Entries](entries.md) explains the parts.\n\n"
        "- A field in *italics* is optional.\n"
        "- The public parts are also a JSON Schema: [entries.schema.json](entries.schema.json).",
        _table(["type", "public", "gate", "sealed"], rows),
    )


_PARTS = ((Part.PUBLIC,), (Part.GATE,), (Part.SEALED, Part.OPENINGS))


def _fields_of(body: type[Body], parts: Collection[Part]) -> str:
    return ", ".join(
        each.note if part_of(each) is Part.OPENINGS else _field(each)
        for each in shape_of(body).fields
        if part_of(each) in parts
    )


def _field(each: FormField) -> str:
    name = each.key if each.is_required else f"*{each.key}*"
    return f"{name} ({each.note})" if each.note else name


def entries_schema() -> dict[str, Any]:
    """The JSON Schema of the public part of every type of entry, by type, and of the objects in them."""
    by_type = {}
    for name, body in TYPES.items():
        public = [each for each in shape_of(body).fields if part_of(each) is Part.PUBLIC]
        by_type[name] = {
            "type": "object",
            "properties": {each.key: dict(each.codec.schema) for each in public},
            "required": [each.key for each in public if each.is_required],
        }
    rule = {"Rule": quorum.SCHEMA, "RuleMembers": quorum.MEMBERS_SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sluicegate:entries:v1",
        "$defs": {**rule, **definitions(by_type)},
        "properties": by_type,
    }


def _yes(value: bool) -> str:  # noqa: FBT001 - a cell
    return "yes" if value else ""


def _sorted(of: Collection[str]) -> str:
    return "all" if len(of) == len(kinds.KINDS) else _listed(sorted(of, key=list(kinds.KINDS).index))


def _states(step: kinds.CaseStep) -> str:
    return (
        "all"
        if len(step.states) == len(kinds.STATES)
        else _listed(state for state in kinds.STATES if state in step.states)
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _page(title: str, about: str, body: str) -> str:
    return f"{GENERATED}\n# {title}\n\n{about}\n\n{body}\n"


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write(folder: Path) -> None:
    """Write every generated page into `folder`, also those of the command line."""
    for name, text in (pages() | commands.pages()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
