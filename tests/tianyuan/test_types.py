"""Everything but a kernel says the types of what it takes and returns.

Numba infers a kernel's types, and its decorator hides them, so mypy cannot ask for them
everywhere; this asks for them where mypy then checks them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tianyuan import ROOMS

ROOT = Path(__file__).parents[2]
NUMBAS = {"cfunc", "intrinsic", "jit", "njit", "overload", "register_jitable"}


def is_compiled(function: ast.FunctionDef, compilers: set[str]) -> bool:
    names = (ast.unparse(decorator) for decorator in function.decorator_list)
    return any(name.partition("(")[0].split(".")[-1] in compilers for name in names)


def interpreted(node: ast.AST, compilers: set[str]) -> Iterator[ast.FunctionDef]:
    """Yield the functions below a node that are not compiled, nor within one that is."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            if is_compiled(child, compilers):
                continue
            yield child
        yield from interpreted(child, compilers)


def is_typed(function: ast.FunctionDef) -> bool:
    every = function.args
    named = [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]
    arguments = [argument for argument in named if argument]
    if arguments and arguments[0].arg in {"self", "cls"}:
        del arguments[0]
    return function.returns is not None and all(argument.annotation for argument in arguments)


def untyped(source: str, compilers: set[str]) -> list[str]:
    functions = interpreted(ast.parse(source), compilers | NUMBAS)
    return [function.name for function in functions if not is_typed(function)]


@pytest.mark.parametrize("room", [*ROOMS, "tianyuan"])
def test_what_is_no_kernel_says_its_types(room: str, decorators: dict[str, ast.Call]) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): untyped(path.read_text(), set(decorators))
        for path in (ROOT / room).rglob("*.py")
    }

    assert not {name: functions for name, functions in found.items() if functions}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x): pass", ["f"]),
        ("def f(x: int): pass", ["f"]),
        ("def f(x) -> int: pass", ["f"]),
        ("def f(*x) -> int: pass", ["f"]),
        ("class C:\n  def f(self, x) -> int: pass", ["f"]),
        ("class C:\n  def f(self, x: int) -> int: pass", []),
        ("@njit(cache=True)\ndef f(x): pass", []),
        ("@kernel\ndef f(x): pass", []),
        ("@numba.extending.intrinsic\ndef f(x):\n  def g(y): pass", []),
        ("@other\ndef f(x): pass", ["f"]),
    ],
)
def test_a_missing_type_is_seen(source: str, expected: list[str]) -> None:
    assert untyped(source, {"kernel"}) == expected
