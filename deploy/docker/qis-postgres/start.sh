#!/bin/sh
# PostgreSQL with the database qis-mgmt and the role PG_USER. Its password: PG_PASSWORD, or the file PG_PASSWORD_FILE, or
# one that is made here once and left in /var/lib/qis-database/password for the image server, which shares that volume.
set -eu

user=999
shared=/var/lib/qis-database

if [ "$(id -u)" = 0 ]; then
    for folder in "$(dirname "$PGDATA")" "$shared" /run/postgresql; do
        mkdir -p "$folder"
        [ "$(stat -c %u "$folder")" = 0 ] && chown "$user:$user" "$folder"
    done
    exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --inh-caps=-all -- "$0" "$@"
fi
umask 077

password() {
    if [ -n "${PG_PASSWORD:-}" ]; then
        printf %s "$PG_PASSWORD"
    elif [ -n "${PG_PASSWORD_FILE:-}" ]; then
        cat "$PG_PASSWORD_FILE"
    else
        if [ ! -s "$shared/password" ]; then
            tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 >"$shared/password.new"
            mv "$shared/password.new" "$shared/password"
        fi
        cat "$shared/password"
    fi
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # In a folder beside it first: a start that is cut off leaves nothing that looks finished.
    rm -rf "$PGDATA.new"
    password >"$shared/.initial"
    initdb --pgdata="$PGDATA.new" --username=postgres --locale=C.UTF-8 --encoding=UTF8 --data-checksums \
        --auth-local=peer --auth-host=scram-sha-256 >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA.new/pg_hba.conf"
    # The user of the operating system is postgres here, whatever the number; its peers are those of the same number.
    printf 'qis %s postgres\nqis %s %s\n' "$(id -un)" "$(id -un)" "$PG_USER" >>"$PGDATA.new/pg_ident.conf"
    sed -i 's/^local \(.*\)peer$/local \1peer map=qis/' "$PGDATA.new/pg_hba.conf"
    pg_ctl --pgdata="$PGDATA.new" --silent --wait --options="-c listen_addresses='' -k /run/postgresql" start >/dev/null
    psql --quiet --no-psqlrc --host=/run/postgresql --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
        --set=user="$PG_USER" --set=password="$(cat "$shared/.initial")" <<'SQL'
create role :"user" login password :'password';
create database "qis-mgmt" owner :"user";
SQL
    pg_ctl --pgdata="$PGDATA.new" --silent --wait --mode=fast stop
    rm "$shared/.initial"
    mv "$PGDATA.new" "$PGDATA"
fi

exec postgres -D "$PGDATA" -k /run/postgresql -c listen_addresses="$PG_LISTEN" \
    -c max_connections="$PG_MAX_CONNECTIONS" -c shared_buffers="$PG_SHARED_BUFFERS" \
    -c effective_cache_size="$PG_EFFECTIVE_CACHE_SIZE" -c password_encryption=scram-sha-256 "$@"
