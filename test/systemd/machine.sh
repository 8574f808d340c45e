#!/bin/sh
# Boots a machine again and again until it powers off: machine.sh NAME ROOT FOLDER [systemd-nspawn's options…]
#
# Its root is ROOT with an overlay in memory, which outlives a reboot. Run in a mount namespace of its own, so that nothing of
# it stays behind, whatever ends this script.
set -eu
name=$1 root=$2 folder=$3
shift 3

# Without a unit of its own (--keep-unit) nspawn takes the control group that it finds itself in, for one machine.
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  if [ -e "$tree/cgroup.procs" ]; then
    mkdir -p "$tree/$name"
    echo $$ > "$tree/$name/cgroup.procs"
  fi
done

mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"

# nspawn says with 133 that the machine wants to come up again. Without a running systemd on the host there is nobody to
# register with (--register, --keep-unit). Whoever kills this script takes the machine with it (--pdeathsig).
status=133
while [ "$status" = 133 ]; do
  status=0
  setpriv --pdeathsig TERM systemd-nspawn -D "$folder/root" --boot --machine="$name" --register=no --keep-unit \
    --kill-signal=SIGRTMIN+3 --console=pipe --link-journal=no --resolv-conf=off --timezone=off --private-network "$@" ||
    status=$?
done
exit "$status"
