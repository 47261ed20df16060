#!/bin/sh
# Starts the three images as the compose file says, without a container engine (buildah, chroot isolation, ports on
# loopback), fetches an image, takes the containers away and makes them anew: users, images and key must still be there.
#
#   deploy/docker/try.sh [FOLDER]        the images qis-postgres, qis-memcached and qis-as have been built
set -eu
folder=${1:-$(mktemp -d)}
database=29432 cache=29211 http=29080 https=29443
buildah="buildah --storage-driver ${STORAGE_DRIVER:-vfs}"
started=""

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "FAIL: $*"
    exit 1
}

start() { # start NAME IMAGE BUILDAH-RUN-OPTIONS... -- ARGUMENTS...
    name=$1 image=$2
    shift 2
    $buildah from --name "qis-try-$name" "$image" >/dev/null
    # Here an image's volumes would hide the folders that are mounted in their place.
    for volume in /var/lib/qis-postgres /var/lib/qis /var/lib/qis/images /var/log/qis; do
        $buildah config --volume "$volume-" "qis-try-$name" >/dev/null 2>&1 || true
    done
    $buildah run --isolation chroot "$@" >"$folder/$name.log" 2>&1 &
    started="$! $started"
}

inmost() { # inmost PID: the container's own first process, below those that put it there
    pid=$1
    while ps -o args= -p "$pid" | grep -q '^[^ ]*buildah' && child=$(pgrep --parent "$pid" | head -n 1) && [ "$child" ]; do
        pid=$child
    done
    echo "$pid"
}

end() { # the server first, the database last
    for pid in $started; do
        kill -INT "$(inmost "$pid")" 2>/dev/null || true
        wait "$pid" || true
    done
    started=""
    $buildah rm qis-try-db qis-try-cache qis-try-as >/dev/null 2>&1 || true
}
trap end EXIT
trap 'exit 1' HUP INT TERM

until_ready() { # until_ready SECONDS WHAT COMMAND...
    left=$1 what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$left" -gt 0 ] || fail "$what is not ready; see $folder"
        left=$((left - 1))
        sleep 1
    done
}

up() {
    mkdir -p "$folder/data" "$folder/password" "$folder/state" "$folder/images" "$folder/logs"
    start db qis-postgres -v "$folder/data:/var/lib/qis-postgres" -v "$folder/password:/var/lib/qis-database" \
        -e PG_SHARED_BUFFERS=64MB -e PG_LISTEN=127.0.0.1 qis-try-db -- /usr/local/bin/qis-start -c port=$database
    start cache qis-memcached --user 999 -e MEMCACHED_SIZE=64 -e MEMCACHED_LISTEN=127.0.0.1 \
        qis-try-cache -- /usr/local/bin/qis-start -p $cache
    until_ready 60 "the database" sh -c "test -s '$folder/data/15/PG_VERSION' && curl -s telnet://127.0.0.1:$database --max-time 0.2; [ \$? != 7 ]"
    start as qis-as -v "$folder/state:/var/lib/qis" -v "$folder/images:/var/lib/qis/images" \
        -v "$folder/logs:/var/log/qis" -v "$folder/password:/var/lib/qis-database:ro" \
        -e QIS_HTTP_LISTEN="[\"127.0.0.1:$http\"]" -e QIS_HTTPS_LISTEN="[\"127.0.0.1:$https\"]" \
        -e QIS_PUBLIC_HOST_NAME=images.example.com -e QIS_MEMCACHED_SERVERS="127.0.0.1:$cache" \
        -e DB_HOST="127.0.0.1:$database" -e DB_USER=qis -e DB_PASSWORD_FILE=/var/lib/qis-database/password \
        -e HTTP_PROCESSES=3 -e HTTPS_PROCESSES=1 -e QIS_TLS_CERTIFICATE_FILE= \
        qis-try-as -- /usr/local/bin/qis-start
    until_ready 60 "the image server" curl -fs "http://127.0.0.1:$http/ready"
}

seed="/image?src=/samples/penguin.jpg&width=400"
up
curl -fs "http://127.0.0.1:$http$seed" -o "$folder/first.jpg" || fail "no image over HTTP"
curl -fsk "https://127.0.0.1:$https$seed&left=0.2&top=0.3&right=0.8&bottom=0.8" -o "$folder/crop.jpg" || fail "no image over HTTPS"
curl -fs "http://127.0.0.1:$http/" | grep -q 'Sign In' || fail "the home page doesn't offer to sign in"
grep 'admin user' "$folder/logs/qis.log" | grep -q 'Created default admin user with password' || fail "no password in the log"
[ "$(grep -c 'admin user' "$folder/logs/qis.log")" = 1 ] || fail "more than one admin user was made"
supervisor=$(inmost "${started%% *}")
workers=$(pgrep --parent "$supervisor" --full --count '^qis: http worker') || true
[ "$workers" = 3 ] || fail "HTTP_PROCESSES=3 gave $workers workers"
key=$(sha256sum <"$folder/state/secret_key")
say "started: an image, a crop over HTTPS, the password in the log, $workers HTTP workers"

end
up
[ "$(grep -c 'Created default admin user' "$folder/logs/qis.log")" = 1 ] || fail "a new admin user after the containers were made anew"
[ "$key" = "$(sha256sum <"$folder/state/secret_key")" ] || fail "another secret key"
curl -fs "http://127.0.0.1:$http$seed" | cmp - "$folder/first.jpg" || fail "another image than before"
say "containers made anew: same user, key and image"
end
say PASS
