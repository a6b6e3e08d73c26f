#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests the source in a tree of Debian 13, that is against OpenSSL 3.5. The tree is made
# once, outside the checkout, and kept. Ends with a line `N passed, N failed`.
# Everything has a bound in seconds, so that a mirror that hangs is a failure.
set -euo pipefail
tree=${SLUICE_DEBIAN13:-/var/tmp/sluice-debian13}
source=$(readlink -f "$(dirname "$0")/..")
stamp=$tree/.sluice-tree-is-whole
make_s=900
test_s=3600

[ "$(id -u)" = 0 ] || {
    echo "debian13: only root can make and enter the tree" >&2
    exit 2
}
mkdir -p "$(dirname "$tree")"
if [ "${SLUICE_TREE_IS_OURS:-}" != 1 ]; then
    SLUICE_TREE_IS_OURS=1 exec flock --close --timeout "$test_s" "$tree.lock" "$0" "$@"
fi

if [ ! -e "$stamp" ]; then
    echo "debian13: making $tree" >&2
    rm -rf --one-file-system "$tree.part"
    timeout "$make_s" debootstrap --variant=minbase trixie "$tree.part" >&2
    printf '#!/bin/sh\nexit 101\n' >"$tree.part/usr/sbin/policy-rc.d" # no services in there
    chmod 755 "$tree.part/usr/sbin/policy-rc.d"
    mkdir "$tree.part/source"
    mv -T "$tree.part" "$tree" # fails when something else stands there
    : >"$stamp"
fi

# The mounts live in a name space of their own and go with it.
# shellcheck disable=SC2016
enter='
set -e
tree=$1
shift
mount --rbind /proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount -t tmpfs tmpfs "$tree/tmp"
mount --bind "$SLUICE_SOURCE" "$tree/source"
mount -o remount,bind,ro "$tree/source"
for file in /etc/resolv.conf /etc/hosts; do
    [ ! -e "$file" ] || cp -L "$file" "$tree$file"
done
exec chroot "$tree" env -i HOME=/tmp LC_ALL=C.UTF-8 CI="${CI:-}" \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin SLUICE_BUILD_ROOT=/var/tmp/sluice "$@"
'
# shellcheck disable=SC2016
inside='
set -e
mkdir -p "$SLUICE_BUILD_ROOT"
/source/start install build test
openssl version
exec /source/start test "$@"
'
SLUICE_SOURCE=$source exec timeout --kill-after=30 "$test_s" \
    unshare --mount --propagation private bash -c "$enter" enter "$tree" \
    bash -c "$inside" inside "$@"
