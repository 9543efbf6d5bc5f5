"""Claude Code's command line, as a person would point it at a gateway. It calls tools by itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from asked import Ask, serve

PROGRAM = Path(os.environ["NPM"]) / "node_modules" / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"


def answer(ask: Ask) -> str:
    command = [os.environ["NODE"], str(PROGRAM), "--print", "--output-format", "json", "--model", ask.model]
    command += ["--tools", "Read" if ask.tools else ""]
    more = {
        "ANTHROPIC_BASE_URL": ask.url,
        "ANTHROPIC_API_KEY": ask.key,
        "ANTHROPIC_SMALL_FAST_MODEL": ask.model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    done = subprocess.run(
        command, input=ask.prompt, env=os.environ | more, capture_output=True, text=True, check=False
    )
    told = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    if done.returncode or told.get("is_error"):
        raise OSError(f"exit {done.returncode}: {told.get('result', done.stdout)} {done.stderr}")
    return str(told["result"])


serve(answer)
