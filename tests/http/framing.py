"""Requests, mostly wrong ones, and what any server of this project makes of them.

`GET /first` and `POST /body` stand for what a server answers, and for what it reads a body for.
"""

from __future__ import annotations

HOST = b"Host: server\r\n"
GET = b"GET /after HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = HOST + b"Transfer-Encoding: chunked\r\n"
POST = b"POST /body HTTP/1.1\r\n"
OFFER = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
TOKEN = b"Authorization: Bearer sgt_x\r\n"


def head(*lines: bytes) -> bytes:
    return b"GET /first HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


REFUSED = {
    "length and coding": (400, POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    "coding and length": (400, POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n"),
    "a request in a length beside a coding": (
        400,
        POST + CHUNKED + b"Content-Length: 4\r\n\r\n1e\r\nGET /smuggled HTTP/1.1\r\nHost: \r\n0\r\n\r\n",
    ),
    "two lengths": (400, POST + HOST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    "two different lengths": (400, POST + HOST + b"Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}"),
    "a list of lengths": (400, POST + HOST + b"Content-Length: 2, 2\r\n\r\n{}"),
    "a signed length": (400, POST + HOST + b"Content-Length: +2\r\n\r\n{}"),
    "a negative length": (400, POST + HOST + b"Content-Length: -2\r\n\r\n{}"),
    "a hexadecimal length": (400, POST + HOST + b"Content-Length: 0x2\r\n\r\n{}"),
    "a length with a blank": (400, POST + HOST + b"Content-Length: 2 0\r\n\r\n{}"),
    "an empty length": (400, POST + HOST + b"Content-Length:\r\n\r\n"),
    "a huge length": (400, POST + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n{}"),
    "a length that no one has": (400, POST + HOST + b"Content-Length: 9999999999999999999\r\n\r\n{}"),
    "another coding": (501, POST + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "two codings": (501, POST + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked, then another": (400, POST + HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, POST + CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "identity": (501, POST + HOST + b"Transfer-Encoding: identity\r\n\r\n"),
    "an empty coding": (400, POST + HOST + b"Transfer-Encoding:\r\n\r\n"),
    "a quoted coding": (501, POST + HOST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "a coding with a tab in it": (400, POST + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunked in 1.0": (400, b"POST /body HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    "a chunk size that is none": (400, POST + CHUNKED + b"\r\nzz\r\n"),
    "a chunk size with a sign": (400, POST + CHUNKED + b"\r\n+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with 0x": (400, POST + CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with a blank": (400, POST + CHUNKED + b"\r\n2 \r\n{}\r\n0\r\n\r\n"),
    "a chunk size that overflows": (400, POST + CHUNKED + b"\r\n1" + b"0" * 16 + b"\r\n{}\r\n0\r\n\r\n"),
    "no chunk size": (400, POST + CHUNKED + b"\r\n\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer": (400, POST + CHUNKED + b"\r\n2\r\n{}x\r\n0\r\n\r\n"),
    "a chunk ended by a line feed": (400, POST + CHUNKED + b"\r\n2\r\n{}\n0\r\n\r\n"),
    "a chunk size ended by a line feed": (400, POST + CHUNKED + b"\r\n2\n{}\r\n0\r\n\r\n"),
    "a trailer": (400, POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n"),
    "a token in a trailer": (400, POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n" + TOKEN + b"\r\n"),
    "two hosts": (400, head(b"Host: a", b"Host: b")),
    "the same host twice": (400, head(b"Host: a", b"Host: a")),
    "no host": (400, head(b"X: y")),
    "two hosts in 1.0": (400, b"GET /first HTTP/1.0\r\n" + HOST + HOST + b"\r\n"),
    "a host with a path": (400, head(b"Host: server/evil")),
    "a host with a user": (400, head(b"Host: someone@server")),
    "two hosts in one": (400, head(b"Host: a, b")),
    "two tokens": (400, head(b"Host: a", b"Authorization: Bearer x", b"Authorization: Bearer y")),
    "the same token twice": (400, head(b"Host: a", b"Authorization: Bearer x", b"authorization: Bearer x")),
    "two media types": (400, head(b"Host: a", b"Content-Type: application/json", b"Content-Type: text/x")),
    "two command ids": (400, head(b"Host: a", b"Idempotency-Key: 12345678", b"Idempotency-Key: 12345679")),
    "another expectation": (417, head(b"Host: a", b"Expect: 200-ok")),
    "0.9": (505, b"GET /first\r\n\r\n"),
    "1.2": (400, b"GET /first HTTP/1.2\r\n" + HOST + b"\r\n"),
    "2.0": (505, b"GET /first HTTP/2.0\r\n" + HOST + b"\r\n"),
    "http/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "tls": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "line feeds alone": (400, b"GET /first HTTP/1.1\nHost: server\n\n"),
    "one line feed alone": (400, b"GET /first HTTP/1.1\r\nHost: server\nX: y\r\n\r\n"),
    "a line feed at the end of the head": (400, b"GET /first HTTP/1.1\r\nHost: server\r\n\n"),
    "a carriage return alone": (400, b"GET /first HTTP/1.1\r\nHost: server\rX: y\r\n\r\n"),
    "a folded line": (400, head(b"Host: server", b"X: a", b" b")),
    "a folded line with a tab": (400, head(b"Host: server", b"X: a", b"\tb")),
    "a folded coding": (400, POST + HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "a blank before the colon": (400, head(b"Host : server")),
    "a blank before the name": (400, head(b" Host: server")),
    "a length with a blank before the colon": (400, POST + HOST + b"Content-Length : 2\r\n\r\n{}"),
    "no name": (400, head(b"Host: server", b": x")),
    "no colon": (400, head(b"Host: server", b"X")),
    "a zero byte in a value": (400, head(b"Host: server", b"X: a\0b")),
    "a zero byte in a name": (400, head(b"Host: server", b"X\0: a")),
    "another letter in a name": (400, head(b"Host: server", b"\xc3\xa4: b")),
    "a control character in the path": (400, b"GET /first\x01 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "another letter in the path": (400, b"GET /first\xff HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a tab in the path": (400, b"GET /first\tx HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a blank in the path": (400, b"GET /first x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a fragment": (400, b"GET /first#x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no target": (400, b"GET  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target that is a name": (400, b"GET first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target on another host": (400, b"GET http://other/first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target with a user": (400, b"GET http://x@server/first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target of another scheme": (400, b"GET ftp://server/first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an asterisk": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a proxy's method": (501, b"CONNECT server:443 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an unknown method": (400, b"FETCH /first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method in small letters": (400, b"get /first HTTP/1.1\r\n" + HOST + b"\r\n"),
    "many fields": (431, head(b"Host: server", *[b"X: y"] * 6_000)),
    "one long field": (431, head(b"Host: server", b"X: " + b"y" * 131_072)),
    "a field without end": (431, b"GET /first HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 1_000_000),
    "a name without end": (431, b"GET /first HTTP/1.1\r\n" + HOST + b"y" * 1_000_000),
    "a long path": (414, b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a path without end": (414, b"GET /" + b"a" * 1_000_000),
    "a body that is framing": (400, POST + CHUNKED + b"\r\n" + b"1;x=y\r\na\r\n" * 60_000 + b"0\r\n\r\n"),
    "a chunk extension without end": (400, POST + CHUNKED + b"\r\n1;" + b"x" * 1_000_000),
    "an offer beside two lengths": (
        400,
        POST
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
    ),
}


def accepted(method: bytes = b"GET", target: bytes = b"/first", *lines: bytes, body: bytes = b"") -> bytes:
    fields = b"".join(line + b"\r\n" for line in lines or (b"Host: server",))
    return method + b" " + target + b" HTTP/1.1\r\n" + fields + b"\r\n" + body


ACCEPTED = {
    "plain": (accepted(), b"/first", 0),
    "empty lines before it": (b"\r\n\r\n" + accepted(), b"/first", 0),
    "a query": (accepted(target=b"/first?a=b%00&c"), b"/first", 0),
    "an escaped path": (accepted(target=b"/a%20b%00?c=%2f"), b"/a%20b%00", 0),
    "a path of slashes": (accepted(target=b"//a/../b"), b"//a/../b", 0),
    "on its host": (accepted(b"GET", b"http://server/first"), b"/first", 0),
    "on its host, in large letters": (accepted(b"GET", b"HTTP://SERVER/first?x"), b"/first", 0),
    "on its host, without a path": (accepted(b"GET", b"https://server"), b"/", 0),
    "on its host, with a query alone": (accepted(b"GET", b"https://server?x"), b"/", 0),
    "of the server": (accepted(b"OPTIONS", b"*"), b"*", 0),
    "a host with a port": (accepted(b"GET", b"/first", b"Host: server:8600"), b"/first", 0),
    "a host in IPv6": (accepted(b"GET", b"/first", b"Host: [::1]:8600"), b"/first", 0),
    "an empty host": (accepted(b"GET", b"/first", b"Host:"), b"/first", 0),
    "blanks around a value": (accepted(b"GET", b"/first", b"Host:   server \t "), b"/first", 0),
    "another letter in a value": (accepted(b"GET", b"/first", b"Host: a", b"X: \xff"), b"/first", 0),
    "some fields twice": (accepted(b"GET", b"/first", b"Host: a", b"X: y", b"X: z"), b"/first", 0),
    "a length": (accepted(b"POST", b"/x", b"Host: a", b"Content-Length: 2", body=b"{}"), b"/x", 2),
    "a length with zeros": (
        accepted(b"POST", b"/x", b"Host: a", b"Content-Length: 002", body=b"{}"),
        b"/x",
        2,
    ),
    "chunks": (POST + CHUNKED + b"\r\n2\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", b"/body", 3),
    "chunks in large letters": (
        POST + HOST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
        b"/body",
        10,
    ),
    "chunks with an extension": (POST + CHUNKED + b"\r\n2;a=b\r\n{}\r\n0\r\n\r\n", b"/body", 2),
    "many small chunks": (
        POST + CHUNKED + b"\r\n" + b"8\r\n01234567\r\n" * 5_000 + b"0\r\n\r\n",
        b"/body",
        40_000,
    ),
    "an offer of h2c": (
        accepted(
            b"GET",
            b"/first",
            b"Host: a",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABk",
        ),
        b"/first",
        0,
    ),
    "an offer of a websocket": (
        accepted(b"GET", b"/first", b"Host: a", b"Connection: keep-alive, upgrade", b"UPGRADE: websocket"),
        b"/first",
        0,
    ),
    "an offer without its connection": (
        accepted(b"GET", b"/first", b"Host: a", b"Upgrade: h2c"),
        b"/first",
        0,
    ),
    "an offer with a body that is a request": (
        accepted(
            b"POST",
            b"/x",
            b"Host: a",
            b"Connection: Upgrade",
            b"Upgrade: h2c",
            b"Content-Length: %d" % len(GET),
            body=GET,
        ),
        b"/x",
        len(GET),
    ),
    "an offer with chunks": (
        POST + CHUNKED + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"/body",
        2,
    ),
}
