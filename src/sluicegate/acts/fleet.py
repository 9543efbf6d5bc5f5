"""Acts of and about gateways: list them; the question that a gateway asks the feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from sluicegate.acts.act import AGENCY, DEVELOPER, GATEWAY, Act, ActAnswer, Arguments, Nothing
from sluicegate.acts.fields import Identifier, PlainName, ShortText, some, text
from sluicegate.acts.growth import IN_PLACE, ONCE
from sluicegate_record.form import Json, Note, Verbatim, form, within

Count = Annotated[int, within(0)]


@form
class GatewayLease(ActAnswer):
    """A run of a gateway that may hold a lease. `drifted` says where its log or its build differs."""

    gateway: str
    incarnation: str
    surface: str
    size: int
    lease_ms: int
    signed: bool
    drifted: str | None


@form
class Gateways(ActAnswer):
    """Every run of a gateway that may hold a lease."""

    gateways: tuple[GatewayLease, ...]


LIST = Act(
    "gateway.list",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/gateways",
    Nothing,
    Gateways,
    "List every gateway that may hold a lease.",
)


@form
class UsageRow(Arguments):
    """One way of use: streams open now, calls since the run began. `naming` is as `gate.usage` reports it."""

    credential: Identifier
    model: Identifier
    naming: Mapping[str, Json] = field(default_factory=dict)
    open: Count
    total: Count


@form
class MissingKey(Arguments):
    """A `kid` that an assertion of a provider named, and that the provider's keys do not have."""

    provider: Identifier
    kid: Annotated[str, text(1, 256)]


StageText = Annotated[str, text(3, 127)]
"""A release and a stage, with a slash between them."""
Spender = Annotated[str, text(32, 32, "[0-9a-f]{32}")]


@form
class DayTotal(Arguments):
    """How many requests of a stage a gateway has let through on a day. Units: `day` since 1970 UTC."""

    stage: StageText
    day: Count
    total: Count


@form
class DayTotals(Arguments):
    """The days of a gateway's report. `spender` is who counts, over all runs that go on with it."""

    spender: Spender
    rows: Annotated[tuple[DayTotal, ...], some(DayTotal, 1, 100)]


DifferenceKind = Annotated[Literal["programme_not_given", "programme_not_granted"], Note("How it differs.")]


@form
class Difference(Arguments):
    """A grant under which an answer said that something else ran than was asked for and granted."""

    grant: Identifier
    kind: DifferenceKind


@form
class TalliedKey(Arguments):
    """How many requests of a key for a model a run has let through and refused. `model` is empty if
    they are counted without one: by an earlier gateway; because they were refused before it was known if
    their caller may know of the model; or because a gateway had no more place.
    """

    credential: Identifier
    passed: Count
    refused: Count
    model: Annotated[str, text(0, 128)] = ""


@form
class KeyTally(Arguments):
    """What a run has counted by key. `number` counts its tallies: one that comes twice counts once."""

    number: Count
    rows: Annotated[tuple[TalliedKey, ...], some(TalliedKey, 1, 1_000)]


@form
class FleetReport(Arguments):
    """What a run of a gateway reports of its use. `proven` are grants under which a call has succeeded;
    `missing` are keys of identity providers that it was asked to verify with and does not have; `days` are
    the requests of a day of stages whose plan states how many that are to be at most; `differences` are
    grants under which something else ran than was granted, as answers say; `tally` are requests by key and
    model.

    Nothing depends on it: a report that is lost costs no lease.
    """

    gateway: PlainName
    incarnation: PlainName
    surface: ShortText = ""
    proven: Annotated[tuple[Identifier, ...], some(Identifier, 0, 100)] = ()
    usage: Annotated[tuple[UsageRow, ...], some(UsageRow, 0, 1_000)] = ()
    missing: Annotated[tuple[MissingKey, ...], some(MissingKey, 0, 100)] = ()
    days: DayTotals | None = None
    differences: Annotated[tuple[Difference, ...], some(Difference, 0, 100)] = ()
    tally: KeyTally | None = None


@form
class ReportReceipt(ActAnswer):
    """A report that has arrived."""


REPORT = Act(
    "fleet.report",
    frozenset({GATEWAY}),
    "look",
    "/fleet/v1/report",
    FleetReport,
    ReportReceipt,
    "Report the use of a gateway: streams that are open, calls, grants under which a call has succeeded.",
    ONCE,
)


@form
class PollReport(Arguments):
    """What a gateway reports to the feed. `streams_cut` is by directive or reason, since the run began."""

    streams_cut: Mapping[str, Count] = field(default_factory=dict)


@form
class DayRow(Arguments):
    """A stage on a day: how many requests its plan allows, how many a gateway has let through, and up to
    which total it may. Units: `day` since 1970 UTC.
    """

    stage: StageText
    day: Count
    limit: Count
    spent: Count
    held: Count


@form
class DayQuestion(Arguments):
    """What a gateway asks budgets for. Units: `boot_ms` of its CLOCK_BOOTTIME, when it asks."""

    spender: Spender
    boot_ms: Count
    rows: Annotated[tuple[DayRow, ...], some(DayRow, 1, 100)]


@form
class FeedQuestion(Verbatim, Arguments):
    """A gateway's question to the feed (DESIGN 4.5), and in `source` exactly what it sent.

    A run that shows its `key` signs every question, see `sluicegate_record.log.acknowledgement`. A run that
    says who is the `spender` gets its part of the rates with its lease, and one that asks for `days` a budget
    for each.
    """

    gateway: PlainName
    incarnation: PlainName
    surface: ShortText = ""
    after: Count
    nonce: Annotated[str, text(16, 64)]
    wait_ms: Annotated[int, within(0, 20_000)] = 0
    report: PollReport = PollReport()
    root: Annotated[str, text(64, 64, "[0-9a-f]{64}")] | None = None
    fold: Count | None = None
    spender: Spender | None = None
    days: DayQuestion | None = None
    key: Annotated[str, text(44, 44, "[A-Za-z0-9+/]{43}=")] | None = None
    sig: Annotated[str, text(88, 88, "[A-Za-z0-9+/]{86}==")] | None = None


POLL = Act(
    "fleet.poll",
    frozenset({GATEWAY}),
    "look",
    "/fleet/v1/poll",
    FeedQuestion,
    ActAnswer,
    "Follow the log: the entries after `after`, and a lease. It waits for news for `waitMs` at most.",
    IN_PLACE,
    1 << 16,
)
