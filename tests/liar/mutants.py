"""The law with one of its checks taken out.

A check is a statement in a function of the law that does nothing but say no: a call whose answer is not used
(`require`, `carried`, `same`, …), or a `raise`. A part of one is a check, too: a side of an `and`, an item of
two tuples that must be the same, a field that must say the same.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple, TypeGuard

from sluicegate_record.law import (
    accounts,
    agreement,
    bases,
    cases,
    clearances,
    clocks,
    closures,
    credentials,
    deployments,
    designations,
    directives,
    epochs,
    evidence,
    findings,
    fleet,
    foresight,
    grants,
    keys,
    licences,
    logkeys,
    observations,
    openings,
    people,
    programmes,
    promises,
    ramps,
    referrals,
    releases,
    successions,
    times,
    versions,
)

MODULES = (
    *(accounts, agreement, bases, cases, clocks, credentials, directives, fleet, foresight, grants),
    *(keys, licences, logkeys, openings, people),
    *(programmes, promises, ramps, referrals, releases, successions),
    *(clearances, closures, deployments, designations, epochs, evidence, findings, observations),
    *(times, versions),
)
PART = " [without "
"""What the words of a part of a check have after those of the check."""


class Check(NamedTuple):
    """A check: the function that it is in, its first line and its words."""

    module: str
    function: str
    line: int
    end: int
    words: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.words}"

    @property
    def is_part(self) -> bool:
        """Whether it is a part of another check."""
        return PART in self.words


@cache
def checks() -> dict[Check, tuple[FunctionType, CodeType]]:
    """Every check, with its function and what that does without it."""
    return {check: found for module in MODULES for check, found in _checks_of(module)}


def _checks_of(module: ModuleType) -> Iterator[tuple[Check, tuple[FunctionType, CodeType]]]:
    name, tree = module.__name__.rpartition(".")[2], ast.parse(inspect.getsource(module))
    for function in (each for each in tree.body if isinstance(each, ast.FunctionDef)):
        found = inspect.unwrap(getattr(module, function.name))
        assert isinstance(found, FunctionType)
        said = Counter[str]()
        for number in range(len(list(_cuts(function)))):
            mutant = copy.deepcopy(function)
            cut = list(_cuts(mutant))[number]
            cut.make()
            made = ast.Module([_FUTURE, mutant], [])
            code = compile(ast.fix_missing_locations(made), str(module.__file__), "exec")
            said[cut.words] += 1
            words = cut.words if said[cut.words] == 1 else f"{cut.words} ({said[cut.words]})"
            yield Check(name, function.name, cut.line, cut.end, words), (found, _code_of(code, function.name))


_FUTURE = ast.parse("from __future__ import annotations").body[0]


class Cut(NamedTuple):
    """A change of a function that takes a check, or a part of it, out: its lines, its words, and how."""

    line: int
    end: int
    words: str
    make: Callable[[], object]


def _cuts(function: ast.FunctionDef) -> Iterator[Cut]:
    for block, at in _places(function):
        taken = block[at]
        cut: Callable[[], object] = partial(block.__setitem__, at, ast.copy_location(ast.Pass(), taken))
        words, line, end = _words(taken), taken.lineno, taken.end_lineno or taken.lineno
        yield Cut(line, end, words, cut)
        for part, cut in _parts(function, taken):
            yield Cut(line, end, f"{words}{PART}{part}]", cut)


def _places(function: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], int]]:
    """The checks of a function: the block and the place in it."""
    for node in ast.walk(function):
        for name in ("body", "orelse"):
            found = getattr(node, name, None)
            block: list[ast.stmt] = found if isinstance(found, list) else []
            for at, statement in enumerate(block):
                is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                if is_call or isinstance(statement, ast.Raise):
                    yield block, at


def _words(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _parts(function: ast.FunctionDef, taken: ast.stmt) -> Iterator[tuple[str, Callable[[], object]]]:
    """The parts of a check that can be left out by themselves, and how.

    Each side of an `and`, each item of two tuples that must be the same, each field that must say the same.
    """
    call = taken.value if isinstance(taken, ast.Expr) else None
    if not isinstance(call, ast.Call) or not call.args or not isinstance(call.func, ast.Name):
        return
    if call.func.id == "same" and isinstance(call.args[2], ast.Constant):
        yield from _fields(call.args[2])
    if call.func.id == "require":
        assigned = _assigned(function)
        named = [assigned[each.id] for each in ast.walk(call.args[0]) if _is_named(each, assigned)]
        is_alone = isinstance(call.args[0], ast.Name)
        for node in (call.args[0], *(named if is_alone else ())):
            for each in _affirmed(node):
                if isinstance(each, ast.BoolOp) and isinstance(each.op, ast.And):
                    for at, operand in enumerate(each.values):
                        yield _words(operand), partial(each.values.__setitem__, at, ast.Constant(value=True))
                if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Eq):
                    yield from _items([_literal(side, assigned) for side in (each.left, *each.comparators)])


def _affirmed(node: ast.AST) -> Iterator[ast.AST]:
    """A condition and all in it, but what stands under a `not`: leaving a part of that out asks for more."""
    yield node
    if not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        for each in ast.iter_child_nodes(node):
            yield from _affirmed(each)


def _assigned(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """What names stand for, where a function says it once."""
    said = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    names = [(each.targets[0].id, each.value) for each in said if isinstance(each.targets[0], ast.Name)]
    return {name: value for name, value in names if [each for each, _ in names].count(name) == 1}


def _is_named(node: ast.AST, assigned: Mapping[str, ast.expr]) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and node.id in assigned


def _literal(side: ast.expr, assigned: Mapping[str, ast.expr]) -> ast.expr:
    return assigned[side.id] if _is_named(side, assigned) else side


def _items(sides: Sequence[ast.expr]) -> Iterator[tuple[str, Callable[[], object]]]:
    tuples = [side for side in sides if isinstance(side, ast.Tuple)]
    if len(tuples) < len(sides) or len({len(each.elts) for each in tuples}) > 1:
        return
    for at, item in enumerate(tuples[0].elts):
        yield _words(item), partial(_drop, tuples, at)


def _drop(tuples: Sequence[ast.Tuple], at: int) -> None:
    for each in tuples:
        del each.elts[at]


def _fields(said: ast.Constant) -> Iterator[tuple[str, Callable[[], object]]]:
    names = str(said.value).split()
    for name in names if len(names) > 1 else ():
        yield name, partial(setattr, said, "value", " ".join(each for each in names if each != name))


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


def saying_no(error: BaseException) -> list[Check]:
    """The checks that a rule broke at, with those that it went through."""
    found, trace = [], error.__traceback__
    while trace is not None:
        module, line = trace.tb_frame.f_globals.get("__name__", "").rpartition(".")[2], trace.tb_lineno
        found += [each for each in _of(module) if each.line <= line <= each.end]
        trace = trace.tb_next
    return found


@cache
def _of(module: str) -> list[Check]:
    return [each for each in checks() if each.module == module]
