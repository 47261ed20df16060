#!/bin/sh
# One system's life with the package; run.sh calls this within a network and processes of its own.
set -eu
root=$1 kind=$2 recommended=$3
ip link set lo up
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev/shm"
export DEBIAN_FRONTEND=noninteractive
images="/image?src=/samples/penguin.jpg&width=400
/image?src=/samples/penguin.jpg&width=400&left=0.2&top=0.3&right=0.8&bottom=0.8"

fail() {
    echo "FAILED ($kind): $*" >&2
    tail -n 20 "$root/var/log/qis/qis.log" "$root/tmp/qis.out" >&2 2>/dev/null || :
    exit 1
}

within() {
    chroot "$root" "$@"
}

quietly() {
    within "$@" >"$root/tmp/out" 2>&1 || { cat "$root/tmp/out" >&2; fail "$*"; }
}

seconds() {
    date +%s.%N
}

start() { # as the unit does
    (exec chroot "$root" sh -c 'install -d -o qis -g qis /run/qis; cd /; umask 0027; exec setpriv --reuid=qis --regid=qis --init-groups \
        --no-new-privs --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service \
        env -i PATH=/usr/bin:/bin /usr/lib/qis/bin/twistd -n --pidfile= qis' >"$root/tmp/qis.out" 2>&1) &
    daemon=$!
}

stop() {
    kill "$daemon"
    wait "$daemon" || fail "the server ended with $?"
}

serves() { # both images over both protocols; the second one is a crop
    for base in http://127.0.0.1 https://127.0.0.1; do
        tried=0
        echo "$images" | while read -r image; do
            until curl -fsk --max-time 60 -o "$root/tmp/image" "$base$image"; do
                tried=$((tried + 1))
                [ $tried -lt 240 ] || fail "no answer at $base$image"
                sleep 0.25
            done
            [ "$(head -c 3 "$root/tmp/image" | od -An -tx1 | tr -d ' ')" = ffd8ff ] || fail "$base$image is no JPEG"
        done || exit 1
    done
}

has_mode() { # OWNER:GROUP MODE PATH
    [ "$(within stat -c '%U:%G %a' "$3")" = "$1 $2" ] || fail "$3 is $(within stat -c '%U:%G %a' "$3"), not $1 $2"
}

# Where systemd runs, it has started both before the package looks for them, at the end of the installation.
if [ "$kind" = beside ]; then
    quietly apt-get install -y -q postgresql memcached
    quietly sh -c 'pg_lsclusters --no-header | while read -r version cluster _; do pg_ctlcluster "$version" "$cluster" start; done'
    quietly memcached -d -u memcache -l 127.0.0.1
fi

# Install, and use.
began=$(seconds)
quietly apt-get install -y -q $recommended /qis.deb
installed=$(seconds)
start
serves
ready=$(seconds)
echo "$began $installed $ready" | awk -v kind="$kind" \
    '{printf "%s: installed in %.1f s, first image %.1f s after the start\n", kind, $2 - $1, $3 - $2}'
within du -smc /usr/lib/qis /usr/share/qis /usr/share/doc/qis | awk '{print "  " $1 " MB " $2}'
has_mode root:qis 640 /etc/qis/local_settings.toml
has_mode root:qis 750 /etc/qis/tls.d
has_mode qis:qis 750 /var/lib/qis
has_mode qis:qis 755 /var/lib/qis/images
has_mode qis:adm 2750 /var/log/qis
for secret in secret_key initial-admin-password tls/self-signed.pem; do
    has_mode qis:qis 600 "/var/lib/qis/$secret"
done
has_mode qis:adm 640 /var/log/qis/qis.log
password=$(within cat /var/lib/qis/initial-admin-password)
grep -q "Created default admin user with password $password" "$root/var/log/qis/qis.log" || fail "no password in the log"
within id -nG qis | grep -qw ssl-cert || fail "qis is not in ssl-cert"
within qis check | tail -n 1 | grep -qx "Syntax OK" || fail "qis check"
within qis health >/dev/null || fail "qis health"
within sh -c 'cd / && /usr/lib/qis/bin/twistd --help' | grep -w qis >/dev/null || fail "twistd does not know qis"
case $kind in
alone)
    within test -d /var/lib/qis/postgres || fail "no embedded database"
    ;;
beside)
    within test ! -e /var/lib/qis/postgres || fail "an embedded database beside PostgreSQL"
    within qis settings get MGMT_DATABASE_CONNECTION | grep -q . || fail "the database was not found"
    [ "$(within qis settings get MEMCACHED_SERVERS)" = '["127.0.0.1:11211"]' ] || fail "Memcached was not found"
    [ "$(within runuser -u postgres -- psql -qXAt qis-mgmt -c 'SELECT count(*) FROM users')" -ge 1 ] || fail "no users"
    ;;
esac
sum=$(sha256sum <"$root/var/lib/qis/secret_key")
echo 'HTTP_THREADS = 7' >>"$root/etc/qis/local_settings.toml"
stop

# Upgrade.
quietly apt-get install -y -q $recommended /later.deb
start
serves
[ "$(within qis settings get HTTP_THREADS)" = 7 ] || fail "the upgrade lost a setting"
[ "$(sha256sum <"$root/var/lib/qis/secret_key")" = "$sum" ] || fail "the upgrade changed the key"
[ "$(within cat /var/lib/qis/initial-admin-password)" = "$password" ] || fail "the upgrade made another administrator"
stop

# Remove: the program goes, all else stays. And back again.
quietly apt-get remove -y -q qis
within test ! -e /usr/lib/qis || fail "left after removal: $(within find /usr/lib/qis | head -n 3)"
within test ! -e /usr/bin/qis || fail "qis is left after removal"
for path in /etc/qis/local_settings.toml /var/lib/qis/secret_key /var/lib/qis/images/samples/penguin.jpg /var/log/qis/qis.log; do
    within test -e "$path" || fail "$path went with the removal"
done
quietly apt-get install -y -q $recommended /qis.deb --allow-downgrades
start
serves
stop

# Purge: the library stays as long as something is in it.
within apt-get purge -y -q qis >"$root/tmp/out" 2>&1 || fail purge
grep -q "image library in /var/lib/qis/images is left" "$root/tmp/out" || fail "purge says nothing of the library"
within test -e /var/lib/qis/images/samples/penguin.jpg || fail "purge took the library"
[ "$(within ls -A /var/lib/qis)" = images ] || fail "left in /var/lib/qis: $(within ls -A /var/lib/qis)"
for path in /var/log/qis /etc/qis /etc/logrotate.d/qis /etc/default/qis /etc/apparmor.d/qis; do
    within test ! -e "$path" || fail "$path is left after the purge"
done
within id qis >/dev/null || fail "the user went with the purge"

# And with nothing in the library, nothing stays.
rm -rf "$root/var/lib/qis/images"
quietly apt-get install -y -q $recommended /qis.deb
quietly apt-get purge -y -q qis
within test ! -e /var/lib/qis || fail "/var/lib/qis is left after a purge without images"
