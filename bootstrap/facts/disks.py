"""Backing disks: whether one is empty, and whether what is on it is finished.

A disk counts as empty only when every byte that was read is zero. Up to WHOLE_MIB all of it is
read, beyond that its first and last ENDS_MIB and SAMPLES places between them: boot records, file
systems and DRBD's own metadata lie at the ends. What is not proven empty is never written to. Two
disks that were not read whole may differ all the same: operation ``first_data`` has one copied.

Everything is read past the page cache: DRBD writes below it, so that a page from before the first
data would still show the empty disk of then.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

WHOLE_MIB = 1024
"""Read whole in about a second on hardware, ten under software emulation."""
ENDS_MIB = 64
"""DRBD's internal metadata takes 32 KiB for each GiB: 64 MiB cover that of 2 TiB."""
SAMPLES = 256
"""Places of one MiB each between the ends."""
EXT4_LABEL_AT = 1024 + 0x78
"""Offset of an ext4 file system's label: superblock plus s_volume_name (ext4 disk layout,
Documentation/filesystems/ext4/super.rst); 16 bytes."""
UNFINISHED = "pairwise-new"
"""Label of a file system whose first data are still being made."""


@dataclass(frozen=True, kw_only=True)
class SeenDisk:
    """A backing disk as found."""

    size_mib: int
    """Size."""
    empty: bool
    """Whether it is proven empty."""
    label: str
    """Label of the ext4 file system that begins it; empty: there is none, or it has none."""

    @property
    def finished(self) -> bool:
        """Whether it holds a file system whose first data are complete."""
        return bool(self.label) and self.label != UNFINISHED


def script(disks: Iterable[str]) -> str:
    """Shell text: one line ``path size_mib empty|used label`` for each disk that exists."""
    quoted = " ".join(shlex.quote(disk) for disk in disks)
    if not quoted:
        return ""
    # cmp ends at the first byte that differs: a used disk costs nothing. What cannot be read is
    # shorter than asked for, and so not empty.
    zero = 'direct if="$1" bs=1M skip=$2 count=$3 | cmp -s -n $(($3 << 20)) - /dev/zero'
    return f"""\
direct() {{ dd iflag=direct status=none "$@" 2>/dev/null; }}
zero() {{ {zero}; }}
empty() {{
 if [ $2 -le {WHOLE_MIB} ]; then zero $1 0 $2; return; fi
 zero $1 0 {ENDS_MIB} && zero $1 $(($2 - {ENDS_MIB})) {ENDS_MIB} || return
 i=1; while [ $i -le {SAMPLES} ]; do zero $1 $(($2 / {SAMPLES + 1} * i)) 1 || return
 i=$((i + 1)); done
}}
for d in {quoted}; do [ -b $d ] || continue; size=$(($(blockdev --getsize64 $d) >> 20))
 if empty $d $size; then echo "$d $size empty -"; else
 echo "$d $size used $(direct if=$d bs=4k count=1 | tail -c +{EXT4_LABEL_AT + 1} | head -c 16 |
 tr -cd 'a-z0-9-')"; fi
done"""


def process(output: Iterable[str]) -> dict[str, SeenDisk]:
    """Disk -> what is on it."""
    found = {}
    for line in output:
        path, size, state, *label = line.split()
        name = label[0] if label and state == "used" else ""
        found[path] = SeenDisk(size_mib=int(size), empty=state == "empty", label=name)
    return found
