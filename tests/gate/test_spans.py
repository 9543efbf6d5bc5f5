"""Spans: what is in one, that a collector gets it, and that no request waits for one."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sluicegate.gate import span_log, spans
from sluicegate.gate.dialects import ENDPOINTS
from sluicegate.gate.span_log import COUNTS, environment
from sluicegate.gate.span_sender import Sender, _Once
from sluicegate.processes import is_readable
from tests.gate.clients import chat, get, post
from tests.gate.running import Running, running
from tests.gate.test_cut import begin
from tests.gate.test_request_log import CHAT, REFUSED, SECRET, asked
from tests.gate.world import FALLBACK, MODEL
from tests.waiting import BOUND_S, eventually
from tests.worlds import AT_MS

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
SERVER = {"server.address", "server.port"}


# What is in one

LINE: dict[str, Any] = {
    "time": "2026-11-02T09:00:00.250Z",
    "request": "req_0123456789abcdef01234567",
    "credential": "cred_1",
    "organization": "org_1",
    "path": CHAT,
    "model": MODEL,
    "fallback": None,
    "decision": "allow",
    "reason": None,
    "directive": None,
    "outcome": "answered",
    "status": 200,
    "upstreamStatus": 200,
    "bytesIn": 10,
    "bytesOut": 20,
    "firstByteMs": 1.5,
    "totalMs": 2.125,
}


def read(parent: str = "", **changes: Any) -> spans.RequestSpan:
    return spans.read(spans.written(parent.encode(), json.dumps(LINE | changes).encode()))


def test_a_span_has_the_words_of_the_conventions_and_not_whose_request_it_was():
    span = read()
    assert span.name == f"chat {MODEL}"
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "http.route": CHAT,
        "http.response.status_code": 200,
        "sluicegate.request.id": LINE["request"],
        "sluicegate.decision": "allow",
        "sluicegate.outcome": "answered",
        "sluicegate.upstream.status_code": 200,
        "sluicegate.first_byte_ms": 1.5,
    }
    assert (span.began_ns, span.ended_ns) == (1_793_610_000_250_000_000, 1_793_610_000_252_125_000)
    assert span.failed is False


def test_without_a_parent_the_requests_id_leads_to_the_span():
    span = read()
    assert f"{span.trace:032x}" == "00000000" + LINE["request"].removeprefix("req_")
    assert LINE["request"].endswith(f"{span.id:016x}")
    assert span.parent is None


def test_a_span_belongs_to_the_clients():
    span = read(PARENT)
    assert span.parent == spans.Parent(int(TRACE, 16), int(SPAN, 16))
    assert span.trace == int(TRACE, 16)
    assert span.id == read().id


def refused(reason: str, **more: Any) -> dict[str, Any]:
    return {"decision": "deny", "reason": reason, "outcome": reason} | more


ENDS: dict[str, tuple[dict[str, Any], str | None, bool]] = {
    "a refusal": (refused("not_admitted", status=403), "not_admitted", False),
    "a cut stream": (refused("directive_in_force", decision="cut"), "directive_in_force", True),
    "a stale gateway": (refused("gate_stale", status=503), "gate_stale", True),
    "an upstream that fails": ({"outcome": "upstream_failed", "status": 502}, "upstream_failed", True),
    "an upstream that fails in a stream": ({"outcome": "upstream_failed"}, "upstream_failed", True),
    "an error of the upstream's": ({"status": 429, "upstreamStatus": 429}, "429", False),
    "a fault of the upstream's": ({"status": 500, "upstreamStatus": 500}, "500", True),
    "a client that leaves": ({"outcome": "client_gone", "status": 0}, "client_gone", False),
    "a list": ({"outcome": "listed", "path": "/v1/models"}, None, False),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_went_wrong(case):
    changes, error, failed = ENDS[case]
    span = read(**changes)
    assert (span.attributes.get("error.type"), span.failed) == (error, failed)


def test_every_path_that_a_line_has_is_an_operation():
    assert {path.decode() for path in ENDPOINTS} | {"/v1/models", "/v1/models/", "other"} == set(
        spans.OPERATIONS
    )
    assert read(path="other", model=None).name == "other"
    assert "http.route" not in read(path="other").attributes
    assert "gen_ai.provider.name" not in read(path="/v1/models").attributes
    assert read(path="/v1/messages").attributes["gen_ai.provider.name"] == "anthropic"


def test_the_documented_attributes_are_all_there_are():
    full = dict.fromkeys(("model", "fallback", "decision", "reason", "directive"), "x")
    assert set(read(**full).attributes) | SERVER == set(spans.ATTRIBUTES)


BAD_PARENTS = [
    b"",
    b"01-%b-%b-01" % (TRACE.encode(), SPAN.encode()),
    b"ff-%b-%b-01" % (TRACE.encode(), SPAN.encode()),
    PARENT.encode().upper(),
    PARENT.encode() + b"-more",
    PARENT.encode() + b"\n",
    PARENT.encode()[:-1],
    b" " + PARENT.encode(),
    b"00-%b-%b-01" % (b"0" * 32, SPAN.encode()),
    b"00-%b-%b-01" % (TRACE.encode(), b"0" * 16),
    b"00-%b-%b-0g" % (TRACE.encode(), SPAN.encode()),
    b"00-%b-%b-01" % (TRACE.encode() + b"0", SPAN.encode()[1:]),
    b"00-" + "\u0660".encode() * 16 + b"-" + SPAN.encode() + b"-01",
    f"00_{TRACE}_{SPAN}_01".encode(),
    SECRET.encode(),
]


@pytest.mark.parametrize("value", BAD_PARENTS)
def test_a_parent_that_is_not_exactly_one_is_ignored(value):
    assert spans.traceparent([(b"traceparent", value)]) == b""


def test_one_parent_and_no_two():
    assert spans.traceparent([(b"accept", b"*/*"), (b"traceparent", PARENT.encode())]) == PARENT.encode()
    assert spans.traceparent([(b"traceparent", PARENT.encode())] * 2) == b""
    assert spans.traceparent([(b"x-traceparent", PARENT.encode())]) == b""


def test_opentelemetry_has_it_so(tmp_path):
    exporter = InMemorySpanExporter()
    with (tmp_path / "counts").open("w+b") as counts:
        about = {"service.name": "sluicegate", "service.version": "1"}
        sender = Sender(exporter, counts.fileno(), about, {"server.port": 8700})
        cut = json.dumps(LINE | {"decision": "cut", "reason": "gate_stale"}).encode()
        sender.send([spans.written(PARENT.encode(), cut), spans.written(b"", json.dumps(LINE).encode())])
        assert COUNTS.unpack(counts.read()) == (2, 0)
        first, second = exporter.get_finished_spans()
        assert first.kind is SpanKind.SERVER
        assert first.status.status_code is StatusCode.ERROR
        assert second.status.status_code is StatusCode.UNSET
        assert first.attributes is not None
        assert first.attributes["server.port"] == 8700
        assert first.parent is not None
        assert first.parent.is_remote
        assert first.parent.span_id == int(SPAN, 16)
        exporter.shutdown()
        sender.send([spans.written(b"", cut)])
        counts.seek(0)
        assert COUNTS.unpack(counts.read()) == (3, 1)


# A collector


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP: answers with `status`, once `gate` is open."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.spans: list[trace_pb2.Span] = []
        self.bodies: list[bytes] = []
        self.resource: dict[str, Any] = {}
        self.gate = threading.Event()
        self.asked = threading.Event()
        self.status = 200
        self.gate.set()

    @property
    def environment(self) -> dict[str, str]:
        return environment({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}"})

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = values(each.resource)
            self.spans += [span for scope in each.scope_spans for span in scope.spans]


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        self.server.gate.wait(BOUND_S)
        status = self.server.status
        if status == 200:
            self.server.take(body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


def values(of: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.gate.set()
        serving.shutdown()
        thread.join(BOUND_S)


def collected(collector: Collector, count: int) -> list[trace_pb2.Span]:
    """The spans, in the order in which they ended."""
    assert eventually(lambda: len(collector.spans) >= count)
    assert len(collector.spans) == count
    return collector.spans


def lost(gate: Running) -> float:
    (line,) = [
        each
        for each in get(f"{gate.url}/metrics")[1].splitlines()
        if each.startswith("sluicegate_spans_dropped_total")
    ]
    return float(line.split()[1])


def test_an_answered_request_has_a_span(world, quick, collector):
    key = world.customer()
    with running(world, quick, spans=collector.environment, name="gateway-7") as gate:
        request = post(
            CHAT,
            chat(user=SECRET, padding=SECRET),
            key,
            f"traceparent: {PARENT}",
            f"tracestate: a={SECRET}",
            f"baggage: a={SECRET}",
        )
        _, headers, _ = asked(gate, request)
        (span,) = collected(collector, 1)
        (row,) = gate.engine.table.credentials.values()
        assert lost(gate) == 0
    assert span.name == f"chat {MODEL}"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert span.trace_state == ""
    assert span.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert span.status.code == trace_pb2.Status.STATUS_CODE_UNSET
    assert span.start_time_unix_nano <= span.end_time_unix_nano <= (AT_MS + 1) * 1_000_000
    said = values(span)
    assert said.pop("sluicegate.first_byte_ms") > 0
    assert said == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "http.route": CHAT,
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": 0,
        "sluicegate.request.id": headers["x-sluicegate-request-id"],
        "sluicegate.decision": "allow",
        "sluicegate.outcome": "answered",
        "sluicegate.upstream.status_code": 200,
    }
    assert collector.resource["service.name"] == "sluicegate"
    assert collector.resource["service.instance.id"] == "gateway-7"
    sent = b"".join(collector.bodies)
    for private in (SECRET, key, row.id, row.grant.organization):
        assert private.encode() not in sent


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_has_a_span_without_the_callers_words(world, quick, collector, case):
    make, expected = REFUSED[case]
    key = world.customer()
    with running(world, quick, spans=collector.environment) as gate:
        asked(gate, make(key))
        (span,) = collected(collector, 1)
    said = values(span)
    assert said.get("sluicegate.reason") == expected.get("reason")
    assert said["error.type"] == (expected.get("reason") or expected["outcome"])
    assert said.get("sluicegate.decision") == expected.get("decision", "deny")
    assert said["http.response.status_code"] == expected.get("status", said["http.response.status_code"])
    assert span.parent_span_id == b""
    assert SECRET.encode() not in b"".join(collector.bodies)


def test_a_cut_stream_has_a_span_that_says_who_cut_it(world, paced, collector):
    key = world.customer()
    with running(world, paced, spans=collector.environment) as gate, begin(gate, key) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        client.rest()
        (span,) = collected(collector, 1)
    said = values(span)
    told = {"decision": "cut", "reason": "directive_in_force", "directive": "bis-1"}
    assert {name: said[f"sluicegate.{name}"] for name in told} == told
    assert said["error.type"] == "directive_in_force"
    assert span.status.code == trace_pb2.Status.STATUS_CODE_ERROR


def test_a_fallback_is_the_model_that_answered(world, quick, collector):
    key, _, _ = world.falling_back()
    with running(world, quick, spans=collector.environment) as gate:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        asked(gate, post(CHAT, chat(), key))
        (span,) = collected(collector, 1)
    said = values(span)
    assert (said["gen_ai.request.model"], said["gen_ai.response.model"]) == (MODEL, FALLBACK)


def test_probes_leave_no_span(world, quick, collector):
    with running(world, quick, spans=collector.environment) as gate:
        get(f"{gate.url}/healthz")
        asked(gate, post(CHAT, chat(), None))
        assert values(*collected(collector, 1))["http.route"] == CHAT


def test_a_line_in_the_log_too(world, quick, collector, tmp_path):
    key = world.customer()
    with running(world, quick, spans=collector.environment, request_log=str(tmp_path / "log")) as gate:
        asked(gate, post(CHAT, chat(), key))
        (span,) = collected(collector, 1)
    line = json.loads((tmp_path / "log").read_text())
    assert line["request"] == values(span)["sluicegate.request.id"]


def test_the_operators_words_win(world, quick, collector):
    named = {"OTEL_SERVICE_NAME": "edge", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
    with running(world, quick, spans=collector.environment | named) as gate:
        asked(gate, post(CHAT, chat(), None))
        collected(collector, 1)
    assert collector.resource["service.name"] == "edge"
    assert collector.resource["deployment.environment.name"] == "test"
    assert collector.resource["sluicegate.surface"] == "api"


# No request waits


def test_a_collector_that_does_not_answer_holds_no_one(world, quick, collector):
    key = world.customer()
    collector.gate.clear()
    with running(world, quick, spans=collector.environment) as gate:
        asked(gate, post(CHAT, chat(), key))
        assert collector.asked.wait(BOUND_S)
        for _ in range(20):
            assert asked(gate, post(CHAT, chat(), key))[0] == 200
        assert collector.spans == []
        collector.gate.set()
        assert len(collected(collector, 21)) == 21
        assert lost(gate) == 0


def test_what_a_collector_refuses_is_lost_and_counted(world, quick, collector):
    key = world.customer()
    collector.status = 400
    with running(world, quick, spans=collector.environment) as gate:
        assert asked(gate, post(CHAT, chat(), key))[0] == 200
        assert eventually(lambda: lost(gate) == 1)
        collector.status = 200
        assert asked(gate, post(CHAT, chat(), key))[0] == 200
        collected(collector, 1)
        assert lost(gate) == 1


def test_a_collector_that_is_not_there(world, quick, collector):
    key = world.customer()
    away = collector.environment | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with running(world, quick, spans=away) as gate:
        assert asked(gate, post(CHAT, chat(), key))[0] == 200
        assert eventually(lambda: lost(gate) == 1)
        assert asked(gate, post(CHAT, chat(), key))[0] == 200


def sender(gate: Running) -> subprocess.Popen[bytes]:
    assert gate.spans is not None
    return gate.spans._senders._sender._process


def test_a_sender_that_ends_is_started_again_and_its_spans_are_counted(world, quick, collector, monkeypatch):
    monkeypatch.setattr(span_log, "PAUSE_S", 0.0)
    key = world.customer()
    collector.gate.clear()
    with running(world, quick, spans=collector.environment) as gate:
        asked(gate, post(CHAT, chat(), key))
        assert collector.asked.wait(BOUND_S)
        first = sender(gate)
        first.kill()
        first.wait()
        assert lost(gate) == 1
        collector.status = 400  # whoever still waits is of the first process
        collector.gate.set()
        asked(gate, post(CHAT, chat(), key))
        assert eventually(lambda: lost(gate) == 2)
        assert sender(gate).pid != first.pid


def test_it_is_not_started_again_at_once(world, quick, collector):
    key = world.customer()
    with running(world, quick, spans=collector.environment) as gate:
        first = sender(gate)
        first.kill()
        first.wait()
        asked(gate, post(CHAT, chat(), key))
        assert eventually(lambda: lost(gate) == 1)
        assert sender(gate) is first


def test_the_sender_has_no_secret_and_ends_with_the_gateway(world, quick, collector, monkeypatch):
    monkeypatch.setenv("SLUICEGATE_UPSTREAM_KEY_DEMO", SECRET)
    monkeypatch.setenv("OTHER_KEY", SECRET)
    given = environment(dict(os.environ) | collector.environment)
    with running(world, quick, spans=given, token=SECRET, upstreams={}) as gate:
        process = sender(gate)
        here = Path(f"/proc/{process.pid}")
        assert eventually(lambda: b"span_sender" in (here / "cmdline").read_bytes())
        assert SECRET.encode() not in (here / "environ").read_bytes() + (here / "cmdline").read_bytes()
        assert b"OTEL_EXPORTER_OTLP_ENDPOINT" in (here / "environ").read_bytes()
    assert process.poll() is not None


STAND_IN = """
import os, signal, subprocess, sys
program, about = sys.argv[1:]
print(subprocess.Popen([sys.executable, "-m", program, "0", f"{os.getpid()}", about]).pid, flush=True)
signal.pause()
"""


def test_the_sender_ends_with_a_gateway_that_is_killed_while_others_have_the_pipe():
    about = json.dumps([{"service.name": "sluicegate", "service.version": "1"}, {}])
    started = [sys.executable, "-c", STAND_IN, span_log._PROGRAM, about]
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as gateway:
        assert gateway.stdout is not None
        process = os.pidfd_open(int(gateway.stdout.readline()))
        try:
            gateway.kill()
            gateway.wait()
            assert is_readable(process, BOUND_S)
        finally:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            os.close(process)


def test_what_waits_is_sent_at_the_end(world, quick, collector):
    key = world.customer()
    with running(world, quick, spans=collector.environment) as gate:
        asked(gate, post(CHAT, chat(), None))
        collected(collector, 1)  # the process runs
        asked(gate, post(CHAT, chat(), key))
    collected(collector, 2)


def test_a_collector_that_is_away_for_long_is_said_once(caplog):
    once, log = _Once(), logging.getLogger("a collector")
    log.addFilter(once)

    def fail() -> None:
        log.warning("away: tried again in %d s", len(caplog.records))
        log.warning("lost")

    fail()
    fail()
    once.forget()
    fail()
    log.removeFilter(once)
    assert [each.message[:4] for each in caplog.records] == ["away", "lost"] * 2


def test_a_collector_that_refuses_is_said_once_until_it_takes_spans(world, quick, collector, capfd):
    key = world.customer()
    with running(world, quick, spans=collector.environment) as gate:
        for count, status in enumerate((400, 400, 200, 400), 1):
            collector.status = status
            asked(gate, post(CHAT, chat(), key))
            assert eventually(lambda: len(collector.spans) + lost(gate) == count)  # noqa: B023 - called here
    assert capfd.readouterr().err.count("spans: Failed to export") == 2


# Whether any are sent

TO = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
NONE: dict[str, dict[str, str]] = {
    "no variable": {"HOME": "/"},
    "an empty one": {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    "disabled": TO | {"OTEL_SDK_DISABLED": "true"},
}


@pytest.mark.parametrize("case", NONE)
def test_no_spans_are_sent_unless_it_is_said_where(case, caplog):
    assert environment(NONE[case]) == {}
    assert caplog.text == ""


def test_none_are_sent_if_opentelemetry_is_not_installed(monkeypatch, caplog):
    monkeypatch.setattr(span_log, "_SDK", "no_such_package.trace_exporter")
    assert environment({}) == {}
    assert caplog.text == ""
    assert environment(TO) == {}
    assert "pip install sluicegate[otel]" in caplog.text


def test_the_process_gets_what_it_needs_and_no_more():
    needed = TO | {
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
        "https_proxy": "p",
        "HTTPS_PROXY": "p",
        "SSL_CERT_FILE": "f",
    }
    assert environment(needed | {"SLUICEGATE_TOKEN": SECRET, "HOME": "/", "NO_OTEL_": "x"}) == needed
    traces = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}
    assert environment(traces) == traces


def test_without_spans_there_is_no_process(world, quick):
    with running(world, quick) as gate:
        assert "sluicegate_spans" not in get(f"{gate.url}/metrics")[1]
        asked(gate, post(CHAT, chat(), None, f"traceparent: {PARENT}"))
