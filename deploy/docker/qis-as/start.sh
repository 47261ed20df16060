#!/bin/sh
# Starts the image server in a container. Reads the variables of the container, and never writes a setting: a mounted
# settings file stays as it is, and what the environment says goes before it.
set -eu

user=999
folders="/var/lib/qis /var/lib/qis/images /var/log/qis"

# The short names of these settings, as in the containers of QIS.
for name in HTTP_PROCESSES HTTP_THREADS HTTPS_PROCESSES HTTPS_THREADS; do
    eval "short=\${$name:-} long=\${QIS_$name:-}"
    if [ -n "$short" ] && [ -z "$long" ]; then
        export "QIS_$name=$short"
    fi
done

# A container that got no name has its own number as HOSTNAME, which no browser would find. The container's engine sets it.
# shellcheck disable=SC3028
if [ -z "${QIS_PUBLIC_HOST_NAME:-}" ]; then
    case ${HOSTNAME:-} in *.*) export QIS_PUBLIC_HOST_NAME="$HOSTNAME" ;; esac
fi

# A variable that is there but empty means that the setting was left alone (compose passes them on that way).
for name in $(env | sed -n 's/^\(QIS_[A-Z_]*\)=$/\1/p'); do
    unset "$name"
done

# DB_HOST, DB_USER, DB_PASSWORD or DB_PASSWORD_FILE: a database of its own container.
if [ -z "${QIS_MGMT_DATABASE_CONNECTION:-}${QIS_MGMT_DATABASE_CONNECTION_FILE:-}" ] && [ -n "${DB_HOST:-}" ]; then
    if [ -z "${DB_PASSWORD:-}" ] && [ -n "${DB_PASSWORD_FILE:-}" ]; then
        DB_PASSWORD=$(cat "$DB_PASSWORD_FILE")
    fi
    if [ -z "${DB_PASSWORD:-}" ]; then
        echo "DB_HOST is set, but neither DB_PASSWORD nor DB_PASSWORD_FILE gives the password of ${DB_USER:-qis}." >&2
        exit 2
    fi
    encoded=$(printf %s "$DB_PASSWORD" | python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.stdin.read(), safe=""))')
    export QIS_MGMT_DATABASE_CONNECTION="postgresql://${DB_USER:-qis}:$encoded@$DB_HOST/qis-mgmt"
fi
unset DB_PASSWORD

if [ "$(id -u)" = 0 ]; then
    for folder in $folders; do
        # Only what nobody has been given yet: a library of millions of files is not gone through at every start.
        [ "$(stat -c %u "$folder")" = 0 ] && chown "$user:$user" "$folder"
    done
    [ -d /run/qis ] || mkdir /run/qis
    chown "$user:$user" /run/qis
    set -- setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \
        --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service -- "$@"
    may_write="setpriv --reuid=$user --regid=$user --clear-groups test -w"
else
    user=$(id -u)
    may_write="test -w"
fi
for folder in $folders; do
    if ! $may_write "$folder"; then
        echo "User $user may not write into $folder. On the host:  chown $user THE-FOLDER-MOUNTED-THERE" >&2
        exit 2
    fi
done

cd /
exec "$@" /usr/lib/qis/bin/twistd --nodaemon --pidfile= qis
