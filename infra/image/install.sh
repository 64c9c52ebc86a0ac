#!/bin/sh
# Installs what the archive has unpacked to /opt/globalcache, in the root file system that is named: "/" where an image is
# built, another where these very steps are tried. No package is fetched and nothing is compiled; safe to run twice.
set -eu
root=${1:?"the root file system to install into, usually /"}
here=$root/opt/globalcache

chown -R 0:0 "$here"
for unit in settings node master; do
  install -D -m 0644 "$here/image/globalcache-$unit.service" "$root/etc/systemd/system/globalcache-$unit.service"
done
install -D -m 0644 "$here/image/globalcache.cfg" "$root/etc/cloud/cloud.cfg.d/99-globalcache.cfg"
# Each unit begins only where the machine's settings name its role, so one image serves both.
systemctl --root="$root" enable globalcache-settings.service globalcache-node.service globalcache-master.service

# Nobody logs in: not by key, not by the cloud's agent, not by a serial console. From the next start on, for the build itself needs the agent.
for unit in sshd.service ssh.service ssh.socket amazon-ssm-agent.service serial-getty@ttyS0.service ec2-instance-connect.service; do
  systemctl --root="$root" mask "$unit"
done
