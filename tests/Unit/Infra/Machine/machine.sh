#!/bin/sh
# A machine for tests: a root file system of Debian's packages, layers over it, and namespaces in which its programs run.
#   machine.sh debian ROOT               makes ROOT unless it is there (debootstrap, about a minute; root); who asks meanwhile waits
#   machine.sh hold FOLDER               under `unshare`: holds what is mounted below FOLDER and what is started beside it, until its input ends; says
#                                        its process's number first
# and, within what is held:
#   machine.sh layer FOLDER BELOW        lays FOLDER/root over the folders BELOW, named as overlayfs does: written to is FOLDER/upper alone
#   machine.sh enter ROOT COMMAND...     runs a command in ROOT, without a network, a package manager or the sight of other processes
#   machine.sh boot ROOT CGROUP          starts systemd in ROOT, as a container's; says its process's number first
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
own="--mount --net --pid --ipc --uts --fork --kill-child"
# Seen through the /proc of the namespace it was started from, it is the number that is known there.
say_number() { read -r number rest </proc/self/stat; echo "$number"; }

what=$1; shift
case $what in
debian)
  root=$1
  mkdir -p "$(dirname "$root")"
  exec 9>"$root.lock"
  flock 9
  [ ! -d "$root" ] || exit 0
  rm -rf "$root.half"
  # The parent image's own: systemd, cloud-init, curl, OpenSSL and the authorities. python3-cffi-backend: else cloud-init takes a minute to find that it is not there.
  # Mounted for itself alone: were it killed with /proc in ROOT.half, whoever cleans up after it would be in the host's own.
  unshare --mount --pid --fork --kill-child debootstrap --variant=minbase --include=systemd,cloud-init,python3-cffi-backend,ca-certificates,libssl3,curl bookworm "$root.half" http://deb.debian.org/debian >"$root.log" 2>&1 || {
    tail -n 5 "$root.log" >&2
    exit 1
  }
  rm -rf "$root.half/var/cache/apt/archives" "$root.half/var/lib/apt/lists"
  mv "$root.half" "$root"
  ;;
hold)
  mount -t tmpfs -o mode=0755 tmpfs "$1"
  say_number
  cat >/dev/null
  ;;
layer)
  mkdir -p "$1/upper" "$1/work" "$1/root"
  mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
  ;;
enter)
  # shellcheck disable=SC2086
  exec unshare $own sh "$0" entered "$@"
  ;;
entered)
  root=$1; shift
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  for program in apt apt-get dpkg; do mount --bind /dev/null "$root/usr/bin/$program"; done
  exec env -i PATH="$PATH" HOME=/root LC_ALL=C.UTF-8 chroot "$root" "$@"
  ;;
boot)
  mkdir "$2"
  echo 0 >"$2/cgroup.procs"
  # shellcheck disable=SC2086
  exec unshare $own --cgroup sh "$0" booted "$1"
  ;;
booted)
  root=$1
  say_number
  mount -t proc proc "$root/proc"
  # What is the host's own, such as kernel.pid_max, is not the machine's to set.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=0755 tmpfs "$root/run"
  mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
  for device in null zero full random urandom tty; do : >"$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
  : >"$root/dev/console"
  mount --bind /dev/null "$root/dev/console"
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  cd "$root"
  pivot_root . .
  umount -l .
  cd /
  exec env -i container=globalcache PATH="$PATH" setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog /lib/systemd/systemd </dev/null >/dev/null 2>&1
  ;;
esac
