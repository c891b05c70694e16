"""The embedded hypervisor: a private libvirtd in a network namespace of its own.

It shares nothing with the host's own libvirt: its run, state, configuration, log and cache folders
are bind mounts that only its daemons see, its bridges are in its namespace, and everything it
keeps is under the checkout's ``.pairwise`` folder. From outside it is reached by
``qemu:///system?socket=...``. A ``nat`` network ends in the namespace, which has no way out: the
machines of a lab never reach the internet, and no test can reach anything but them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import daemons, fence, forward, kvm, namespace, server
from lab.paths import Paths
from lab.steps import StepError, locked, say
from lab.waiting import wait_until

POOL = "pairwise"
"""Name of the storage pool."""
MIN_FREE_GIB = 4
"""A lab of six machines writes about 3 GiB."""
QEMU_CONF = """\
security_driver = "none"
cgroup_controllers = []
namespaces = []
user = "root"
group = "root"
remember_owner = 0
"""
"""No cgroups and no security driver: both want a systemd that a container may not have. No private
/dev for each machine either: in a chroot libvirt builds one without /dev/urandom."""
LIBVIRTD_CONF = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
"""
"""The socket is root's alone."""
BINDS = ("run", "lib", "etc", "log", "cache")
"""Private folders, bound over /run/libvirt, /var/lib/libvirt, /etc/libvirt and so on."""
START_S = 30
"""libvirtd answers within a second; on a starved machine within half a minute."""


@dataclass(frozen=True)
class LabStatus:
    """What a lab is doing."""

    name: str
    netns: str
    uri: str
    up: bool
    machines: dict[str, str]
    """State of each machine by its libvirt name."""
    forwards: dict[str, str]
    """URL on 127.0.0.1 of each forward by its name."""
    kvm: bool | None
    """Whether machines run under KVM; none before it was probed."""


