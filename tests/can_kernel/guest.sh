#!/bin/bash
# Run a command on a Linux kernel that has CAN, on a machine whose own kernel has none.
#
#   guest.sh COMMAND [ARGUMENT...]      as guest.sh .venv/bin/tianyuan guard -i socketcan -c vcan0
#
# The kernel is Debian's user-mode-linux: an ordinary process, without root, without KVM. The
# command sees this machine's files and environment, its folder and user, one CPU, the network
# lo and vcan0; vcan0 carries CAN FD. Files are the machine's own: what the command removes is
# gone. Only /dev/shm, /run and $TMPDIR are the guest's, in memory, and end with it.
#
#   SLCAN=1       also can0 and can1, 500 kbit/s, joined by a cable: the kernel's slcan driver
#   MEMORY=2G     of the guest      SECONDS_AT_MOST=600     then it is ended: status 124
#
# Exit status: the command's; 125 if the kernel cannot be had or booted.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
memory=${MEMORY:-2G}
packages=(user-mode-linux kmod iproute2 can-utils)

fail() { echo "guest: $*" >&2; exit 125; }

have_all() {
  local tool
  for tool in linux.uml insmod ip candump; do command -v "$tool" >/dev/null || return 1; done
}

install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
  echo "guest: installing Debian's ${packages[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

export PATH=$PATH:/usr/sbin:/sbin
[ $# -gt 0 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2; }
have_all || install || true
have_all || fail "no user-mode-linux here; apt install ${packages[*]}"

# The guest's memory is a file: in /dev/shm, unless that is as small as containers make it.
free_kib() { df -k --output=avail "$1" 2>/dev/null | tail -n 1; }
place=/dev/shm
[ "$(free_kib $place || echo 0)" -gt $((1024 * 1024)) ] || place=/tmp
run=$(mktemp -d /tmp/can-guest.XXXXXX) # which the guest sees, too; its /dev/shm is another
trap 'rm -rf "$run"' EXIT

# In files, since a kernel's command line is split at spaces.
export -p | grep -vE '^declare -x (OLDPWD|PWD|SHLVL|TMPDIR|_)=' >"$run/environment"
{ printf 'cd %q\nexec' "$PWD"; printf ' %q' "$@"; echo; } >"$run/command"
printf 'slcan=%q\nmodules=%q\n' "${SLCAN:-}" "$(echo /usr/lib/uml/modules/*/kernel)" >"$run/settings"

# One CPU: a system call is handed over between two tasks, which costs 13 us there and 55 us
# across two. Consoles are pipes: the kernel cannot wait for a plain file.
cpu=$(taskset -pc $$ | sed 's/.*[-, ]//')
boot=(linux.uml "mem=$memory" rootfstype=hostfs rootflags=/ rw "init=$here/init.sh" "run=$run"
  quiet loglevel=1 "uml_dir=$run" con=null con0=null,fd:2 con1=null,fd:1)
{
  TMPDIR=$place timeout --foreground --kill-after=5 "${SECONDS_AT_MOST:-600}" \
    taskset -c "$cpu" "${boot[@]}" </dev/null 2> >(grep -vE '^(sysrq|reboot): ' >&2) || echo $? >"$run/ended"
} | cat

[ -s "$run/status" ] && exit "$(cat "$run/status")"
[ "$(cat "$run/ended" 2>/dev/null)" = 124 ] && exit 124
fail "the kernel did not come up, or died before the command had ended"
