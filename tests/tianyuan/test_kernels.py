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


def compiler(decorator: ast.expr, named: dict[str, ast.Call]) -> ast.expr | None:
    """Return the call that says how a decorator compiles, if it does."""
    name = ast.unparse(decorator).partition("(")[0].split(".")[-1]
    return decorator if name in {"jit", "njit"} else named.get(name)


def faults(source: str, named: dict[str, ast.Call]) -> list[str]:
    """Say what breaks a rule in the kernels of one file."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        compilers = [compiler(decorator, named) for decorator in function.decorator_list]
        for how in filter(None, compilers):
            found += [f"{function.name}: {fault}" for fault in wrong_options(how)]
            if any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(function)):
                found.append(f"{function.name}: raises")
    return found


def wrong_options(how: ast.expr) -> list[str]:
    keywords = how.keywords if isinstance(how, ast.Call) else []
    options = {option.arg: ast.unparse(option.value) for option in keywords}
    return [
        *([] if options.get("cache") == "True" else ["not cached"]),
        *sorted(option for option in FORBIDDEN if options.get(option, "False") != "False"),
    ]


@pytest.mark.parametrize("room", [*ROOMS, "tianyuan"])
def test_kernels_are_cached_and_strict_about_floats_and_never_raise(
    room: str, decorators: dict[str, ast.Call]
) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): faults(path.read_text(), decorators)
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
        ("@quick\ndef f(x): assert x", ["f: not cached", "f: parallel", "f: raises"]),
        ("@njit(cache=True, nogil=True)\ndef f(x): return x", []),
        ("def f(x): raise ValueError", []),
    ],
)
def test_a_broken_rule_is_seen(source: str, expected: list[str]) -> None:
    quick = ast.parse("njit(parallel=True)", mode="eval").body
    assert isinstance(quick, ast.Call)

    assert faults(source, {"quick": quick}) == expected


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
