"""Machine code for the functions of ``assembly.py``, and how a kernel calls them.

LLVM, which numba brings along, compiles a car's messages in some hundredths of a second:
nothing that would have to be kept on disk. The kernels know the functions by address
alone, so they are compiled once for all DBC files.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any, Final

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core.errors import NumbaTypeError
from numba.extending import intrinsic

# Interpreted there is nothing to call, and with bounds checked it is the tables' indices
# that are checked: the kernels then work from the tables alone.
GENERATED: Final = not (config.DISABLE_JIT or config.BOUNDSCHECK)
_NUMBERS: Final = count()


@cache
def _engine() -> llvm.ExecutionEngine:
    """The one engine of the process: another takes as much memory as the code of many buses."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), jit=True
    )
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


@cache  # the functions live as long as the process, since nobody knows who holds an address
def compiled(source: str) -> dict[str, int]:
    """Compile LLVM assembly for this machine's processor: the functions' addresses by name.

    Code that has neither loops nor branches is left to instruction selection: LLVM's other
    passes take twice as long as that, and what they make of it is no faster on the whole.
    """
    engine = _engine()
    module = llvm.parse_assembly(source)
    module.triple, module.data_layout = llvm.get_process_triple(), str(engine.target_data)
    module.verify()
    unique = {}
    for function in module.functions:
        if not function.is_declaration:
            name = function.name
            function.name = unique[name] = f"{name}.{next(_NUMBERS)}"
    engine.add_module(module)
    engine.finalize_object()
    return {name: engine.get_function_address(unique[name]) for name in unique}


def _refuse_other_than(array: Any, dtype: types.Type) -> None:
    if not (isinstance(array, types.Array) and array.dtype == dtype and array.is_c_contig):
        raise NumbaTypeError(f"{array} is not a contiguous array of {dtype}")


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, base: Any = None) -> Any:
    """An array's data, or from its element ``base`` on, as code that LLVM calls."""
    data = context.make_array(array_type)(context, builder, array).data
    at = data if base is None else builder.gep(data, [base])
    return builder.bitcast(at, ir.IntType(8).as_pointer())


def _called(builder: Any, address: Any, arguments: list[Any]) -> Any:
    function = ir.FunctionType(ir.IntType(64), [each.type for each in arguments])
    return builder.call(builder.inttoptr(address, function.as_pointer()), arguments)


@intrinsic
def call(typing_context: Any, address: Any, words: Any, base: Any, values: Any) -> Any:
    """Call the function at an address with the frame at ``words[base]`` and with the values."""
    _refuse_other_than(words, types.int64)
    _refuse_other_than(values, types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        frame = _pointer(context, builder, signature.args[1], arguments[1], arguments[2])
        numbers = _pointer(context, builder, signature.args[3], arguments[3])
        return _called(builder, arguments[0], [frame, numbers])

    return types.int64(address, words, base, values), generate


@intrinsic
def seal(typing_context: Any, address: Any, words: Any, base: Any, counter: Any) -> Any:
    """Call the function at an address with the frame at ``words[base]`` and a counter."""
    _refuse_other_than(words, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        frame = _pointer(context, builder, signature.args[1], arguments[1], arguments[2])
        return _called(builder, arguments[0], [frame, arguments[3]])

    return types.int64(address, words, base, types.int64), generate
