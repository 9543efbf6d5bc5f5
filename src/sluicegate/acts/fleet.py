"""Acts of and about gateways: list them; the question that a gateway asks the feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate.acts.act import AGENCY, DEVELOPER, GATEWAY, Act, ActAnswer, Arguments, Nothing
from sluicegate.acts.fields import Identifier, PlainName, ShortText, some, text
from sluicegate.acts.growth import IN_PLACE, ONCE
from sluicegate_record.form import Json, Verbatim, form, within

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


@form
class FleetReport(Arguments):
    """What a run of a gateway reports of its use. `proven` are grants under which a call has succeeded;
    `missing` are keys of identity providers that it was asked to verify with and does not have.

    Nothing depends on it: a report that is lost costs no lease.
    """

    gateway: PlainName
    incarnation: PlainName
    surface: ShortText = ""
    proven: Annotated[tuple[Identifier, ...], some(Identifier, 0, 100)] = ()
    usage: Annotated[tuple[UsageRow, ...], some(UsageRow, 0, 1_000)] = ()
    missing: Annotated[tuple[MissingKey, ...], some(MissingKey, 0, 100)] = ()


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
class FeedQuestion(Verbatim, Arguments):
    """A gateway's question to the feed (DESIGN 4.5), and in `source` exactly what it sent.

    A run that shows its `key` signs every question, see `sluicegate_record.log.acknowledgement`. A run that
    says who is the `spender` gets its part of the rates with its lease.
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
    spender: Annotated[str, text(32, 32, "[0-9a-f]{32}")] | None = None
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
