"""What `demo run` shows a newcomer: addresses, keys, and commands that work exactly as printed."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demo.cast import EVALUATION, FALLBACK, GRID_OPERATOR, LAB, MODEL, SECURITY_TEAM, TEAMS, UTILITY
from demo.cast import OFFICER as OFFICER_WITH_FILE
from demo.examples import EXAMPLES
from demo.paperwork import Credential
from demo.site import Site

ISSUER = "oncd"
OFFICER = "officer"
"""Who signs on the pages for the developer, once a passkey of theirs is pinned."""


def env(site: Site) -> str:
    """A file to source: a shell that sources it acts as the developer's staff,
    and has the command `sluicegate`.
    """
    return (
        "# To act as the developer's staff of this demonstration; as an agency, take its token instead.\n"
        f"export SLUICEGATE_URL={shlex.quote(site.control_url)}\n"
        f"export SLUICEGATE_TOKEN={shlex.quote(site.token('developer'))}\n"
        f'sluicegate() {{ {shlex.quote(sys.executable)} -m sluicegate "$@"; }}\n'
    )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What a newcomer gets: four keys, the file `env` to source, and an `order` to issue.

    `in_force` are the directives that an earlier run left in force.
    """

    site: Site
    works: Credential
    refused: Credential
    covered: Credential
    evaluates: Credential
    env: Path
    order: Path
    in_force: list[str]
    links: Mapping[str, str]
    """Pages to open, each by a link that signs in once: by the role."""
    is_real: bool = False
    """Whether a real model answers, and not a server that repeats."""

    def answer(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {
            "ready": "demo",
            "control": self.site.control_url,
            "gateway": self.site.gateway_url,
            "upstream": self.site.upstream_url,
            "logKey": self.site.vkey,
            "key": self.works.key,
            "grant": self.works.grant,
            "refusedKey": self.refused.key,
            "coveredKey": self.covered.key,
            "evaluatorKey": self.evaluates.key,
            "directivesInForce": self.in_force,
            "state": str(self.site.folder),
            "env": str(self.env),
            "pages": dict(self.links),
            "commands": self.commands(),
        }

    def commands(self) -> dict[str, str]:
        """The four commands, each to be pasted into a shell."""
        return {
            "curl": self._curl(),
            "python": self._python(),
            "directive": self._directive(),
            "evaluate": self._evaluate(),
        }

    def text(self) -> str:
        """All of it, for people. Commands begin at the margin, as a here-document must."""
        curl, python, order, evaluate = self.commands().values()
        return f"""
Sluicegate is running on this machine. Pages to open, each by a link that signs you in once:

{self._pages()}
  everyone           {self.site.control_url}/releases

The officer makes a passkey, and under 'To sign' has officers pin it, as the key of: officer. The passkey
signs that first. Then the page has a file, which the officer signs whose key is in a file:

{self._pin()}

  control plane    {self.site.control_url}    decides and records; its pages show both:
                                            /releases, /record
  gateway          {self.site.gateway_url}    what customers call: OpenAI's and Anthropic's APIs
  demo upstream    {self.site.upstream_url}    the model server behind it: {self._serves()}

  a key that works         {self.works.key}
                           of {UTILITY.name}, admitted to {MODEL}
  a key that is refused    {self.refused.key}
                           of {SECURITY_TEAM.name}, not admitted to {MODEL}; it is offered {FALLBACK},
                           to which it is admitted
{self._left_in_force()}
Commands to paste into another terminal. With curl:

{curl}

With the official OpenAI SDK:

{python}

An order, signed with {ISSUER}'s key, that {MODEL} be suspended for {GRID_OPERATOR.name}:

{order}

From then on {GRID_OPERATOR.name}'s key is refused, with status 451, and the key that works goes on working:
{self.covered.key}

To watch a stream being cut, begin this one first, with the same key, and issue the order while it runs:

{self._watch()}

An evaluation through the gateway; it needs Inspect (python -m pip install inspect-ai openai). Its signed
result opens the stage {TEAMS.stage} of {TEAMS.release}:

{evaluate}

Ctrl-C ends everything. The next start goes on from here, with new keys. To begin again, delete
{self.site.folder}
"""

    def _pages(self) -> str:
        return "\n".join(f"  {role:<17}  {link}" for role, link in self.links.items())

    def _serves(self) -> str:
        return "a real model, SmolLM2-135M" if self.is_real else "it repeats and counts"

    def _curl(self) -> str:
        return f"curl -s {self._request(self.works.key, _question('hello from curl'))}"

    def _watch(self) -> str:
        pace = {"x-demo-chunks": "1000", "x-demo-interval-ms": "100"}
        question = _question("count") | {"stream": True, "metadata": pace}
        return f"curl -sN {self._request(self.covered.key, question)}"

    def _request(self, key: str, question: dict[str, Any]) -> str:
        headers = f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"
        return f"{self.site.gateway_url}/v1/chat/completions {headers} -d '{json.dumps(question)}'"

    def _python(self) -> str:
        python = shlex.quote(sys.executable)
        install = "" if find_spec("openai") else f"{python} -m pip install --quiet openai && "
        question = _question("hello from the SDK")
        return f"""{install}{python} - <<'END'
import openai
for key in ("{self.works.key}", "{self.refused.key}"):
    client = openai.OpenAI(base_url="{self.site.gateway_url}/v1", api_key=key)
    try:
        answer = client.chat.completions.create(model="{question["model"]}", messages={question["messages"]})
        print("answered:", answer.choices[0].message.content)
    except openai.APIStatusError as no:
        print("refused:", no.status_code, no.code, "-", no.body["message"])
END"""

    def _directive(self) -> str:
        source, order, key = (shlex.quote(str(path)) for path in (self.env, self.order, self._issuer_key()))
        return f". {source} && sluicegate directive issue {order} --key {key} --yes"

    def _evaluate(self) -> str:
        """As the lab: with its token, its key that signs, and its API key."""
        task, key = EXAMPLES / "keeps_keys.py", self.site.folder / "keys" / f"{LAB}.key"
        source, task_name, signs = (shlex.quote(str(each)) for each in (self.env, f"{task}@keeps_keys", key))
        who = f"SLUICEGATE_TOKEN={self.site.token(LAB)} SLUICEGATE_API_KEY={self.evaluates.key}"
        where = f"--gateway {self.site.gateway_url} --independence independent --key {signs}"
        return f". {source} && {who} sluicegate evaluate {EVALUATION.release} {task_name} {where}"

    def _pin(self) -> str:
        key = shlex.quote(str(self.site.folder / "keys" / f"{OFFICER_WITH_FILE}.key"))
        source, both = shlex.quote(str(self.env)), shlex.quote(str(self.site.folder / "both.json"))
        signs = f"sluicegate keys countersign DOWNLOADED --key {key} -o {both} --yes"
        return f". {source} && {signs} && sluicegate keys import {both}"

    def _issuer_key(self) -> Path:
        return self.site.folder / "keys" / f"{ISSUER}.key"

    def _left_in_force(self) -> str:
        if not self.in_force:
            return ""
        key = shlex.quote(str(self._issuer_key()))
        lifts = "".join(f"sluicegate directive lift {name} --key {key}\n" for name in self.in_force)
        return f"""
An earlier run left these in force; to lift what {ISSUER} issued:

. {shlex.quote(str(self.env))}
{lifts}"""


def _question(text: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}
