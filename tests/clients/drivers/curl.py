"""curl, which offers HTTP/2 on a connection without TLS."""

from __future__ import annotations

import subprocess

import by_hand
from asked import Ask, serve


def post(ask: Ask, body: bytes) -> bytes:
    command = ["curl", "--http2", "--silent", "--show-error", "--no-buffer", "--fail-with-body"]
    command += ["--header", "content-type: application/json", "--header", f"authorization: Bearer {ask.key}"]
    command += ["--data-binary", "@-", f"{ask.url}/v1/chat/completions"]
    done = subprocess.run(command, input=body, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"exit {done.returncode}: {done.stderr.decode()} {done.stdout.decode()}")
    return done.stdout


serve(lambda ask: by_hand.answer(ask, post))
