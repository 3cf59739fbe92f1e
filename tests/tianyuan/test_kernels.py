"""Every kernel is compiled by the rules of the house, and runs the way a test run says."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from types import FunctionType

import numba
import numpy as np
import pytest

from tianyuan import ROOMS

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"fastmath", "forceobj", "parallel"}


def decorators(function: ast.FunctionDef) -> list[ast.expr]:
    """Return the decorators of numba's compiler that a function has."""
    return [
        decorator
        for decorator in function.decorator_list
        if ast.unparse(decorator).partition("(")[0].split(".")[-1] in {"jit", "njit"}
    ]


def kernels(source: str) -> list[ast.FunctionDef]:
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return [function for function in functions if decorators(function)]


def faults(source: str) -> list[str]:
    """Say what breaks a rule in the kernels of one file."""
    found = []
    for kernel in kernels(source):
        for decorator in decorators(kernel):
            options = {
                option.arg: ast.unparse(option.value)
                for option in getattr(decorator, "keywords", [])
            }
            if options.get("cache") != "True":
                found.append(f"{kernel.name}: not cached")
            found += [f"{kernel.name}: {option}" for option in sorted(FORBIDDEN & options.keys())]
        if any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(kernel)):
            found.append(f"{kernel.name}: raises")
    return found


@pytest.mark.parametrize("room", [*ROOMS, "tianyuan"])
def test_kernels_are_cached_and_strict_about_floats_and_never_raise(room: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): faults(path.read_text())
        for path in (ROOT / room).rglob("*.py")
    }

    assert not {name: what for name, what in found.items() if what}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("@njit\ndef f(x): return x", ["f: not cached"]),
        ("@numba.njit(cache=False)\ndef f(x): return x", ["f: not cached"]),
        ("@njit(cache=True, fastmath=True)\ndef f(x): return x", ["f: fastmath"]),
        ("@nb.njit(cache=True)\ndef f(x):\n  if x:\n    raise ValueError", ["f: raises"]),
        ("@njit(cache=True, nogil=True)\ndef f(x): return x", []),
        ("def f(x): raise ValueError", []),
    ],
)
def test_a_broken_rule_is_seen(source: str, expected: list[str]) -> None:
    assert faults(source) == expected


@numba.njit
def fourth(values: np.ndarray) -> float:
    return values[3]


@pytest.mark.kernel
def test_a_run_checks_what_its_settings_say() -> None:
    """Interpreted and checked, an index out of range is an error; as shipped nobody looks."""
    checked = os.environ.get("NUMBA_BOUNDSCHECK") == "1"
    interpreted = os.environ.get("NUMBA_DISABLE_JIT") == "1"

    assert isinstance(fourth, FunctionType) == interpreted
    if checked or interpreted:
        with pytest.raises(IndexError):
            fourth(np.zeros(3))
