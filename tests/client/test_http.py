"""A party's HTTP client against servers that break off, answer early, or are none."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread

import pytest

from sluicegate.acts.act import ANYONE, Act, ActAnswer, Arguments
from sluicegate.client.http import USUAL, Client, Patience
from sluicegate.errors import CommandRefused, InvalidInput, Unreachable
from sluicegate.processes import is_readable
from sluicegate_record.form import form

Turn = Callable[[socket.socket], None]
"""What a server does with a connection once it has read the head of a request."""


@form
class Words(Arguments):
    """What is sent."""

    text: str = ""


@form
class Search(Arguments):
    """What is asked for, in the path and in the query."""

    case: str = "case_1"
    organization: str = ""
    limit: int = 0


SEND = Act("x.send", ANYONE, "command", "/api/v1/x", Words, ActAnswer, "")
ASK = Act("x.ask", ANYONE, "question", "/api/v1/cases/{case}", Search, ActAnswer, "")
SEARCH = Search(case="a b?c#d", organization="Ü & Co", limit=5)


def answers(status: int, body: object, *, promised: int | None = None) -> Turn:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = len(data) if promised is None else promised

    def turn(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 %d Said\r\ncontent-length: %d\r\n\r\n%s" % (status, length, data))

    return turn


def busy(status: int, told: object = None) -> Turn:
    """Nothing was done, and the client may ask again at once."""
    data = json.dumps(told).encode()

    def turn(connection: socket.socket) -> None:
        head = b"HTTP/1.1 %d Busy\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        connection.sendall(head % (status, len(data)) + data)

    return turn


def exhausted(connection: socket.socket) -> None:
    """A day's allowance is used: nothing was done, and will not be for hours."""
    error = {"code": "too_many_keys", "message": "2,000 a day", "remedy": "again at noon", "at": []}
    data = json.dumps({"error": error}).encode()
    head = b"HTTP/1.1 429 Too Many\r\nretry-after: 7200\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    connection.sendall(head % len(data) + data)


def is_silent(connection: socket.socket) -> None:
    pass


@contextmanager
def asking(
    *turns: Turn, under: str = "", token: str = "", patience: Patience = USUAL
) -> Iterator[tuple[Client, list[bytes]]]:
    """A client of a server that does one turn a connection and closes it; and the heads of its requests."""
    heads: list[bytes] = []

    def serve() -> None:
        for turn in turns:
            connection, _ = listener.accept()
            with connection:
                heads.append(head_of(connection))
                turn(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}{under}"
        with closing(Client(url, token, patience=patience)) as client:
            yield client, heads
        thread.join(30)
        assert not thread.is_alive(), f"asked {len(heads)} times, not {len(turns)}"


