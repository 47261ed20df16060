#!/bin/sh
# Memcached with MEMCACHED_SIZE megabytes. The container's limit has to be higher by about a quarter: connections and
# the table of keys come on top.
set -eu
case ${MEMCACHED_SIZE:-512} in
'' | *[!0-9]*)
    echo "MEMCACHED_SIZE is a number of megabytes, not '${MEMCACHED_SIZE}'." >&2
    exit 2
    ;;
esac
exec memcached -m "${MEMCACHED_SIZE:-512}" -l "${MEMCACHED_LISTEN:-0.0.0.0}" -p 11211 "$@"
