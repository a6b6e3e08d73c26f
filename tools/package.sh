#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh build FOLDER       builds the Debian package of the committed source into FOLDER, which is
#                               emptied, and has lintian look at it
# package.sh try FOLDER SUITE   installs it in a clean tree of that Debian (bookworm, trixie), which is
#                               made once, outside the checkout, and has it serve a page
# Each ends with a line `N passed, N failed`. Only root can make and enter a tree.
set -euo pipefail
source=$(readlink -f "$(dirname "$0")/..")
make_s=900
try_s=600

build()
{
    local folder=$1
    rm -rf "$folder"
    mkdir -p "$folder/source"
    folder=$(readlink -f "$folder")
    git -C "$source" archive HEAD | tar -x -C "$folder/source"
    (cd "$folder/source" && DEB_BUILD_OPTIONS=parallel=2 dpkg-buildpackage -b -uc -us)
    lintian --allow-root --fail-on error,warning "$folder"/*.changes
    echo "2 passed, 0 failed"
}

# What happens in the tree; its first argument is nothing but a name.
# shellcheck disable=SC2016
inside='
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends /package/sluice_*_amd64.deb curl openssl socat util-linux
getent passwd sluice
test -d /etc/sluice/private
sluice version
cd /etc/sluice
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout private/web.key -out web.pem
chgrp sluice private/web.key
chmod 640 private/web.key
cat >>sluice.yaml <<TEXT
  web:
    listen: tls://127.0.0.1:0
    connect: tcp://127.0.0.1:$PORT
    certificates: [{ chain: web.pem, key: private/web.key }]
TEXT
printf "HTTP/1.0 200 OK\r\n\r\nthrough sluice\n" >/page
socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork" "SYSTEM:cat /page" &
socat=$!
run=$(sed -n "s/^ExecStart=//p" /lib/systemd/system/sluice.service)
sluice check
install -d -o sluice -g sluice /run/sluice
setpriv --reuid sluice --regid sluice --init-groups -- $run --ready-file /run/sluice/ready &
sluice=$!
for _ in $(seq 200); do
    [ ! -e /run/sluice/ready ] || break
    kill -0 "$sluice"
    sleep 0.1
done
port=$(sed -n "s/.*tls:\/\/127.0.0.1:\([0-9]*\).*/\1/p" /run/sluice/ready)
said=$(curl -sS --max-time 20 --cacert web.pem --resolve "localhost:$port:127.0.0.1" \
    "https://localhost:$port/")
kill "$sluice"
wait "$sluice"
kill "$socat"
[ "$said" = "through sluice" ]
apt-get purge -q -y sluice
[ ! -e /usr/bin/sluice ]
'

# The tree stands under a layer in memory, so that it is as clean the next time.
# shellcheck disable=SC2016
enter='
set -e
tree=$1
shift
mount -t tmpfs tmpfs "$tree.over"
mkdir "$tree.over/upper" "$tree.over/work" "$tree.over/root"
root=$tree.over/root
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$tree.over/upper,workdir=$tree.over/work" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir "$root/package"
mount --bind "$SLUICE_PACKAGE" "$root/package"
cp -L /etc/resolv.conf "$root/etc/"
exec chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    PORT="$PORT" "$@"
'

try()
{
    local folder suite=$2 tree=${SLUICE_TREES:-/var/tmp/sluice-trees}/$2 port
    folder=$(readlink -f "$1")
    if [ ! -e "$tree.is-whole" ]; then
        rm -rf --one-file-system "$tree"
        mkdir -p "$tree"
        timeout "$make_s" debootstrap --variant=minbase "$suite" "$tree"
        printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" # no services in there
        chmod 755 "$tree/usr/sbin/policy-rc.d"
        : >"$tree.is-whole"
    fi
    mkdir -p "$tree.over"
    port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    SLUICE_PACKAGE=$folder PORT=$port timeout --kill-after=30 "$try_s" \
        unshare --mount --pid --fork --propagation private bash -c "$enter" enter "$tree" \
        sh -c "$inside" inside
    echo "1 passed, 0 failed"
}

case ${1:-} in
build) build "$2" ;;
try) try "$2" "$3" ;;
*)
    sed -n '3,7s/^# //p' "$0" >&2
    exit 2
    ;;
esac
