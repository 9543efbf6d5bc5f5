"""Codex's command line, as a person would point it at a gateway. It calls tools by itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from asked import Ask, serve

PROGRAM = Path(os.environ["NPM"]) / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"


def answer(ask: Ask) -> str:
    command = [os.environ["NODE"], str(PROGRAM), "exec", "--json", "--skip-git-repo-check", "--ephemeral"]
    command += [
        "--sandbox",
        "read-only",
        "--model",
        ask.model,
        "--config",
        f'openai_base_url="{ask.url}/v1"',
        *named(ask),
        "-",
    ]
    done = subprocess.run(
        command,
        input=ask.prompt,
        env=os.environ | {"CODEX_API_KEY": ask.key},
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        told = [
            str(event.get("message") or event.get("error"))
            for event in events
            if "message" in event or "error" in event
        ]
        raise OSError(f"exit {done.returncode}: {' '.join(told)} {done.stderr}")
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return "".join(item["text"] for item in items if item["type"] == "agent_message")


def named(ask: Ask) -> list[str]:
    """The options that name a programme: its own, or a header of a provider that the person describes."""
    if not ask.programme:
        return []
    if ask.names_in_field:
        return ["--cyber-access-program", ask.programme]
    said = f'name="gateway", base_url="{ask.url}/v1", wire_api="responses", env_key="CODEX_API_KEY"'
    provider = f'{{{said}, http_headers={{"{ask.carrier}"="{ask.programme}"}}}}'
    return ["--config", f"model_providers.gateway={provider}", "--config", 'model_provider="gateway"']


serve(answer)
