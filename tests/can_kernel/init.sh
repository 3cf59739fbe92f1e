#!/bin/bash
# The first process of the guest that guest.sh boots: brings CAN up, runs the command, ends.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# The kernel hands on what it does not know of its command line: $run, the folder of guest.sh.
. "$run/settings"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs tmpfs /run

for module in net/can/can net/can/can-raw net/can/can-gw drivers/net/can/dev/can-dev \
  drivers/net/can/slcan/slcan net/sched/sch_netem; do
  insmod "$modules/$module.ko"
done
insmod "$modules/drivers/net/can/vcan.ko" echo=1 # its own echo, so that netem can delay frames
ip link set lo up
ip link add vcan0 type vcan
ip link set vcan0 mtu 72 up

if [ -n "$slcan" ]; then
  python3 "$(dirname "$(readlink -f "$0")")/cable.py" can0 can1 </dev/null >/run/cable &
  for ((i = 0; i < 100; i++)); do [ -s /run/cable ] && break; sleep 0.1; done
fi

# Through a pipe, so that the command does not take the console for a terminal; what it leaves
# running may hold the pipe, and is not waited for.
exec 3> >(exec cat >/dev/tty1)
(
  . "$run/environment"
  export TMPDIR=/dev/shm
  . "$run/command"
) </dev/null >&3 2>&1 3>&-
echo $? >"$run/status"
sleep 0.2
sync
echo o >/proc/sysrq-trigger
sleep 5
