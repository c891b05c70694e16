"""The lab's own sshd, by which its machines reach the fence endpoint and nothing else.

It listens in the lab's namespace only, at every address, because a network's address comes with
the network. Each key in ``authorized_keys`` (``lab.fence_keys``) has the endpoint as its forced
command; there is no terminal, no forwarding, and no way to pass in environment variables.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab import daemons, namespace
from lab.fence_keys import AUTHORIZED_KEYS, make_folder
from lab.paths import Paths
from lab.steps import StepError, locked
from lab.waiting import wait_until

PORT = 8022
"""``stacks.addressing.FENCE_PORT``: a test holds the two together."""
USER = "root"
"""Who the endpoint runs as: libvirt's socket is root's alone."""
HOST_KEY = "host_key"
"""Name of the private host key in the state folder; ``.pub`` is beside it."""
CONFIG, LOG, PID = "sshd_config", "sshd.log", "sshd.pid"
"""Names of sshd's own files in the state folder."""
PRIVILEGE_FOLDER = Path("/run/sshd")
"""sshd separates its privileges in it; its package's unit makes it, and no unit runs here."""
SHADOW = Path("/etc/shadow")
"""Says whether root's password is locked."""
START_S = 10
"""How long sshd may take to listen."""
ENVIRONMENT = {"SHLVL": "1"}
"""For the endpoint's shell: as a nested one, bash does not read .bashrc, which costs time."""


def state_folder(paths: Paths) -> Path:
    """Keys, marks and logs of the fence endpoint; readable by root only."""
    return paths.lab / "fence"


def host_public_key(paths: Paths) -> str:
    """The sshd's public host key, ``ssh-ed25519 AAAA...``; made at the first call.

    Raises:
        StepError: ssh-keygen is missing or fails.
    """
    folder = state_folder(paths)
    make_folder(folder)
    public = folder / f"{HOST_KEY}.pub"
    with locked(folder / "lock"):
        if not public.exists():
            _make_key(folder / HOST_KEY)
    return " ".join(public.read_text().split()[:2])


def _make_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pairwise-fence", "-f", str(path)]
    try:
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise StepError(
            f"ssh-keygen did not make {path} ({error}): run `make lab`, which installs it."
        ) from error


def ensure(paths: Paths) -> None:
    """Start the sshd of a lab whose namespace is there, if it does not run as it should.

    Raises:
        StepError: it does not listen.
    """
    host_public_key(paths)
    folder = state_folder(paths)
    (folder / AUTHORIZED_KEYS).touch(mode=0o600)
    config, pid_file = folder / CONFIG, folder / PID
    text = configuration(folder)
    known = config.read_text() if config.exists() else ""
    # In another namespace than this one it runs when the lab's was lost and made anew.
    here = daemons.running(pid_file) in namespace.processes(paths.netns)
    if known == text and here:
        return
    daemons.stop(pid_file)
    config.write_text(text)
    PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)
    # Fencing must be quick when machines starve: it runs at their priority, not at the command's.
    argv = [*namespace.enter(paths.netns), "nice", "-n", str(-os.nice(0)), *start_command(folder)]
    done = subprocess.run(
        argv,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # It goes into the background before it listens, and writes its pid file after that.
    if done.returncode != 0 or not wait_until(lambda: listens(folder), timeout_s=START_S):
        raise StepError(
            f"The fence endpoint's sshd does not listen on port {PORT} in namespace "
            f"{paths.netns}: its log is {folder / LOG}. {done.stderr.decode().strip()}"
        )
    daemons.record(pid_file, int(pid_file.read_text()))


def stop(paths: Paths) -> None:
    """End the sshd and forget who may ask and who was shot: the machines go as well.

    The host key stays: machines of the next lab that pin it need no new configuration.
    """
    folder = state_folder(paths)
    daemons.stop(folder / PID)
    for path in folder.glob("*"):
        if not path.name.startswith(HOST_KEY):
            path.unlink()


def listens(folder: Path) -> bool:
    """Whether sshd has written its pid file, whole."""
    path = folder / PID
    return path.exists() and path.read_text().endswith("\n")


def start_command(folder: Path) -> list[str]:
    """Starts sshd, which goes into the background; it insists on its absolute path."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if sshd is None:
        raise StepError("sshd not found: run `make lab`, which installs it.")
    return [sshd, "-E", str(folder / LOG), "-f", str(folder / CONFIG)]


def configuration(
    folder: Path,
    *,
    listen: str = "0.0.0.0",
    port: int = PORT,
    user: str = USER,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> str:
    """sshd_config(5) of the endpoint; the arguments are for tests.

    StrictModes is off because it looks at all parents too, and a checkout may lie below a folder
    that is not root's alone, as /tmp; the state folder itself is 0700. With PAM off, sshd refuses
    an account whose password is locked, as some distributions have it for root. A node keeps one
    connection open, over which its disks and its Heartbeat may ask at once; without it a request is
    one connection, and eight from one node are more than it has programs that ask. A caller that
    was powered off is noticed after a minute (15 s four times).
    """
    given = " ".join(f'"{name}={value}"' for name, value in sorted(environment.items()))
    return f"""\
AddressFamily inet
ListenAddress {listen}:{port}
HostKey "{folder / HOST_KEY}"
PidFile "{folder / PID}"
AuthorizedKeysFile "{folder / AUTHORIZED_KEYS}"
StrictModes no
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers {user}
PermitRootLogin forced-commands-only
UsePAM {"yes" if _is_locked(user) else "no"}
DisableForwarding yes
PermitTTY no
PermitTunnel no
PermitUserRC no
PermitUserEnvironment no
SetEnv {given}
PrintMotd no
PrintLastLog no
UseDNS no
MaxAuthTries 2
MaxSessions 4
MaxStartups 32
PerSourceMaxStartups 8
LoginGraceTime 10
ClientAliveInterval 15
ClientAliveCountMax 4
LogLevel VERBOSE
{_without_penalties()}"""


def _without_penalties() -> str:
    """The line that keeps sshd from shutting out an address after refused keys.

    Versions from 9.8 on do that by default, for up to ten minutes: a node that asked before it
    was authorized could not fence then. Older ones take the option for a mistake.
    """
    said = subprocess.run(["ssh", "-V"], check=False, capture_output=True, text=True).stderr
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", said)
    is_new = found is not None and (int(found[1]), int(found[2])) >= (9, 8)
    return "PerSourcePenalties no\n" if is_new else ""


def _is_locked(user: str) -> bool:
    """Whether a user's password is locked (shadow(5)); who may not look is told no."""
    try:
        lines = SHADOW.read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{user}:!") for line in lines)
