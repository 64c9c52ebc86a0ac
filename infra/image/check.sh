#!/bin/sh
# Looks whether install.sh has left the root file system as it is to be; says what is wrong and fails.
set -u
root=${1:?"the root file system to look at, usually /"}
wrong=0
must() { what=$1; shift; "$@" >/dev/null 2>&1 || { echo "wrong: $what" >&2; wrong=1; }; }

for program in node master; do
  must "globalcache-$program cannot be run" test -x "$root/opt/globalcache/$program/globalcache-$program"
done
must "something under /opt/globalcache can be written by others than root" sh -c '[ -z "$(find "$1/opt/globalcache" ! -type l \( -perm /022 -o ! -uid 0 \) | head -n 1)" ]' sh "$root"
for unit in settings node master; do
  must "globalcache-$unit.service is not enabled" systemctl --root="$root" is-enabled "globalcache-$unit.service"
done
must "user data would be carried out" grep -q '^allow_userdata: false$' "$root/etc/cloud/cloud.cfg.d/99-globalcache.cfg"
for unit in sshd.service amazon-ssm-agent.service; do
  must "$unit is not masked" test "$(readlink "$root/etc/systemd/system/$unit")" = /dev/null
done
exit $wrong
