"""The few calls of libc that compiled code makes, under the same names with the JIT off.

Pointers are passed as integers (``array.ctypes.data``), so that one signature serves both.
numba binds an ``ExternalFunction`` by name when code is loaded, so a kernel that calls one
can be cached; with ``NUMBA_DISABLE_JIT=1`` it cannot be called at all, and ctypes stands in.
All calls return -1 on failure, except ``clock_nanosleep``, which returns the error number, and
``memchr``, which returns 0 where the byte is not found.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numba
from numba import types

from tianyuan.control.kernels import kernel

_INT = (types.int32, ctypes.c_int)
_LONG = (types.int64, ctypes.c_long)
_POINTER = (types.intp, ctypes.c_ssize_t)

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_INTERPRETED: Final = bool(numba.config.DISABLE_JIT)


def _bind(name: str, *arguments: tuple[Any, Any], returns: tuple[Any, Any] = _INT) -> Any:
    """The function ``name`` of libc that takes ``arguments``."""
    if not _INTERPRETED:
        return types.ExternalFunction(name, returns[0](*(jitted for jitted, _ in arguments)))
    function = getattr(_LIBC, name)
    function.argtypes = [plain for _, plain in arguments]
    function.restype = returns[1]
    return function


accept4 = _bind("accept4", _INT, _POINTER, _POINTER, _INT)
bind = _bind("bind", _INT, _POINTER, _INT)
clock_gettime = _bind("clock_gettime", _INT, _POINTER)
clock_nanosleep = _bind("clock_nanosleep", _INT, _INT, _POINTER, _POINTER)
close = _bind("close", _INT)
epoll_ctl = _bind("epoll_ctl", _INT, _INT, _INT, _POINTER)
epoll_wait = _bind("epoll_wait", _INT, _POINTER, _INT, _INT)
ioctl = _bind("ioctl", _INT, _LONG, _POINTER)
memchr = _bind("memchr", _POINTER, _INT, _POINTER, returns=_POINTER)
poll = _bind("poll", _POINTER, _POINTER, _INT)
recvmmsg = _bind("recvmmsg", _INT, _POINTER, _INT, _INT, _POINTER)
sendmmsg = _bind("sendmmsg", _INT, _POINTER, _INT, _INT)
setsockopt = _bind("setsockopt", _INT, _INT, _INT, _POINTER, _INT)

if _INTERPRETED:

    def errno() -> int:
        """Error number of the failed call just made; ctypes keeps it from the interpreter."""
        return ctypes.get_errno()

else:
    _errno_location: Any = types.ExternalFunction("__errno_location", types.CPointer(types.int32)())

    @kernel
    def errno() -> int:
        """Error number of the failed call just made."""
        return _errno_location()[0]
