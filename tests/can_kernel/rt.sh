#!/bin/bash
# Run the tests marked preempt_rt in the guest of qemu.sh. PYTEST is the program.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# The guest is slow and has another CPU: it takes what is compiled here for any, in a cache apart.
export NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=
export NUMBA_CACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/tianyuan-qemu/kernels
compile='import tempfile
from tianyuan.drivers.interface import bind
from tianyuan.drivers.port import open_port
from tianyuan.drivers.port_record import closed_port
with tempfile.TemporaryDirectory() as folder:
    open_port(f"{folder}/bus", "compiles").close()
bind(closed_port(0))'
"$(dirname "$1")/python" -c "$compile"
echo "tests of the kernel's CAN, on an emulated PREEMPT_RT kernel"
exec "$here/qemu.sh" "$1" -q -m preempt_rt -p no:cacheprovider --durations=5 \
  -o faulthandler_timeout=100 "$here/../drivers/test_preempt_rt.py"
