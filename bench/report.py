"""The figures with their units and budgets (DESIGN 6), and the report of them.

The report shows a missed budget, but that is not a failure. A missing required figure is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.pages import QUEUES, ROUTE_SEARCHES, ROUTES, SEARCHES


@dataclass(frozen=True, slots=True)
class Row:
    """A figure's unit and budget: its maximum, or its minimum with `at_least`; None: no budget."""

    unit: str
    budget: float | None = None
    at_least: bool = False

    def ok(self, value: float) -> bool | None:
        """Whether a value is within the budget."""
        if self.budget is None:
            return None
        return value >= self.budget if self.at_least else value <= self.budget


PAGES = (*SEARCHES, *ROUTES.values(), *ROUTE_SEARCHES, *QUEUES)
"""What is measured of pages. `page_p95_ms` is that of the slowest one."""
CUTS = ("directive_cut", "directive_cut_persons", "directive_cut_10k")
CORES = ("load_cores", "upstream_cores", "load_average")
"""How busy the load, the model's server and the machine were just before an order came."""
ATTACKS = ("deep", "brackets", "bombs", "assertions", "unread", "silent")
"""What a key's holder or a stranger does to a gateway. `hostile_p99_ratio` is the figure of the worst."""
PROXIES = ("gateway", "envoy", "nginx", "vllm-router", "smg", "direct")
"""What answers the same calls: the gateway, plain proxies beside it, and the model server without any."""
OPTIONAL = ("nginx_", "vllm-router_", "smg_", "traced_")
"""Figures of peers, and of spans, that are not on every machine."""
ROWS: dict[str, Row] = {
    "decide_ratio": Row("of SHA-256, look-up", 3),
    "decide_us": Row("µs"),
    "decide_vs_cedarpy": Row("times faster", 8, at_least=True),
    "decide_1m_ratio": Row("times", 1.5),
    "revocation_cost_ratio": Row("times", 2),
    "table_bytes": Row("bytes/credential", 650),
    "gateway_request_ratio": Row("of Envoy's", 1.0),
    "gateway_stream_ratio": Row("of Envoy's", 0.8),
    "gateway_first_chunk_ratio": Row("of Envoy's", 2),
    "gateway_first_chunk_p50_ratio": Row("of Envoy's"),
    "gateway_first_chunk_p99_ratio": Row("of Envoy's"),
    **{f"{name}_{what}_cpu_ms": Row("ms") for name in PROXIES for what in ("request", "stream")},
    **{f"{name}_first_chunk_{each}_ms": Row("ms") for name in PROXIES[:-1] for each in ("p50", "p99")},
    "gateway_first_chunk_ms": Row("ms", 0.5),
    "traced_request_ratio": Row("of untraced"),
    "traced_sender_cpu_ms": Row("ms"),
    "directive_cut_ratio": Row("of a broadcast", 2),
    "broadcast_ms": Row("ms"),
    "directive_cut_ms": Row("ms", 50),
    "directive_cut_persons_ms": Row("ms", 50),
    "directive_cut_10k_ms": Row("ms", 250),
    "directive_bound_ms": Row("ms", 5_000),
    "directive_counted_out_ms": Row("ms"),
    "directive_annex_accepted_ms": Row("ms"),
    "directive_annex_answered_ms": Row("ms"),
    "directive_annex_acknowledged_ms": Row("ms"),
    "directive_annex_request_ratio": Row("times"),
    **{f"{name}_{what}_ms": Row("ms") for name in CUTS for what in ("median", "last", "acknowledged")},
    **{f"{name}_{what}": Row("cores") for name in CUTS for what in CORES},
    "feed_answer_p50_ms": Row("ms"),
    "feed_answer_p99_ms": Row("ms", 10),
    "feed_ready_ms": Row("ms", 1_667),
    "flood_refusals": Row("of answers", 0),
    "flood_order_ms": Row("ms", 1_000),
    "hostile_p99_ratio": Row("of quiet", 2),
    **{f"hostile_{name}_ratio": Row("of quiet") for name in ATTACKS},
    "hostile_hold_ms": Row("ms", 20),
    "ledger_command_ratio": Row("of fsync/s", 0.3, at_least=True),
    "ledger_batched_ratio": Row("times", 5, at_least=True),
    "replay_entries_s": Row("entries/s", 50_000, at_least=True),
    "replay_ratio": Row("of JSON, SHA-256", 0.4, at_least=True),
    "audit_entries_s": Row("entries/s", 150_000, at_least=True),
    "proof_us": Row("µs", 50),
    "proof_ratio": Row("ratio", 2),
    "proof_stored_us": Row("µs"),
    "proof_floor_us": Row("µs"),
    "page_ratio": Row("ratio", 3),
    "page_time_ratio": Row("ratio", 3),
    **{f"{name}_ratio": Row("ratio") for name in PAGES},
    "page_p95_ms": Row("ms", 100),
    **{f"{name}_ms": Row("ms") for name in PAGES},
    "report_ms": Row("ms"),
    "tick_10k_s": Row("s", 5),
    "tick_order_ms": Row("ms", 100),
    "cli_start_ratio": Row("times", 2),
    "cli_start_list_ratio": Row("times", 3),
    **{f"cli_{name}_cpu_ms": Row("ms") for name in ("bare", "version", "list")},
}
"""Every figure; all are required but those of `OPTIONAL`."""


def missing(values: Mapping[str, float]) -> list[str]:
    """The required figures that were not measured."""
    return [name for name in ROWS if name not in values and not name.startswith(OPTIONAL)]


def write(values: Mapping[str, float], path: Path) -> None:
    """Write the figures as JSON: `[{name, value, unit, budget, ok}]`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            [_told(name, values[name]) for name in ROWS if name in values], indent=2, ensure_ascii=False
        )
        + "\n"
    )


def table(values: Mapping[str, float]) -> str:
    """The figures as a table, with the peers that were not there to be measured beside the gateway."""
    lines = [f"{'':26}{'measured':>12}  {'':18}{'budget':>12}"]
    for name, row in ROWS.items():
        if name in values:
            sign = "" if row.budget is None else f"{'≥' if row.at_least else '≤'} {row.budget:,g}"
            verdict = {True: "", False: "  NOT MET", None: ""}[row.ok(values[name])]
            lines.append(f"{name:26}{_shown(values[name]):>12}  {row.unit:18}{sign:>12}{verdict}")
        elif name.startswith(OPTIONAL) and "gateway_request_cpu_ms" in values:
            lines.append(f"{name:26}{'–':>12}  not installed")
    return "\n".join(lines)


def _told(name: str, value: float) -> dict[str, Any]:
    row = ROWS[name]
    return {
        "name": name,
        "value": float(f"{value:.4g}"),
        "unit": row.unit,
        "budget": row.budget,
        "ok": row.ok(value),
    }


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
