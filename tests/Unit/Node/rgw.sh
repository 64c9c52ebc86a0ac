#!/usr/bin/env bash
# A real S3 server for tests: Ceph RADOS Gateway with one in-memory OSD, on loopback, from Debian's packages.
#   rgw.sh install            apt-get what it needs (about 35 s; root)
#   rgw.sh start DIR PORT     state in DIR, S3 at http://127.0.0.1:PORT, access key AK, secret SK (about 12 s); MON port = PORT + 1
#   rgw.sh stop DIR           ends exactly the processes that start began
# AWSSDK clients need ForcePathStyle, AuthenticationRegion us-east-1, and checksums WHEN_REQUIRED (this server answers
# 400 XAmzContentSHA256Mismatch to the newer trailer checksums, like many S3-compatible stores).
set -euo pipefail
# A busy machine makes the monitor late: what failed for that is asked again.
again() { for try in 1 2 3 4 5; do "$@" && return 0; sleep 2; done; return 1; }
case "${1:-}" in
install)
  apt-get install -y -q --no-install-recommends ceph-mon ceph-osd ceph-mgr radosgw ceph-common ;;
start)
  dir=$(realpath -m "$2") port=$3 mon=$(( $3 + 1 )) fsid=11111111-2222-4333-8444-555555555555
  mkdir -p "$dir"/{mon,osd,mgr,rgw}
  cat >"$dir/ceph.conf" <<EOF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$mon]
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = $dir/mon
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 2147483648
mgr data = $dir/mgr
run dir = $dir
admin socket = $dir/\$name.asok
log file = $dir/\$name.log
pid file = $dir/\$name.pid
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $dir/rgw
EOF
  c="-c $dir/ceph.conf"; exec >"$dir/start.log" 2>&1 </dev/null
  monmaptool --create --clobber --fsid $fsid --addv a "[v1:127.0.0.1:$mon]" "$dir/monmap"
  ceph-mon $c -i a --mkfs --monmap "$dir/monmap"; ceph-mon $c -i a
  # Both sides must know the same id for the OSD, else its first start may be refused ("wrong fsid").
  osd=22222222-3333-4444-8555-666666666666
  again timeout 30 ceph $c osd create $osd 0; ceph-mgr $c -i x
  ceph-osd $c -i 0 --mkfs --osd-uuid $osd
  for try in 1 2 3 4 5; do ceph-osd $c -i 0 && break; [ $try -lt 5 ]; sleep 1; done
  again timeout 30 ceph $c osd crush add osd.0 1 root=default host=h
  radosgw $c -n client.rgw.a
  for _ in $(seq 90); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 1; done
  again timeout 60 radosgw-admin $c user create --uid=gc --display-name=gc --access-key=AK --secret-key=SK
  echo "S3 ready at http://127.0.0.1:$port (AK/SK)" ;;
stop)
  pids=$(for f in "$(realpath -m "$2")"/*.pid; do [ -f "$f" ] && cat "$f" && echo; done || true)
  for p in $pids; do kill "$p" 2>/dev/null || true; done
  sleep 3
  for p in $pids; do kill -9 "$p" 2>/dev/null || true; done ;;
*) echo "usage: rgw install | start DIR PORT | stop DIR" >&2; exit 2 ;;
esac
