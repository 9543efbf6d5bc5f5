"""Java's own client, by a program of one file that stays for all asks."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import by_hand
from asked import Ask, serve

PROGRAM = Path(__file__).with_name("Post.java")
java = subprocess.Popen(["java", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def post(ask: Ask, body: bytes) -> bytes:
    """The program reads URL, key and body, and says a status and a body: -1 and a text where it failed."""
    assert java.stdin is not None
    assert java.stdout is not None
    content = base64.b64encode(body).decode()
    java.stdin.write(f"{ask.url}/v1/chat/completions {ask.key or '-'} {content}\n".encode())
    java.stdin.flush()
    status, _, answered = java.stdout.readline().decode().strip().partition(" ")
    said = base64.b64decode(answered)
    if status != "200":
        raise OSError(f"{status}: {said.decode()}")
    return said


serve(lambda ask: by_hand.answer(ask, post))
