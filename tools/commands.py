"""The pages of the command line: one page for each group, with the options and an example of each command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sluicegate.cli.main import program
from tools import story
from tools.english import GENERATED

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SERVING = ("up", "serve", "control", "feed", "gateway", "doctor", "ready")
RELEASE = ("plan", "apply", "status", "report")
ANSWERS = ("explain", "early-access", "dossier")
MACHINE = ("login", "completion")
"""The commands without a group: those that run servers, those about releases as a whole, those that answer a
question about all of the record, and those that set up a machine.
"""


def pages() -> dict[str, str]:
    """Every page by its path under `docs/`. This runs the story of `tools.story` (some seconds)."""
    told = (DOCS / "record" / "story.txt").read_text().partition("\n\n")[0]
    runs = [*story.runs(ROOT / "examples", worked_plan()), story.Run("me", "demo story", f"{told}\n\n…\n")]
    shown = _examples(runs)
    root: Any = program()
    groups = {name: found for name, found in root.commands.items() if getattr(found, "commands", None)}
    made = {
        "servers": _page("Servers", "Run a control plane and gateways.", _alone(root, SERVING), shown),
        "releases": _page("Releases", "Plans, their state, and reports.", _alone(root, RELEASE), shown),
        "answers": _page(
            "Answers", "What the record says of a key, and of a model.", _alone(root, ANSWERS), shown
        ),
        "machine": _page("Your machine", "What you set up once.", _alone(root, MACHINE), shown),
        **{
            name: _page(f"sluicegate {name}", found.help, _within(name, found), shown)
            for name, found in groups.items()
        },
    }
    listed = {"servers": SERVING, "releases": RELEASE, "answers": ANSWERS, "machine": MACHINE} | {
        name: tuple(found.commands) for name, found in groups.items()
    }
    index = [
        [f"[{name}](commands/{name}.md)", ", ".join(f"`{word}`" for word in words)]
        for name, words in listed.items()
    ]
    return {
        "reference/command-line.md": f"{GENERATED}\n{_INDEX}{_table(['page', 'commands'], index)}\n",
        **{f"reference/commands/{name}.md": text for name, text in made.items()},
    }


def worked_plan() -> str:
    """The worked plan in the reference of the plan language, as YAML."""
    found = re.search(
        r"^```yaml\n(.*?)^```$", (DOCS / "reference" / "plan.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, "docs/reference/plan.md has no plan"
    return found[1]


_INDEX = """\
# The command line

`sluicegate COMMAND -h` shows the options of a command. The pages below have the same text, with examples.

Most commands send requests to the control plane, with your token: it says who you are and what you may do.
Log in once:

```sh
sluicegate login --url https://sluicegate.example      # it asks for the token, and keeps both for you alone
```

With `--profile NAME` you keep several. Each command takes `--profile NAME`, too; without it,
`SLUICEGATE_PROFILE` names one, and `sluicegate profile use NAME` says which one is used otherwise. Scripts
set `SLUICEGATE_URL` and `SLUICEGATE_TOKEN` instead: they count where no profile is named.

An id may be cut short, as long as no other begins so: `sluicegate grant show grant_b6k`, or only `b6k`. If
several begin so, they are listed. Commands that cannot be taken back, or stop many at once, show what they
will do, and ask. `--yes` does not ask; then ids have to be whole.

`sluicegate completion bash` (`zsh`, `fish`) prints what your shell needs to complete commands and options.

`SLUICEGATE_PASSPHRASE` opens encrypted key files. On a machine whose clock is not set, `SLUICEGATE_SIGNED_AT`
is the time that signatures state, such as `2026-06-24T12:00:00.000Z`.

## Output

- An answer is on stdout. With `--json` it is JSON.
- An error is on stderr. With `--json` it is
  `{"error": {code, message, remedy, at: [{file, line, column, expected, found}]}}`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused |
| 2 | wrong usage |
| 3 | invalid input |
| 4 | the control plane cannot be reached, or another process uses the folder |
| 5 | verification failed |

## Commands

In the examples, ids such as `case_1` are shorter than real ones, and `…` stands for a secret or a hash.

"""


def _examples(runs: Iterable[story.Run]) -> dict[str, story.Run]:
    """The first run of each command, by the command's words."""
    root: Any = program()
    found: dict[str, story.Run] = {}
    for run in runs:
        command, words = root, []
        for word in run.command.split():
            if word not in getattr(command, "commands", {}):
                break
            command = command.commands[word]
            words.append(word)
        found.setdefault(" ".join(words), run)
    return found


def _alone(root: Any, words: Sequence[str]) -> dict[str, Any]:
    return {word: root.commands[word].loaded for word in words}


def _within(name: str, group: Any) -> dict[str, Any]:
    return {f"{name} {word}": command.loaded for word, command in group.commands.items()}


def _page(title: str, about: str, commands: Mapping[str, Any], shown: Mapping[str, story.Run]) -> str:
    sections = [_section(words, command, shown.get(words)) for words, command in commands.items()]
    back = "[All commands](../command-line.md)"
    return f"{GENERATED}\n# {title}\n\n{about}\n\n" + "\n\n".join([*sections, back]) + "\n"


def _section(words: str, command: Any, run: story.Run | None) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [
        each
        for each in command.params
        if each.param_type_name == "option" and each.name != "as_json" and not each.hidden
    ]
    parts = [f"## {words}", _unwrapped(command.help), f"```\n{_usage(words, arguments, options)}\n```"]
    rows = [[f"`{each.name.upper()}`", each.help or "", ""] for each in arguments]
    rows += [[_spelled(each), each.help or "", _default(each)] for each in options]
    if rows:
        parts.append(_table(["", "meaning", "default"], rows))
    if run is not None:
        by = "" if run.by == "me" else f", with the token of {_HOLDERS.get(run.by, run.by)}"
        parts.append(f"Example{by}:\n\n```console\n$ sluicegate {run.command}\n{run.output.rstrip()}\n```")
    return "\n\n".join(parts)


def _usage(words: str, arguments: Sequence[Any], options: Sequence[Any]) -> str:
    named = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
    wanted = [
        f"{each.opts[0]} {each.metavar or each.name.rstrip('_').upper()}"
        for each in options
        if each.required and not each.is_flag
    ]
    more = ["[OPTIONS]"] if len(wanted) < len(options) else []
    return " ".join([f"sluicegate {words}", *named, *wanted, *more])


_HOLDERS = {
    "developer": "the developer",
    "applicant": "an applicant",
    "rival": "another applicant",
    "person": "a member's private link",
}


def _unwrapped(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _spelled(option: Any) -> str:
    takes = "" if option.is_flag else " " + (option.metavar or option.name.rstrip("_").upper())
    return ", ".join(f"`{name}{takes}`" for name in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, "", [], ()):
        return ""
    return f"`{option.default}`"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
