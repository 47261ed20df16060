"""Reads the settings of a QIS, which are Python, without running them.

Understood are literals, sums, differences, products, and the names of what has been set before. Whatever else the file
does is not done; the names that it does it to are told, since their values are not known then.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping

import attrs

_LARGEST = 2**64
_LONGEST = 1_000_000


@attrs.frozen
class Assigned:
    """The value that a name has at the end of the file, and the line that it was given in."""

    value: object
    line: int


@attrs.frozen
class Unread:
    """A statement that wasn't understood, and the name it is about, if it is about one."""

    line: int
    name: str
    reason: str


@attrs.define
class PythonSettings:
    """What a file says."""

    values: dict[str, Assigned] = attrs.field(factory=dict)
    unread: list[Unread] = attrs.field(factory=list)

    def get(self, name: str) -> object:
        """The value of ``name``; None without one."""
        return self.values[name].value if name in self.values else None


class _NotUnderstood(Exception):
    """Python that isn't a value."""


def read_python(source: bytes, *, before: Mapping[str, object] | None = None) -> PythonSettings:
    """What ``source`` sets.

    :param before: values of names that were set elsewhere.
    :raises ValueError: this is no Python; the text has the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError("can't be read as Python") from None
    reader = _Reader(dict(before or {}))
    for statement in tree.body:
        reader.statement(statement)
    return reader.found


class _Reader:
    def __init__(self, before: dict[str, object]) -> None:
        self._before = before
        self.found = PythonSettings()

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, node)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value, node)
            case ast.AugAssign(target=ast.Name() as target, op=operator, value=value):
                self._assign(target, ast.BinOp(ast.Name(target.id), operator, value), node)
            case _:
                self._leave(node)

    def _assign(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        try:
            match target:
                case ast.Name(id=name):
                    self.found.values[name] = Assigned(self._value(value), node.lineno)
                case ast.Subscript(value=ast.Name(id=name), slice=key):
                    table = self._value(ast.Name(name))
                    if not isinstance(table, dict):
                        raise _NotUnderstood("is not a table")
                    changed = {**table, self._key(key): self._value(value)}
                    self.found.values[name] = Assigned(changed, node.lineno)
                case _:
                    raise _NotUnderstood("is not a plain assignment")
        except (_NotUnderstood, RecursionError) as error:
            self._forget(target, node, str(error) if isinstance(error, _NotUnderstood) else "is nested too deeply")

    def _leave(self, node: ast.stmt) -> None:
        """A statement that isn't done: what it might have set is not known any more."""
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        if isinstance(node, ast.Expr | ast.Delete):
            names |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one.id.isupper()}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = set()
        reason = "is set under conditions, or by what a statement does"
        for name in sorted(names) or [""]:
            self.found.values.pop(name, None)
            self.found.unread.append(Unread(node.lineno, name, reason if name else "is not a setting"))

    def _forget(self, target: ast.expr, node: ast.stmt, reason: str) -> None:
        names = sorted({one.id for one in ast.walk(target) if isinstance(one, ast.Name)})
        for name in names or [""]:
            self.found.values.pop(name, None)
            self.found.unread.append(Unread(node.lineno, name, reason))

    def _value(self, node: ast.expr) -> object:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(name)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [self._value(item) for item in items]
            case ast.Dict(keys=keys, values=values):
                return {self._key(key): self._value(value) for key, value in zip(keys, values, strict=True)}
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -_number(self._value(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand)
            case ast.BinOp(left=left, op=operator, right=right):
                return _combined(self._value(left), operator, self._value(right))
            case ast.Call():
                raise _NotUnderstood("is what a function returns")
        raise _NotUnderstood("is an expression of a kind that isn't read")

    def _key(self, node: ast.expr | None) -> str:
        key = self._value(node) if node is not None else None
        if not isinstance(key, str):
            raise _NotUnderstood("has keys that aren't text")
        return key

    def _named(self, name: str) -> object:
        if name in self.found.values:
            return self.found.values[name].value
        if name in self._before and not any(unread.name == name for unread in self.found.unread):
            return self._before[name]
        raise _NotUnderstood(f"depends on {name}, which isn't known")


def _combined(left: object, operator: ast.operator, right: object) -> object:
    match operator, left, right:
        case ast.Add(), str(), str():
            return _bounded(left + right)
        case ast.Add(), bytes(), bytes():
            return _bounded(left + right)
        case ast.Add(), list(), list():
            return _bounded(left + right)
        case ast.Add(), _, _:
            return _in_range(_number(left) + _number(right))
        case ast.Sub(), _, _:
            return _in_range(_number(left) - _number(right))
        case ast.Mult(), _, _:
            return _in_range(_number(left) * _number(right))
    raise _NotUnderstood("is computed in a way that isn't read")


def _bounded(value: str | bytes | list[object]) -> object:
    if len(value) > _LONGEST:
        raise _NotUnderstood("is too long")
    return value


def _in_range(number: int | float) -> int | float:
    if not abs(number) < _LARGEST:
        raise _NotUnderstood("is too large a number")
    return number


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NotUnderstood("is computed from what isn't a number")
    return _in_range(value)
