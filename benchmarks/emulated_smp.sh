#!/usr/bin/env bash
# How long an emulated machine with one processor and one with two live while their kernel patches
# its own code: the golden image boots with a shell as its init, which flips a static key (two
# processes at once: a flip, and forks that run through the patched code). Prints for each machine
# the flips until its kernel panicked, or until the time was over. Nothing is written to the image.
# Usage, after `make lab`: benchmarks/emulated_smp.sh [SECONDS [ROUNDS]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-120} rounds=${2:-3}
image=$(.venv/bin/python -c 'from lab import image, paths
print(image.image(paths.Paths.of_checkout(paths.Path.cwd())).disk.parent)')
work=$(mktemp --directory)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$work"' EXIT

# A shell reads its text from a disk as from a file; the zeros that fill it come after the `wait`.
cat >"$work/init" <<'INIT'
mount -t proc proc /proc
exec >/dev/ttyS0 2>&1
forks() { while :; do /bin/true; done; }
flips() {
    i=0
    while i=$((i + 1)); do
        echo $((i % 2)) >/proc/sys/kernel/sched_schedstats
        [ $((i % 500)) -ne 0 ] || echo "flips $i"
    done
}
forks &
forks &
flips &
wait
INIT
truncate --size=64K "$work/init"

for processors in 1 2; do
    for _ in $(seq "$rounds"); do
        : >"$work/console"
        nice -n 10 qemu-system-x86_64 -machine pc -accel tcg -cpu max,cx16=off -m 768 \
            -smp "$processors" -no-reboot -display none -nodefaults -serial "file:$work/console" \
            -kernel "$image/vmlinuz" -initrd "$image/initrd" \
            -append "console=ttyS0 mitigations=off panic=-1 rw root=LABEL=root init=/bin/sh -- /dev/vdb" \
            -drive "file=$image/root.qcow2,if=virtio,snapshot=on" \
            -drive "file=$work/init,format=raw,if=virtio" 2>/dev/null &
        machine=$!
        begin=$(date +%s)
        # A panic ends the machine: it may not reboot.
        timeout "$seconds" tail --pid="$machine" --follow /dev/null && end=panic || end="time over"
        kill "$machine" 2>/dev/null || true
        wait "$machine" || true
        machine=
        printf '%s processors: %s after %s s, %s flips; %s\n' "$processors" "$end" \
            "$(($(date +%s) - begin))" "$(awk '/^flips/ {n = $2} END {print n + 0}' "$work/console")" \
            "$(grep -a -m 1 -o 'Oops: .*' "$work/console" | tr -d '\r' || true)"
    done
done