@dataclass(frozen=True)
class Lab:
    """The embedded hypervisor of one checkout."""

    paths: Paths

    @classmethod
    def of_checkout(cls, root: Path) -> Lab:
        """The lab of the checkout in ``root``; nothing is started."""
        return cls(Paths.of_checkout(root))

    @property
    def name(self) -> str:
        """Name of the lab."""
        return self.paths.name

    @property
    def netns(self) -> str:
        """Network namespace that holds its bridges."""
        return self.paths.netns

    @property
    def socket(self) -> Path:
        """libvirtd's socket."""
        return self.paths.run / "libvirt-sock"

    @property
    def uri(self) -> str:
        """libvirt URI, usable from outside the namespace."""
        return f"qemu:///system?socket={self.socket}"

    @property
    def pool(self) -> str:
        """Name of the storage pool."""
        return POOL

    @property
    def pool_dir(self) -> Path:
        """Folder of the storage pool."""
        return self.paths.pool

    @property
    def machine_logs(self) -> Path:
        """Folder of what QEMU and machines' consoles say."""
        return self._bound("log") / "qemu"

    @property
    def kvm(self) -> bool:
        """Whether a guest was seen to run under KVM; probed once."""
        return kvm.probe(self.paths)

    def is_up(self) -> bool:
        """Whether namespace and daemons are there and libvirtd answers."""
        if not namespace.exists(self.netns) or daemons.running(self._pid("libvirtd")) is None:
            return False
        return self.virsh("uri", check=False).returncode == 0

    def up(self) -> None:
        """Start what does not run, and the machines that ran before a reboot.

        Raises:
            StepError: with what is missing.
        """
        with locked(self.paths.lab / "lock"):
            if self.is_up():
                self._ensure_pool()
                self._ensure_servers()
                return
            self._check_machine()
            self._stop_daemons()
            namespace.create(self.netns)
            self._write_configuration()
            self._start_daemons()
            self._wait_for_libvirtd()
            self._ensure_pool()
            self._ensure_servers()
            self._start_what_exists()

    def down(self) -> None:
        """Destroy machines, networks, pool, daemons and namespace; volumes go too."""
        with locked(self.paths.lab / "lock"):
            forward.stop_all(self.paths)
            fence.stop(self.paths)
            if self.is_up():
                self._destroy_machines()
                for network in self.virsh("net-list", "--name").stdout.split():
                    self.virsh("net-destroy", network, check=False)
            self._stop_daemons()
            server.stop(self.paths)
            daemons.end(namespace.processes(self.netns))
            namespace.delete(self.netns)
            for folder in (self.paths.run, *(self.paths.lab / name for name in BINDS)):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(self.paths.pool, ignore_errors=True)

    def status(self) -> LabStatus:
        """What the lab is doing now."""
        up = self.is_up()
        machines: dict[str, str] = {}
        if up:
            for name in self.virsh("list", "--all", "--name").stdout.split():
                machines[name] = self.virsh("domstate", name).stdout.strip()
        return LabStatus(
            name=self.name,
            netns=self.netns,
            uri=self.uri,
            up=up,
            machines=machines,
            forwards=forward.running(self.paths),
            kvm=kvm.known(self.paths),
        )

    def virsh(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run virsh on the lab's hypervisor."""
        argv = ["virsh", "--quiet", "--connect", self.uri, *arguments]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if check and done.returncode != 0:
            reason = " ".join(done.stderr.split())
            raise StepError(f"virsh {' '.join(arguments)} failed on lab {self.name}: {reason}")
        return done

    def _pid(self, daemon: str) -> Path:
        return self.paths.lab / f"{daemon}.pid"

    def _check_machine(self) -> None:
        if os.geteuid() != 0:
            raise StepError("The embedded hypervisor needs root: run the command as root.")
        missing = [name for name in ("libvirtd", "virtlogd", "ip") if shutil.which(name) is None]
        if missing:
            raise StepError(f"{', '.join(missing)} not found: run `make lab`, which installs them.")
        self.paths.lab.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.paths.lab).free / 2**30
        if free < MIN_FREE_GIB:
            raise StepError(
                f"The pool in {self.paths.lab} has {free:.1f} GiB free and a lab needs "
                f"{MIN_FREE_GIB}: free some space."
            )

    def _write_configuration(self) -> None:
        for name in BINDS:
            self._bound(name).mkdir(parents=True, exist_ok=True)
        # libvirtd makes it for its own logs only later, and a machine's console log goes there.
        self.machine_logs.mkdir(exist_ok=True)
        self.paths.pool.mkdir(parents=True, exist_ok=True)
        (self._bound("etc") / "qemu.conf").write_text(QEMU_CONF)
        (self._bound("etc") / "libvirtd.conf").write_text(LIBVIRTD_CONF)

    def _bound(self, name: str) -> Path:
        return self.paths.run if name == "run" else self.paths.lab / name

    def _start_daemons(self) -> None:
        """Both daemons in the namespace and in one private mount namespace."""
        system = {"run": "/run/libvirt", "etc": "/etc/libvirt", "lib": "/var/lib/libvirt"}
        system |= {"log": "/var/log/libvirt", "cache": "/var/cache/libvirt"}
        lines = ["set -e", "mount --make-rprivate /"]
        for name, target in system.items():
            lines += [f"mkdir -p {target}", f"mount --bind '{self._bound(name)}' {target}"]
        for daemon in ("virtlogd", "libvirtd"):
            lines.append(f"{daemon} --daemon --pid-file '{self._pid(daemon)}'")
        # Machines are libvirtd's children and run at its priority. Niced like the command that
        # starts it, they would be starved and fail over falsely.
        normal = ["nice", "-n", str(-os.nice(0))]
        argv = [*namespace.enter(self.netns), *normal, "unshare", "--mount", "sh", "-c"]
        argv.append("\n".join(lines))
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, start_new_session=True
        )
        if done.returncode != 0:
            raise StepError(f"libvirtd did not start in namespace {self.netns}: {done.stderr}")
        for daemon in ("virtlogd", "libvirtd"):
            self._record(daemon)

    def _record(self, daemon: str) -> None:
        pid_file = self._pid(daemon)
        if not wait_until(lambda: _has_text(pid_file), timeout_s=START_S):
            raise StepError(f"{daemon} wrote no {pid_file}: its log is in {self._bound('log')}.")
        daemons.record(pid_file, int(pid_file.read_text()))

    def _wait_for_libvirtd(self) -> None:
        if not wait_until(
            lambda: self.virsh("uri", check=False).returncode == 0, timeout_s=START_S
        ):
            seen = self.virsh("uri", check=False).stderr.strip()
            raise StepError(f"libvirtd of lab {self.name} does not answer; seen last: {seen}")

    def _stop_daemons(self) -> None:
        for daemon in ("libvirtd", "virtlogd"):
            daemons.stop(self._pid(daemon))

    def _ensure_pool(self) -> None:
        self.paths.pool.mkdir(parents=True, exist_ok=True)
        if POOL not in self.virsh("pool-list", "--all", "--name").stdout.split():
            self.virsh("pool-define-as", POOL, "dir", "--target", str(self.paths.pool))
            self.virsh("pool-autostart", POOL)
        if POOL not in self.virsh("pool-list", "--name").stdout.split():
            self.virsh("pool-start", POOL)

    def _ensure_servers(self) -> None:
        """What the machines ask of the lab: the HTTP server and the fence endpoint."""
        server.ensure(self.paths)
        fence.ensure(self.paths)

    def _start_what_exists(self) -> None:
        """After a reboot: networks and machines come back as they were, none is replaced."""
        active = self.virsh("net-list", "--name").stdout.split()
        for network in self.virsh("net-list", "--all", "--name").stdout.split():
            if network not in active:
                self.virsh("net-start", network)
        running = self.virsh("list", "--name").stdout.split()
        for machine in self.virsh("list", "--all", "--name").stdout.split():
            if machine not in running:
                say(f"starting {machine}")
                self.virsh("start", machine)

    def _destroy_machines(self) -> None:
        # Neither may stop the rest: a machine may end meanwhile, a transient one is then gone.
        for machine in self.virsh("list", "--all", "--name").stdout.split():
            self.virsh("destroy", machine, check=False)
            self.virsh("undefine", machine, check=False)


def _has_text(path: Path) -> bool:
    return path.exists() and path.read_text().strip() != ""
