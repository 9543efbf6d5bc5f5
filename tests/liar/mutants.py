"""The law with one of its checks taken out.

A check is a statement in a function of the law that does nothing but say no: a call whose answer is not used
(`require`, `carried`, `same`, …), or a `raise`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

from sluicegate_record.law import (
    agreement,
    cases,
    clocks,
    credentials,
    directives,
    fleet,
    grants,
    openings,
    people,
    releases,
    times,
    versions,
)
from sluicegate_record.law.rule import Broken

MODULES = (
    *(agreement, cases, clocks, credentials, directives, fleet, grants, openings, people, releases),
    *(times, versions),
)


class Check(NamedTuple):
    """A check: the function that it is in, its first line and its words."""

    module: str
    function: str
    line: int
    end: int
    words: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.words}"


@cache
def checks() -> dict[Check, tuple[FunctionType, CodeType]]:
    """Every check, with its function and what that does without it."""
    return {check: found for module in MODULES for check, found in _checks_of(module)}


def _checks_of(module: ModuleType) -> Iterator[tuple[Check, tuple[FunctionType, CodeType]]]:
    source = inspect.getsource(module)
    count = len(list(_places(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        function, block, at = list(_places(tree))[number]
        taken = block[at]
        block[at] = ast.copy_location(ast.Pass(), taken)
        code = compile(tree, str(module.__file__), "exec")
        words = " ".join(ast.unparse(taken).split())
        found = inspect.unwrap(getattr(module, function.name))
        assert isinstance(found, FunctionType)
        name = module.__name__.rpartition(".")[2]
        check = Check(name, function.name, taken.lineno, taken.end_lineno or taken.lineno, words)
        yield check, (found, _code_of(code, function.name))


def _places(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, list[ast.stmt], int]]:
    """The checks of a module: the function, the block and the place in it."""
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            for name in ("body", "orelse"):
                found = getattr(node, name, None)
                block: list[ast.stmt] = found if isinstance(found, list) else []
                for at, statement in enumerate(block):
                    is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                    if is_call or isinstance(statement, ast.Raise):
                        yield function, block, at


def _code_of(code: CodeType, name: str) -> CodeType:
    return next(each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == name)


@contextmanager
def without(check: Check) -> Iterator[None]:
    """The law without a check."""
    function, mutant = checks()[check]
    kept, function.__code__ = function.__code__, mutant
    try:
        yield
    finally:
        function.__code__ = kept


def saying_no(error: Broken) -> list[Check]:
    """The checks that a rule broke at, the innermost last."""
    found, trace = [], error.__traceback__
    while trace is not None:
        module, line = trace.tb_frame.f_globals.get("__name__", "").rpartition(".")[2], trace.tb_lineno
        found += [each for each in checks() if each.module == module and each.line <= line <= each.end]
        trace = trace.tb_next
    return found
