#!/usr/bin/env bash
# `make lab` on a bare Debian 12: a new root tree with git and make in it, nothing cached, a clone
# of this checkout, one command. Prints the breakdown, the time, and the peak of the memory of all
# processes in it. Usage, as root: benchmarks/cold.sh [COMMAND...]; COMMAND runs in the clone after
# `make lab` (for example: make test). Everything is removed at the end.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)

if [ "${1:-}" != --inside ]; then
    bare=$(mktemp --directory)
    trap 'rm -rf --one-file-system "$bare"' EXIT
    mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates bookworm "$bare"
    # How this machine reaches its package registries.
    cp --dereference /etc/resolv.conf "$bare/etc/"
    cp --recursive /usr/local/share/ca-certificates "$bare/usr/local/share/"
    cp --recursive --no-clobber /etc/apt/apt.conf.d "$bare/etc/apt/"
    rm -f "$bare"/etc/apt/apt.conf.d/docker-* "$bare"/etc/apt/apt.conf.d/20packagekit
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$bare/etc/"
    mkdir "$bare/checkout"
    # A process namespace of its own: whatever is left of a run ends with it.
    unshare --mount --pid --fork "$0" --inside "$bare" "$checkout" "$@"
    exit
fi

bare=$2 source=$3
shift 3
mount --bind "$bare" "$bare"
mount -t proc proc "$bare/proc"
mount --rbind /sys "$bare/sys"
mount --rbind /dev "$bare/dev"
mount -t tmpfs tmpfs "$bare/run"
mount -t tmpfs tmpfs "$bare/tmp"
mount --bind "$source" "$bare/checkout"

inside() { # SCRIPT ARGUMENTS...: in the bare tree, with the names of this machine's certificates
    env --chdir="$bare" --unset=XDG_CACHE_HOME \
        HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot . /bin/sh -euc "$@"
}

peak=$(mktemp)
echo 0 >"$peak"
watch_memory() { # resident pages of all processes of this namespace, but not the same page twice
    while sleep 10; do
        now=$(cat "$bare"/proc/[0-9]*/smaps_rollup 2>/dev/null |
            awk '/^Pss:/ { sum += $2 } END { print int(sum / 1024) }' || true) # one may just have ended
        [ "$now" -le "$(cat "$peak")" ] || echo "$now" >"$peak"
    done
}
watch_memory &

inside 'update-ca-certificates >/dev/null 2>&1
    git config --global --add safe.directory /checkout/.git
    git clone --quiet /checkout /root/pairwise'
begin=$(date +%s)
inside 'cd /root/pairwise; exec make lab'
echo "cold: make lab took $(($(date +%s) - begin)) s, peak memory $(cat "$peak") MiB"
# shellcheck disable=SC2016  # for the inner shell
inside 'cd /root/pairwise
    ./pairwise status six
    test -z "$(git status --porcelain)" && echo "cold: git status is clean"'
if [ $# -gt 0 ]; then
    # shellcheck disable=SC2016  # for the inner shell
    inside 'cd /root/pairwise; exec "$@"' sh "$@"
    echo "cold: after $*: peak memory $(cat "$peak") MiB"
fi
inside 'cd /root/pairwise; ./pairwise lab down'
