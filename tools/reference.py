"""The reference pages that are made from the tables in the code: `python -m tools.reference`.

`pages` gives them by path; a test compares them with what stands in `docs/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from sluicegate.control.errors import STATUS_OF_ERROR, STATUS_OF_REFUSAL
from sluicegate.core.access.refusals import REASONS, Reason
from sluicegate.core.directives import directive
from sluicegate.core.lifecycle import grants
from sluicegate.core.terms import plan
from sluicegate.core.terms.clocks import CALENDARS
from sluicegate.service import access
from sluicegate_record.entries import TYPES, Body
from sluicegate_record.entries.body import Part, part_of
from sluicegate_record.form import FormField, definitions, shape_of
from sluicegate_record.terms import kinds, quorum
from sluicegate_record.terms.plan import APPEAL, OFFER, REPLY


def pages() -> dict[str, str]:
    """Every generated page by its path under `docs/`."""
    return {
        "reference/plan.schema.json": json.dumps(plan.schema(), indent=2) + "\n",
        "reference/refusals.md": _refusals(),
        "reference/refused-by-name.md": _later(),
        "reference/access.md": _access(),
        "reference/casework.md": _casework(),
        "reference/entry-types.md": _entry_types(),
        "reference/entries.schema.json": json.dumps(entries_schema(), indent=2) + "\n",
    }


def _refusals() -> str:
    rows = [
        [f"`{reason}`", _status(reason), REASONS[reason].text, REASONS[reason].remedy] for reason in Reason
    ]
    return _page(
        "Refusals",
        "Why a gateway says no. Where several reasons hold, the first in this order is given. Each comes\n"
        "in the caller's dialect, with `x-should-retry: false` unless waiting helps, and with\n"
        "`error.sluicegate {reason, directive, application, fallback, remedy, size}`.",
        _table(["reason", "status", "what it says", "what to do"], rows) + _FALLBACK,
    )


_FALLBACK = """

## A fallback in place of a refusal

`fallback` is the model that the plan offers instead (`spec.onRefusal`). It is used only where the holder
of the key's grant has chosen so (`sluicegate grant fallback`), and only where a directive alone refuses:
but for it, the key could use the model. The fallback is then decided as any request for it, by the
organization's own grant for it on the same surface, whose quota it counts on; the key need not be issued
under that one. Where it is refused too, for whatever reason, the first refusal is the answer, unchanged.

Of the request only the value of `model` becomes another. The response says so in its headers:

| header | value |
| --- | --- |
| `x-sluicegate-model` | the model that answers |
| `x-sluicegate-instead-of` | the model that was asked for |
| `x-sluicegate-directive` | the directive that refused it |

What is in progress when a directive comes is cut, as ever; a fallback is for new requests. It is cut in
its turn where it, or the grant under which it was asked for, ends; a lift lets it finish.
`sluicegate_fallbacks_total` in a gateway's `/metrics` counts them."""


def _status(reason: Reason) -> str:
    status = str(REASONS[reason].status)
    return f"{status}; 451 when its basis is an order" if reason is Reason.DIRECTIVE_IN_FORCE else status


def _later() -> str:
    def rows(later: Mapping[str, str]) -> list[list[str]]:
        return [[f"`{name}`", what] for name, what in sorted(later.items())]

    body = "## In plans\n\n" + _table(["field", "needs"], rows(plan.LATER))
    body += "\n\n## In directives\n\n" + _table(["field", "needs"], rows(directive.LATER))
    return _page(
        "Refused by name",
        "What a plan or a directive may say but this build cannot do yet. It is refused with its place.",
        body,
    )


def _access() -> str:
    rows = [[f"`{action}`", ", ".join(sorted(roles))] for action, roles in access.ACTIONS.items()]
    errors: list[list[Any]] = [[kind, status] for kind, status in STATUS_OF_REFUSAL.items()]
    errors += [[f"`{kind.code}`", status] for kind, status in STATUS_OF_ERROR.items()]
    body = _table(["action", "roles"], rows)
    body += "\n\n## Statuses\n\nOf refused commands by kind, and of errors by code.\n\n" + _table(
        ["what", "status"], errors
    )
    return _page(
        "Who may do what at the control plane",
        "Who acts comes from the token. A signature, not a token, makes a position or a directive count.",
        body,
    )


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
    acts = [
        [f"`{name}`", act.by, _sorted(act.kinds), _states(act), act.does] for name, act in kinds.ACTS.items()
    ]
    calendars = [
        [f"`{name}`", calendar.title, calendar.time_zone, calendar.source]
        for name, calendar in CALENDARS.items()
    ]
    defaults = [
        ["`admission.reply`", REPLY, "to answer a denial, or a removal before it counts"],
        ["`admission.offer`", OFFER, "how long a freed seat is offered to the next"],
        ["`admission.appeal.within`", APPEAL, "to appeal"],
    ]
    codes = [*([f"`{code}`", "a suspension, a removal"] for code in grants.REASON_CODES), *_ENDINGS]
    sections = {
        "Kinds": "What a case asks, and what follows an approval. *Clock*: the stage's clock runs.\n"
        "*Advice*: where the stage's basis is voluntary, two officers may proceed.\n\n"
        + _table(["kind", "asks", "opened by", "rule", "followed by", "clock", "advice"], kinds_of),
        "Acts": "Who may do what, in which kinds and states; whatever is not in this table is refused.\n\n"
        + _table(["act", "by", "kinds", "states", "what comes of it"], acts),
        "States and outcomes": f"Open: {_listed(kinds.STATES[:-1])}. Then `{kinds.DETERMINED}`, with one of: "
        f"{_listed(kinds.OUTCOMES)}.",
        "Reason codes": "Public, and all that the record says of a reason where its text is sealed.\n\n"
        + _table(["code", "of"], codes),
        "Calendars": _table(["calendar", "what it is", "days begin in", "source"], calendars),
        "Where a plan says nothing": _table(["field", "is", "what for"], defaults),
    }
    return _page(
        "Casework",
        "Every question put to agencies is a case of one of seven kinds. Made from the tables that decide.",
        "\n\n".join(f"## {title}\n\n{body}" for title, body in sections.items()),
    )


_ENDINGS = [
    ["`objection`", "a denial: an agency objected"],
    ["`silence`", "a denial: the clock says that silence denies"],
    ["`recused`", "a denial, or a return: nobody is left who could agree"],
    ["`deficient`", "a return, before any agency took a position"],
    ["`time_over`", "a lapse: the time for the whole case is over"],
    ["`offer_not_taken`", "a lapse: the seat offered was not accepted in time"],
    ["`appeal_allowed`", "superseded: an appeal gave what was applied for again"],
    ["`grant_expired`, `grant_removed`, `grant_surrendered`", "superseded: the grant has ended"],
]


def _entry_types() -> str:
    rows = [[f"`{name}`", *(_fields_of(body, part) for part in _PARTS)] for name, body in TYPES.items()]
    return _page(
        "Entry types",
        "What each type of entry says, and in which part; how entries and their parts work is in\n"
        "[entries](entries.md). A field in *italics* may be left out. The public parts as JSON Schema:\n"
        "[entries.schema.json](entries.schema.json).",
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


def _states(act: kinds.Act) -> str:
    return (
        "all"
        if len(act.states) == len(kinds.STATES)
        else _listed(state for state in kinds.STATES if state in act.states)
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _page(title: str, about: str, body: str) -> str:
    return f"# {title}\n\n{about}\n\n{body}\n"


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write(folder: Path) -> None:
    """Write every generated page into `folder`."""
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
