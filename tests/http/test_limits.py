"""Limits in time and number, over sockets: what waits too long goes, and what is answered stays."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest

from sluicegate.http import tcp
from sluicegate.http.connection import HttpConnection
from tests.http.framing import GET, HOST
from tests.http.running import RunningServer, running, statuses
from tests.raw import Raw
from tests.waiting import BOUND_S, eventually

SHORT: dict[str, Any] = {"head_timeout_ms": 200, "body_timeout_ms": 200, "idle_timeout_ms": 200}
WAIT = b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n"


def test_a_slow_head_is_told_so_and_ended():
    with running(**SHORT) as served, Raw(served.port) as client:
        client.send(GET[:20])
        seen, _ = client.rest()
        assert (statuses(seen), b"request_too_slow" in seen) == ([408], True)
        assert served.echo.asked == []


def test_a_connection_that_says_nothing_is_ended():
    with running(**SHORT) as served, Raw(served.port) as client:
        assert client.rest() == (b"", False)


def test_empty_lines_are_not_the_beginning_of_a_head():
    with running(**SHORT) as served, Raw(served.port) as client:
        client.send(b"\r\n\r\n")
        assert client.rest() == (b"", False)


def test_an_idle_connection_is_ended():
    with running(**{**SHORT, "head_timeout_ms": 60_000}) as served, Raw(served.port) as client:
        assert client.send(GET).response()[0] == 200
        assert client.rest() == (b"", False)


def test_a_slow_second_head_is_ended():
    with running(**{**SHORT, "idle_timeout_ms": 60_000}) as served, Raw(served.port) as client:
        assert client.send(GET).response()[0] == 200
        seen, _ = client.send(GET[:20]).rest()
        assert statuses(seen) == [408]


@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"]
)
def test_a_slow_body_is_told_so_and_ended(framing: bytes, more: bytes):
    with running(**SHORT) as served, Raw(served.port) as client:
        client.send(b"POST /body HTTP/1.1\r\n" + HOST + more + framing)
        seen, _ = client.rest()
        assert statuses(seen)[-1] == 408
        assert eventually(lambda: served.echo.gone) == ["/body"]


def test_a_body_that_comes_in_time_is_not_measured_from_the_last_request():
    with running(**{**SHORT, "body_timeout_ms": 60_000}) as served, Raw(served.port) as client:
        for _ in range(3):
            client.send(b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{")
            eventually(lambda: ("POST", b"/body") in served.echo.asked)
            assert client.send(b"}").response()[0] == 200


def test_the_time_of_a_body_is_over_when_it_is_here():
    with running(**SHORT) as served, Raw(served.port) as client, Raw(served.port) as silent:
        client.send(b"POST /read-and-wait HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{")
        eventually(lambda: served.echo.asked)
        client.send(b"}")
        assert silent.rest() == (b"", False)  # by then the time is over
        served.let_go()
        assert client.response()[0] == 200
        assert client.send(GET).response()[0] == 200


def test_an_answer_that_takes_longer_than_all_of_these_is_given():
    with running(**SHORT) as served, Raw(served.port) as client, Raw(served.port) as silent:
        client.send(WAIT)
        assert silent.rest() == (b"", False)  # by then the times are over
        served.let_go()
        assert client.response()[0] == 200


def test_the_newest_connection_of_an_address_is_served_and_the_longest_idle_is_ended():
    with running(max_connections_of_address=3) as served, ExitStack() as stack:
        silent = [stack.enter_context(Raw(served.port)) for _ in range(3)]
        eventually(lambda: served.open_connections() == 3)
        with Raw(served.port) as client:
            assert client.send(GET).response()[0] == 200
            assert silent[0].rest() == (b"", False)
        assert [each.send(GET).response()[0] for each in silent[1:]] == [200, 200]


def test_half_a_head_is_idle_too():
    with running(max_connections=2) as served, Raw(served.port) as slow, Raw(served.port) as other:
        slow.send(GET[:20])
        other.send(GET[:20])
        eventually(lambda: served.open_connections() == 2)
        with Raw(served.port) as client:
            assert client.send(GET).response()[0] == 200


def test_if_all_are_being_answered_the_newest_is_told_to_come_again():
    with running(max_connections=1) as served, Raw(served.port) as client:
        client.send(WAIT)
        eventually(lambda: served.echo.release)
        with Raw(served.port) as late:
            status, fields, told = late.response()
            assert (status, fields["retry-after"], fields["connection"]) == (503, "1", "close")
            assert json.loads(told)["error"]["code"] == "server_busy"
        served.let_go()
        assert client.response()[0] == 200
        with Raw(served.port) as late:
            assert late.send(GET).response()[0] == 200


def test_a_stranger_who_reads_no_answer_makes_room_though_it_has_more_to_be_answered():
    with running(max_connections=1) as served, Raw(served.port, receive_buffer=2_048) as hoarding:
        served.echo.told = bytes(16 * 1024 * 1024)
        hoarding.send(2 * GET.replace(b"/after", b"/long"))
        eventually(lambda: served.echo.asked)
        with Raw(served.port) as client:
            assert client.send(GET).response()[0] == 200


def test_a_holder_stays_while_strangers_come():
    with running(max_connections=3) as served, Raw(served.port) as holder, ExitStack() as stack:
        holder.send(GET.replace(b"/after", b"/holder")).response()
        for _ in range(10):
            client = stack.enter_context(Raw(served.port))
            assert client.send(GET).response()[0] == 200
        assert holder.send(GET).response()[0] == 200


def address_of(served: RunningServer, *lines: bytes) -> str:
    with Raw(served.port) as client:
        fields = b"".join(line + b"\r\n" for line in lines)
        client.send(b"GET /first HTTP/1.1\r\n" + HOST + fields + b"\r\n")
        return str(json.loads(client.response()[2])["address"])


def test_the_address_of_a_request_is_the_clients_and_what_it_says_of_itself_counts_for_nothing():
    with running() as served:
        assert address_of(served, b"X-Forwarded-For: 192.0.2.7") == "127.0.0.1"


def test_the_address_of_a_request_is_the_last_one_that_a_proxy_of_ours_names():
    with running(proxies=(ip_network("127.0.0.0/8"),), max_connections_of_address=1) as served:
        assert address_of(served) == "127.0.0.1"
        assert address_of(served, b"X-Forwarded-For: 192.0.2.7") == "192.0.2.7"
        assert address_of(served, b"X-Forwarded-For: 10.0.0.1, 192.0.2.8") == "192.0.2.8"
        assert address_of(served, b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-For: ::1") == "::"
        with Raw(served.port) as first, Raw(served.port) as second:
            assert second.send(GET).response()[0] == 200
            assert first.send(GET).response()[0] == 200


def bytes_of_a_client_that_is_not_read(served: RunningServer) -> int:
    """How much of bodies is here of a connection of which no more is read now; 0 without one."""
    for connection in served.server._capacity:
        assert isinstance(connection, HttpConnection)
        if connection._is_reading_paused:
            return sum(each._waiting_bytes for each in connection._queue)
    return 0


def test_bodies_of_requests_that_wait_for_their_turn_do_not_pile_up():
    body = b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n" + bytes(60_000)
    with running() as served, Raw(served.port) as client:
        sending = threading.Thread(target=client.send, args=(WAIT + 16 * body,), daemon=True)
        sending.start()
        waiting = eventually(lambda: bytes_of_a_client_that_is_not_read(served))
        assert waiting < 400_000
        served.let_go()
        assert [client.response()[0] for _ in range(17)] == [200] * 17
        sending.join(BOUND_S)
        assert client.send(GET).response()[0] == 200


def test_a_client_that_does_not_read_is_reset():
    long = b"GET /long HTTP/1.1\r\n" + HOST + b"\r\n"
    with (
        running(write_timeout_ms=200, send_buffer_bytes=4_096, idle_timeout_ms=200) as served,
        Raw(served.port, receive_buffer=4_096) as client,
    ):
        served.echo.told = b"x" * 4_000_000
        client.send(long * 2)
        eventually(lambda: served.echo.asked and served.open_connections() == 0)
        assert client.rest()[1]


def test_an_end_waits_for_answers_and_takes_no_more_requests():
    with ExitStack() as stack:
        served = stack.enter_context(running(stop_grace_ms=60_000))
        client, idle, other = (stack.enter_context(Raw(served.port)) for _ in range(3))
        client.send(WAIT)
        idle.send(GET).response()
        other.send(GET[:20])
        eventually(lambda: served.echo.release and served.open_connections() == 3)
        stopping = served.stop_soon()
        assert idle.rest() == (b"", False)
        assert other.rest() == (b"", False)
        client.send(GET)
        served.let_go()
        status, fields, _ = client.response()
        assert (status, fields["connection"]) == (200, "close")
        assert client.rest() == (b"", False)
        stopping.result(60)


def test_an_end_ends_a_connection_also_where_its_answer_did_not_say_so():
    with running(stop_grace_ms=60_000) as served, Raw(served.port) as client:
        client.send(GET.replace(b"/after", b"/begin-and-wait"))
        assert "connection" not in client.response()[1]
        stopping = served.stop_soon()
        served.let_go()
        assert client.rest() == (b"", False)
        stopping.result(60)


def test_an_end_does_not_wait_for_ever():
    with running(stop_grace_ms=100) as served, Raw(served.port) as client:
        client.send(WAIT)
        eventually(lambda: served.echo.release)
        served.stop_soon().result(60)
        assert client.rest() == (b"", True)


def test_no_new_connection_is_taken_at_the_end():
    with running() as served:
        served.stop_soon().result(60)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port))


def test_clients_that_are_gone_before_the_server_looks_are_forgotten():
    """They have reset the connection while the loop did something else: then it has no address."""
    with running() as served:
        unhandled: list[str] = []
        served.loop.set_exception_handler(lambda _, told: unhandled.append(str(told)))
        is_held, go_on = threading.Event(), threading.Event()
        served.loop.call_soon_threadsafe(is_held.set)
        served.loop.call_soon_threadsafe(go_on.wait)
        is_held.wait()
        for _ in range(10):
            with Raw(served.port) as client:
                tcp.reset_at_close(client.sock)
        go_on.set()
        with Raw(served.port) as client:
            assert client.send(GET).response()[0] == 200
        eventually(lambda: served.open_connections() == 0)
        assert unhandled == []
