#!/bin/sh
# Fetches the machine's user data by IMDSv2 and lays them, as they are, where the unit of their role looks for them. They are
# settings: nothing of them is carried out, and node and master refuse what they do not know.
# The two addresses can be told, so that it can be tried elsewhere.
set -eu
service=${GLOBALCACHE_METADATA:-http://169.254.169.254}
folder=${RUNTIME_DIRECTORY:-/run/globalcache}

token=$(curl -sSf --max-time 5 --retry 60 --retry-all-errors --retry-delay 1 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/latest/api/token")
# 16 KiB is all that AWS takes.
curl -sSf --max-time 5 --retry 60 --retry-all-errors --retry-delay 1 --max-filesize 16384 -H "X-aws-ec2-metadata-token: $token" -o "$folder/fetched" "$service/latest/user-data"

case $(head -n 1 "$folder/fetched") in
  role=node) role=node ;;
  role=master) role=master ;;
  *) echo "The user data's first line is neither role=node nor role=master: nothing is started." >&2; exit 1 ;;
esac
chmod 0644 "$folder/fetched"
mv "$folder/fetched" "$folder/$role.settings"
