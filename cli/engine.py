"""Runs Pulumi for a stack: its environment, its start and end, what a killed run left behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import IO, Any

from cli import backend, stack_copy
from cli.checkout import GOLDEN, Checkout, uses_lab
from cli.errors import EXIT_SIGNAL, CommandError
from cli.progress import say
from lab import fence, image, toolchain
from lab.setup import with_sbin
from stacks.plan_types import Plan

PASSPHRASE_BYTES = 15
"""120 bits: nobody types it."""


@dataclass(frozen=True)
class Engine:
    """Pulumi for one stack of one checkout."""

    checkout: Checkout
    plan: Plan
    offline: bool = False
    """Compare with the recorded state only."""

    @property
    def stack(self) -> str:
        """Name of the stack."""
        return self.plan.stack

    @property
    def state(self) -> Path:
        """Folder of the state backend."""
        return self.checkout.paths.state / "state"

    @property
    def copy(self) -> Path:
        """The generated copy of the stack's file."""
        return self.checkout.paths.state / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def program(self) -> Path:
        """Pulumi's command line.

        Raises:
            CommandError: there is none yet.
        """
        built = toolchain.bin_dir(self.checkout.paths) / "pulumi"
        found = built if built.exists() else toolchain.official()
        if found is None:
            raise CommandError("Pulumi is not there yet: run `make lab`, which brings it.")
        return found

    def exists(self) -> bool:
        """Whether the stack was ever created here."""
        return backend.checkpoint_file(self.state, self.stack).exists()

    def environment(self) -> dict[str, str]:
        """Environment in which plain ``pulumi`` works on this stack."""
        paths = self.checkout.paths
        virtualenv = self.checkout.root / ".venv"
        # The language host takes the first python3 on PATH: the project's own must be that.
        folders = [str(virtualenv / "bin"), str(toolchain.bin_dir(paths))]
        path = os.pathsep.join([*folders, with_sbin(os.environ.get("PATH", os.defpath))])
        values = {
            "PATH": path,
            "VIRTUAL_ENV": str(virtualenv),
            "PULUMI_HOME": str(paths.pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._ensure_passphrase()),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_OPTION_CONFIG_FILE": str(self.copy),
            "PULUMI_STACK": self.stack,
        }
        if uses_lab(self.plan):
            values["LIBVIRT_DEFAULT_URI"] = self.checkout.lab.uri
        dropped = ("PULUMI_CONFIG_PASSPHRASE", "PYTHONPATH", "PYTHONHOME")
        return {k: v for k, v in {**os.environ, **values}.items() if k not in dropped}

    @property
    def passphrase(self) -> Path:
        """File with the passphrase that the state's secrets are encrypted with."""
        return self.checkout.paths.state / "passphrase"

    def _ensure_passphrase(self) -> Path:
        path = self.passphrase
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".passphrase.{os.getpid()}")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(PASSPHRASE_BYTES))
            try:
                # link(2) fails where another command was quicker: its passphrase stays.
                path.hardlink_to(partial)
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        path.chmod(0o600)
        return path

    def prepare(self) -> None:
        """Write the generated copy, create the stack on demand, mend what a killed run left.

        Raises:
            CommandError: the stack cannot be created.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        salt = backend.salt(backend.checkpoint(self.state, self.stack))
        if not self.exists():
            salt = self._create()
        stack_copy.build(
            self.checkout.description(self.stack),
            self.copy,
            lab=self._lab(),
            offline=self.offline,
            salt=salt,
        )

    def _create(self) -> str | None:
        """Create the stack; returns its salt.

        Unlike other commands `pulumi stack init` writes into the stack's file of the project that
        it runs in, so it runs in a scratch copy of the project file alone.
        """
        self.copy.unlink(missing_ok=True)
        with TemporaryDirectory() as folder:
            project = self.checkout.root / "Pulumi.yaml"
            shutil.copyfile(project, Path(folder) / project.name)
            (Path(folder) / "stacks").mkdir()
            arguments = ["stack", "init", self.stack, "--non-interactive"]
            self.query(*arguments, cwd=Path(folder))
            written = [*Path(folder).rglob(self.copy.name)]
            return stack_copy.kept_salt(written[0]) if written else None

    def mend(self) -> None:
        """Remove locks whose process is gone, and forget operations that it had begun."""
        for lock in backend.remove_stale_locks(self.state, self.stack):
            say(f"removed the lock of process {lock.pid}, which is gone, on stack {self.stack}")
        begun = backend.pending(backend.checkpoint(self.state, self.stack))
        if begun and not backend.locks(self.state, self.stack):
            say(f"an interrupted run had begun: {', '.join(begun)}; this one looks and goes on")
            exported = json.loads(self.query("stack", "export"))
            exported["deployment"]["pending_operations"] = []
            self.query("stack", "import", "--force", stdin=json.dumps(exported))

    def _lab(self) -> dict[str, Any] | None:
        """Value of ``pairwise:lab``: where this checkout's hypervisor and image are."""
        if not uses_lab(self.plan):
            return None
        lab, paths = self.checkout.lab, self.checkout.paths
        value: dict[str, Any] = {"uri": lab.uri, "netns": lab.netns, "pool": lab.pool}
        value["fence"] = {
            "folder": str(fence.state_folder(lab.paths)),
            "host_key": fence.host_public_key(lab.paths),
        }
        value["kvm"] = lab.kvm
        if self.plan.image == GOLDEN and image.is_baked(paths):
            baked = image.image(paths)
            value["image"] = {
                "disk": str(baked.disk),
                "kernel": str(baked.kernel),
                "initrd": str(baked.initrd),
                "key": baked.key,
            }
        return value

    def argv(self, *arguments: str, cwd: Path | None = None) -> list[str]:
        """Command line of Pulumi in this checkout."""
        return [str(self.program), *arguments, "--cwd", str(cwd or self.checkout.root)]

    def query(self, *arguments: str, stdin: str | None = None, cwd: Path | None = None) -> str:
        """Standard output of a Pulumi command that changes no machine.

        Raises:
            CommandError: it failed; the text is what Pulumi said last.
        """
        done = subprocess.run(
            self.argv(*arguments, cwd=cwd),
            env=self.environment(),
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = " ".join(done.stderr.split()) or "it gave no reason"
            raise CommandError(f"pulumi {' '.join(arguments[:2])} failed: {reason}")
        return done.stdout

    @contextmanager
    def running(
        self,
        *arguments: str,
        stdout: int | IO[Any] | None = subprocess.PIPE,
        extra: Mapping[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[str]]:
        """A running Pulumi, in a process group of its own, that gets our Ctrl-C once each.

        With the terminal's own delivery it would get the first one twice, which means "now!"
        to it; alone it finishes the resource at hand, ends its children and saves the state.

        Raises:
            CommandError: it was ended before it was done.
        """
        ended_by: list[int] = []
        engine: subprocess.Popen[str] | None = None

        def hand_on(number: int, _: FrameType | None) -> None:
            ended_by.append(number)
            if engine is not None and engine.poll() is None:
                engine.send_signal(number)
                if number == signal.SIGINT:
                    say("ending: the engine finishes what it is doing (again: at once)")

        # Before it starts: a child does not inherit a handler, but it does inherit that a signal is
        # ignored, as under nohup or behind a shell's `&`, and it could not be ended then.
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, hand_on) for number in handled}
        try:
            with subprocess.Popen(
                self.argv(*arguments),
                env={**self.environment(), **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                text=True,
                process_group=0,
            ) as engine:
                if ended_by:
                    engine.send_signal(ended_by[0])
                try:
                    yield engine
                except BaseException:
                    # Nobody reads on (a closed terminal, `| head`): it must not wait for us.
                    engine.send_signal(signal.SIGINT)
                    for _ in engine.stdout or ():
                        pass
                    raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if ended_by and engine.returncode != 0:
            raise CommandError(
                f"`pairwise {arguments[0]} {self.stack}` was ended before it was done: run it "
                "again, it goes on from there.",
                code=EXIT_SIGNAL + ended_by[0],
            )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs with its secrets.

        Raises:
            CommandError: the stack was never brought up.
        """
        if not self.exists():
            raise CommandError(
                f"Stack {self.stack} was never brought up in this checkout: "
                f"run `pairwise up {self.stack}`."
            )
        found: dict[str, Any] = json.loads(
            self.query("stack", "output", "--json", "--show-secrets")
        )
        return found

    def forget_credentials(self) -> None:
        """Remove the SSH key and known hosts that were copied out of the state."""
        shutil.rmtree(self.checkout.stack_folder(self.stack), ignore_errors=True)
