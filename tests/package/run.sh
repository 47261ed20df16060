#!/bin/sh
# The Debian package on a fresh system, without systemd running: install, use, upgrade, remove, purge; once alone, and
# once with PostgreSQL and Memcached installed along. For root; `make package-test`.
#
#   DEB=FILE       the package; else the newest in dist/
#   WORK=FOLDER    where the systems are made; else build/package-test. The fresh one (FOLDER/fresh) is kept for next time
set -eu
cd "$(dirname "$0")/../.."
deb=$(realpath "${DEB:-$(ls -t dist/qis_*.deb | head -n 1)}")
work=$(realpath -m "${WORK:-build/package-test}")
mirror=${MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] || { echo "Only root can do this." >&2; exit 1; }
for tool in debootstrap curl unshare ip; do
    command -v "$tool" >/dev/null || { echo "Please install $tool first." >&2; exit 1; }
done

mkdir -p "$work"
[ -e "$work/fresh/usr/bin/apt-get" ] || debootstrap --variant=minbase bookworm "$work/fresh" "$mirror" >"$work/debootstrap.log"

# The same package under a later version, for the upgrade.
later=$work/later.deb
rm -rf "$work/repacked"
dpkg-deb --raw-extract "$deb" "$work/repacked"
sed -i 's/^Version: .*/&+later/' "$work/repacked/DEBIAN/control"
dpkg-deb --build --root-owner-group -Zgzip -z1 "$work/repacked" "$later" >/dev/null
rm -rf "$work/repacked"

for kind in alone beside; do
    root=$work/$kind
    rm -rf "$root"
    cp -a "$work/fresh" "$root"
    cp "$deb" "$root/qis.deb"
    cp "$later" "$root/later.deb"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    recommended=--no-install-recommends
    [ $kind = alone ] || recommended=--install-recommends
    # What is installed comes from the network, once; all else happens in a network of its own.
    chroot "$root" sh -c "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && \
        apt-get install -y -qq --download-only $recommended /qis.deb" >"$work/$kind.log" 2>&1 || { cat "$work/$kind.log" >&2; exit 1; }
    unshare --net --pid --mount --fork --kill-child sh tests/package/system.sh "$root" $kind $recommended
    rm -rf "$root"
done
echo "The package holds: install, use, upgrade, remove, purge; alone, and beside PostgreSQL and Memcached."
