#!/bin/sh
# Makes a Debian 12 machine into one that images are made of: installs the server and its neighbours, then takes away
# whatever must be different on each machine. Run it as root:  provision.sh QIS.deb FILES
#
# ADMIN_PASSWORD: the first password of admin; without it each machine makes one, and writes it into its log.
set -eu
package=$(realpath "$1")
files=$(realpath "$2")
export DEBIAN_FRONTEND=noninteractive

apt-get update
apt-get install --yes --no-install-recommends \
    awscli chrony curl logrotate memcached nfs-common postgresql unattended-upgrades xfsprogs
apt-get install --yes --no-install-recommends "$package"

install -m 0755 "$files/qis-instance" /usr/local/sbin/qis-instance
install -m 0644 "$files/qis-instance.service" "$files/qis-signal.service" /etc/systemd/system/
for service in memcached postgresql@; do
    install -D -m 0644 "$files/only-on-a-full-server.conf" "/etc/systemd/system/$service.service.d/qis-instance.conf"
done
systemctl enable qis-instance.service qis-signal.service

if [ -n "${ADMIN_PASSWORD:-}" ] && ! grep -q '^ADMIN_PASSWORD' /etc/qis/local_settings.toml; then
    printf '\n# Read once, when the account is made.\nADMIN_PASSWORD = "%s"\n' "$ADMIN_PASSWORD" >>/etc/qis/local_settings.toml
fi

# From here on nothing of this machine is to remain: the first start makes keys, users and samples anew.
if [ -d /run/systemd/system ]; then
    systemctl stop qis.service
    if [ -n "$(runuser -u postgres -- psql -XAtqc "select 1 from pg_database where datname = 'qis-mgmt'")" ]; then
        runuser -u postgres -- psql -Xq -c 'drop database "qis-mgmt"' \
            -c "create database \"qis-mgmt\" owner qis encoding 'UTF8' template template0"
    fi
fi
rm -rf /var/lib/qis/secret_key /var/lib/qis/tls /var/lib/qis/initial-admin-password /var/lib/qis/postgres /var/lib/qis/cache
find /var/lib/qis/images -mindepth 1 -delete
find /var/log/qis -type f -delete
rm -f "$package" /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
rm -f /root/.bash_history /home/*/.bash_history /var/lib/chrony/drift /var/lib/systemd/random-seed
rm -rf "$files" /var/log/journal/* /var/lib/dhcp/*
if command -v cloud-init >/dev/null; then
    cloud-init clean --logs --seed
fi
truncate --size 0 /etc/machine-id
apt-get clean
rm -rf /var/lib/apt/lists/*