def head_of(connection: socket.socket) -> bytes:
    """A request up to the end of its head; of its body, what came with that."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(1_024)
    return read


def field(head: bytes, name: bytes) -> bytes:
    (value,) = (
        line.partition(b": ")[2] for line in head.split(b"\r\n") if line.lower().startswith(name + b": ")
    )
    return value


@pytest.mark.parametrize("breaks", [is_silent, answers(200, b"{}", promised=99)], ids=["silent", "half"])
def test_a_command_whose_connection_breaks_is_sent_again_as_the_same_command(breaks):
    with asking(breaks, breaks, answers(200, {"done": 1})) as (client, heads):
        assert client.do(SEND, Words(text="é")).unknown == {"done": 1}
    assert len(heads) == 3 == USUAL.tries
    assert len({field(head, b"idempotency-key") for head in heads}) == 1


def test_it_is_sent_so_often_and_no_more():
    with (
        asking(*[is_silent] * USUAL.tries) as (client, heads),
        pytest.raises(Unreachable, match="no answer from http"),
    ):
        client.do(ASK, SEARCH)
    assert len(heads) == USUAL.tries


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"])
def test_an_answer_that_comes_byte_by_byte_has_a_deadline_as_a_whole(begins):
    over = Event()

    def drips(connection: socket.socket) -> None:
        connection.sendall(begins)
        with suppress(OSError):
            while not over.wait(0.01):
                connection.sendall(b"H")

    with asking(drips, patience=Patience(whole_s=0.2)) as (client, heads):
        with pytest.raises(Unreachable, match="it takes too long"):
            client.do(ASK, SEARCH)
        over.set()
    assert len(heads) == 1


def test_two_commands_have_two_ids_on_one_connection_while_it_lasts():
    def twice(connection: socket.socket) -> None:
        answers(200, {})(connection)
        heads.append(head_of(connection))
        answers(200, {})(connection)

    with asking(twice) as (client, heads):
        client.do(SEND, Words())
        client.do(SEND, Words())
    assert len({field(head, b"idempotency-key") for head in heads}) == 2


def test_an_answer_that_comes_before_all_is_sent_is_heard():
    told = {"error": {"code": "too_large", "message": "a body of many bytes", "remedy": "", "at": []}}
    with asking(answers(413, told)) as (client, _), pytest.raises(InvalidInput, match="a body of many bytes"):
        client.do(SEND, Words(text="x" * 32 * 1024 * 1024))


def test_a_path_and_a_query_come_as_they_were_given():
    with asking(answers(200, {}), under="/in/", token="sgt_1") as (client, heads):
        client.do(ASK, SEARCH)
    assert heads[0].split(b" ")[1] == b"/in/api/v1/cases/a%20b%3Fc%23d?organization=%C3%9C+%26+Co&limit=5"
    assert field(heads[0], b"authorization") == b"Bearer sgt_1"


@pytest.mark.parametrize("status", [302, 404, 503])
def test_what_is_no_answer_of_a_control_plane_is_told(status):
    with (
        asking(answers(status, b"<html>")) as (client, _),
        pytest.raises(Unreachable, match=f"answered {status}, not as a control plane does"),
    ):
        client.do(ASK, SEARCH)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again_under_the_same_name(status):
    with asking(busy(status), busy(status), answers(200, {})) as (client, heads):
        client.do(SEND, Words())
    assert len({field(head, b"idempotency-key") for head in heads}) == 1
    assert len(heads) == 3


def test_a_server_that_stays_busy_is_told_as_that():
    told = {"error": {"code": "server_busy", "message": "it is busy", "remedy": "ask again", "at": []}}
    with (
        asking(*[busy(503, told)] * USUAL.tries) as (client, heads),
        pytest.raises(Unreachable, match="it is busy") as caught,
    ):
        client.do(SEND, Words())
    assert (caught.value.code, len(heads)) == ("server_busy", USUAL.tries)


def test_a_refusal_is_what_the_control_plane_says():
    told = {"error": {"code": "case_over", "message": "it is over", "remedy": "look", "at": []}}
    with (
        asking(answers(409, told)) as (client, _),
        pytest.raises(CommandRefused, match="it is over") as refused,
    ):
        client.do(SEND, Words())
    assert (refused.value.code, refused.value.remedy) == ("case_over", "look")


@pytest.mark.parametrize(
    "url",
    ["not a url", "ftp://127.0.0.1", "http://", "https://:8600", "http://[", "http://a b", "http://a..b",
     "http://127.0.0.1:port", "http://127.0.0.1:99999", "127.0.0.1:8600"],
)  # fmt: skip
def test_a_url_that_is_none_is_told_before_anything_is_asked(url):
    with pytest.raises(InvalidInput, match="is not the URL of a control plane") as refused:
        Client(url, "")
    assert refused.value.remedy == "set SLUICEGATE_URL, or log in"


@pytest.mark.parametrize("token", ["sgt_é", "sgt_a\r\nx: y", "\x00"])
def test_a_token_that_no_header_can_hold_is_told(token):
    with pytest.raises(InvalidInput, match="characters that no token has"):
        Client("http://127.0.0.1:1", token)


def test_what_a_day_allows_no_more_is_a_refusal_and_is_not_asked_again():
    with (
        asking(exhausted) as (client, heads),
        pytest.raises(CommandRefused, match="2,000 a day") as refused,
    ):
        client.do(SEND, Words(text="a"))
    assert (len(heads), refused.value.code) == (1, "too_many_keys")


def test_a_connection_that_a_server_ended_while_idle_is_not_asked():
    """Also for what is sent once only: it would not be known whether it was done."""
    told = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(told)

        thread = Thread(target=serve)
        thread.start()
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}", "", patience=Patience(30.0, 1))
        assert client.raw("/") == b"{}"
        held = client._connection.sock
        assert is_readable(held.fileno(), 30)
        assert client.raw("/") == b"{}"
        client.close()
        thread.join()
