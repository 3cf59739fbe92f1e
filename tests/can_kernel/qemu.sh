#!/bin/bash
# Run a command on a PREEMPT_RT kernel with two CAN cards, on a machine that has neither.
#
#   qemu.sh COMMAND [ARGUMENT...]      as qemu.sh ip -details link show can0
#
# The kernel is Debian 12's linux-image-rt-amd64 in QEMU: an ordinary process, without root,
# without KVM, some twenty times slower than this machine. Two emulated Kvaser PCI cards give
# can0 and can1, up at 500 kbit/s and wired to each other: classic CAN by the kernel's SJA1000
# driver, but no bit timing, no acknowledge errors, no bus-off. The command sees this machine's
# files and environment and its folder, is root, has one CPU and the network lo. Files are the
# machine's own: what the command removes is gone. Only /dev, /run and $TMPDIR are the guest's.
#
#   MEMORY=2G     of the guest      SECONDS_AT_MOST=600     then it is ended: status 124
#
# Debian's packages (90 MB) are unpacked, not installed, into ~/.cache/tianyuan-qemu, once.
# Exit status: the command's; 125 if kernel or QEMU cannot be had or booted.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tianyuan-qemu
programs=$cache/programs
linux=$cache/linux-rt
modules=(drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_legacy_dev
  drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci fs/netfs/netfs fs/fscache/fscache
  net/9p/9pnet net/9p/9pnet_virtio fs/9p/9p net/can/can net/can/can-raw drivers/net/can/dev/can-dev
  drivers/net/can/sja1000/sja1000 drivers/net/can/sja1000/kvaser_pci) # dependencies first

fail() { echo "qemu: $*" >&2; exit 125; }

# Unpack packages into folder $1, which is there only once it is complete.
unpack() {
  local folder=$1 deb
  shift
  [ $# -gt 0 ] || return 1
  rm -rf "$folder.new"
  mkdir -p "$folder.new/debs"
  (cd "$folder.new/debs" && apt-get download -qq "$@" >&2) || return 1
  for deb in "$folder.new"/debs/*.deb; do dpkg -x "$deb" "$folder.new" || return 1; done
  rm -r "$folder.new/debs"
  mv "$folder.new" "$folder"
}

# The programs and those of their libraries that are not installed here.
programs_needed() {
  apt-get -s -qq --no-install-recommends --reinstall install qemu-system-x86 busybox-static |
    sed -n 's/^Inst \([^ ]*\).*/\1/p'
}
linux_needed() { apt-cache depends linux-image-rt-amd64 | sed -n 's/.*Depends: //p' | head -n 1; }

fetch() {
  [ -d "$programs" ] || unpack "$programs" $(programs_needed) || return 1
  [ -d "$linux" ] && return
  unpack "$linux" $(linux_needed) || return 1
  find "$linux" -name '*.ko' | # of 4,000 modules, 390 MB
    grep -vE "/kernel/($(IFS='|'; echo "${modules[*]}"))\.ko$" | xargs rm
}

export PATH=$PATH:/usr/sbin:/sbin
[ $# -gt 0 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 2; }
command -v ip >/dev/null || fail "no ip here; apt install iproute2"
if ! [ -d "$programs" ] || ! [ -d "$linux" ]; then
  command -v apt-get >/dev/null || fail "only Debian 12 has the packages"
  echo "qemu: downloading Debian's QEMU and PREEMPT_RT kernel into $cache" >&2
  fetch || { apt-get update -qq >&2 && fetch; } ||
    fail "cannot download qemu-system-x86, busybox-static and linux-image-rt-amd64"
fi
image=$(echo "$linux"/boot/vmlinuz-*)
drivers=$linux/lib/modules/${image##*/vmlinuz-}/kernel

run=$(mktemp -d "$cache/run.XXXXXX") # which the guest sees, too
trap 'rm -rf "$run"' EXIT

# The first process: enough to mount this machine's files, and to go on there.
root=$run/initramfs
mkdir -p "$root"/{bin,modules,host,dev,proc,sys}
cp "$programs/bin/busybox" "$root/bin"
for ((i = 0; i < ${#modules[@]}; i++)); do
  cp "$drivers/${modules[i]}.ko" "$root/modules/$((i + 10)).ko" || fail "no ${modules[i]} in $linux; remove it"
done
cat >"$root/init" <<END
#!/bin/busybox sh
for tool in mount insmod mkdir ln chroot sync poweroff; do alias \$tool="/bin/busybox \$tool"; done
for module in /modules/*.ko; do insmod \$module; done
# Nobody else changes the files meanwhile, so the guest may keep what it has read.
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=loose host /host || poweroff -f
cd /host
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/shm dev/pts
ln -s /proc/self/fd dev/fd
mount -t devpts devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs tmpfs run
chroot /host /bin/bash '$run/guest'
sync
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && bin/busybox find . | bin/busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$run/initrd"

{
  export -p | grep -vE '^declare -x (OLDPWD|PWD|SHLVL|TMPDIR|_)='
  cat <<END
export TMPDIR=/dev/shm # 9p holds no Unix sockets
ip link set lo up
for name in can0 can1; do ip link set \$name txqueuelen 10 up type can bitrate 500000; done
'$programs/bin/busybox' stty -F /dev/ttyS1 -opost
cd $(printf %q "$PWD")
# Through a pipe, so that the command does not take the console for a terminal.
{ bash '$run/command'; echo \$? >'$run/status'; } </dev/null 2>&1 | cat >/dev/ttyS1
END
} >"$run/guest"
{ printf 'exec'; printf ' %q' "$@"; echo; } >"$run/command"

# Linux would distrust QEMU's time stamp counter and take a far slower clock.
boot=("$programs/usr/bin/qemu-system-x86_64"
  -L "$programs/usr/share/qemu" -L "$programs/usr/share/seabios" -L "$programs/usr/lib/ipxe/qemu"
  -M pc -accel tcg -cpu max -smp 1 -m "${MEMORY:-2G}" -nodefaults -no-user-config -display none
  -no-reboot -chardev "file,id=console,path=$run/console" -serial chardev:console
  -chardev stdio,id=out,signal=off -serial chardev:out -kernel "$image" -initrd "$run/initrd"
  -append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable clocksource=tsc"
  -fsdev local,id=files,path=/,security_model=none,multidevs=remap
  -device virtio-9p-pci,fsdev=files,mount_tag=host
  -object can-bus,id=cable -device kvaser_pci,canbus=cable -device kvaser_pci,canbus=cable)
libraries=$programs/usr/lib/x86_64-linux-gnu:$programs/lib/x86_64-linux-gnu
ended=0
timeout --foreground --kill-after=5 "${SECONDS_AT_MOST:-600}" \
  env LD_LIBRARY_PATH="$libraries" "${boot[@]}" </dev/null || ended=$?

[ -s "$run/status" ] && exit "$(cat "$run/status")"
[ $ended = 124 ] && exit 124
tail -n 40 "$run/console" >&2 || true
fail "the kernel did not come up, or died before the command had ended"
