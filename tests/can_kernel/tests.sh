#!/bin/bash
# Run the tests that need a kernel with CAN: on this machine's own if it has it and we are root,
# else in the guest of guest.sh. PYTEST is the program; CI takes no skip for an answer.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# Only the files that have such tests: a guest takes its time to import all the others.
mapfile -t files < <(grep -rl --include='test_*.py' 'mark\.socketcan' "$here/..")
run=("$1" -q -m socketcan -p no:cacheprovider --durations=5 -o faulthandler_timeout=100 "${files[@]}")
export PATH=$PATH:/usr/sbin:/sbin

if [ "$(id -u)" = 0 ] && ip link add can-try type vcan 2>/dev/null; then
  ip link delete can-try
  echo "tests of the kernel's CAN, on this kernel"
  exec "${run[@]}"
fi
# A guest compiles five times slower than its host, and takes what this one has compiled.
compile='import tempfile
from tianyuan.drivers.port import open_port
with tempfile.TemporaryDirectory() as folder:
    open_port(f"{folder}/bus", "compiles").close()'
NUMBA_BOUNDSCHECK=1 "$(dirname "$1")/python" -c "$compile"
"$(dirname "$1")/tianyuan" warmup >/dev/null
echo "tests of the kernel's CAN, in a guest that has it"
"$here/guest.sh" "${run[@]}" && exit
status=$?
if [ $status = 125 ] && [ -z "${CI:-}" ]; then
  echo "not run: no kernel with CAN here"
  exit
fi
exit $status
