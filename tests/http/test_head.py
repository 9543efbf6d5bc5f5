"""A head has one reading, whatever the parser before it lets through."""

from __future__ import annotations

import pytest

from sluicegate.http import head
from sluicegate.http.head import BadRequest, RequestHead

HOST = (b"Host", b"server")


def read(*fields: tuple[bytes, bytes], target: bytes = b"/x?y", version: str = "1.1") -> RequestHead:
    return head.read(b"POST", target, version, list(fields), keep_alive=True)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (400, [HOST, (b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")]),
        (400, [HOST, (b"content-length", b"5"), (b"CONTENT-LENGTH", b"5")]),
        (400, [HOST, (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")]),
        (400, [HOST, (b"Content-Length", b"+5")]),
        (400, [HOST, (b"Content-Length", b"5_0")]),
        (400, [HOST, (b"Content-Length", b"\xb2")]),
        (400, [HOST, (b"Content-Length", b"")]),
        (501, [HOST, (b"Transfer-Encoding", b"chunked, identity")]),
        (400, [HOST, HOST]),
        (400, []),
    ],
)
def test_two_readings_are_none(status: int, fields: list[tuple[bytes, bytes]]):
    with pytest.raises(BadRequest) as caught:
        read(*fields)
    assert caught.value.status == status


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0"])
def test_other_versions_are_not_spoken(version: str):
    with pytest.raises(BadRequest) as caught:
        read(HOST, version=version)
    assert caught.value.status == 505


def test_a_head_is_kept_as_it_came():
    found = read(HOST, (b"X-Y", b" \t z "), (b"Expect", b"100-Continue"), target=b"/a%20?b%00")
    assert (found.path, found.query, found.method) == (b"/a%20", b"b%00", "POST")
    assert found.fields == [(b"host", b"server"), (b"x-y", b"z"), (b"expect", b"100-Continue")]
    assert found.expects_continue


def test_a_client_of_1_0_is_not_waited_for_and_not_kept():
    found = read((b"Expect", b"100-continue"), version="1.0")
    assert (found.expects_continue, found.keep_alive) == (False, False)
