"""The lock on each host while it is being changed: a flock held over the SSH connection.

It needs no clean-up: the kernel frees it with the process that holds it, and that process ends
when the SSH connection does. It then still waits for the commands of the same connection: a
package installation that outlives its killed client must not meet the next run.
"""

import shlex
from typing import Any, Final

LOCK_PATH: Final = "/run/pairwise.lock"
"""On every machine; /run is empty after a boot."""

WAIT_S: Final = 15
"""How long a run waits for a lock: a killed run lets go as soon as its connection is closed."""

LEFTOVER_S: Final = 300
"""How long the lock outlives its connection for the sake of commands that still run."""

ANSWER_S: Final = WAIT_S + 30.0
"""How long we wait for the answer of the lock script, on a slow machine."""

# $1: lock file, $2: owner, $3: SSH_CONNECTION of this connection, the mark of its commands. The
# script runs without that variable, so it does not find itself; `env -i` hides grep likewise.
_SCRIPT = f"""
exec 9>>"$1"
flock -w {WAIT_S} 9 || {{ head -n 1 "$1"; exit 75; }}
printf '%s\\n' "$2" >"$1"
echo locked
cat >/dev/null
n=0
while [ $n -lt {LEFTOVER_S} ] && env -i grep -qsF "SSH_CONNECTION=$3" /proc/[0-9]*/environ; do
  n=$((n + 1)); sleep 1
done
: >"$1"
"""


class LockedError(Exception):
    """Another run holds the host; the message is a sentence that names it."""


def acquire(transport: Any, *, host: str, owner: str, path: str = LOCK_PATH) -> Any:
    """Take the host's lock over an open SSH transport.

    Args:
        transport: paramiko's. host: name for the error. owner: one line that names this run.
        path: the lock file on the host.

    Returns:
        The channel that holds the lock; keep it open, close it to let go.

    Raises:
        LockedError: another run holds it, or the host could not say.
    """
    channel = transport.open_session()
    channel.settimeout(ANSWER_S)
    words = ["exec", "env", "-u", "SSH_CONNECTION", "-u", "SSH_CLIENT", "sh", "-c", _SCRIPT, "lock"]
    command = shlex.join([*words, path, owner]) + ' "$SSH_CONNECTION"'
    channel.exec_command(command)
    answer = channel.makefile("r").readline().strip()
    if answer == "locked":
        return channel
    channel.close()
    if not answer:
        raise LockedError(f"{host} did not grant its lock {path}: see that /run is writable there")
    # The owner may be dead already: then one of its commands still runs on the host.
    what = f"{host} is being changed by {answer}, or by a command that it has left running there"
    raise LockedError(f"{what}: run again when that has ended")
