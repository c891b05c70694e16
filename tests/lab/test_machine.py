"""What is asked of the machine: packages, KVM, space; each lack is one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import doctor, hypervisor, image_recipe, kvm, namespace, packages
from lab.hypervisor import Lab
from lab.paths import Paths
from lab.setup import with_sbin
from lab.steps import StepError


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An empty checkout with an empty cache."""
    monkeypatch.setenv("PAIRWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRWISE_LAB", "no-such-lab")
    return Paths.of_checkout(tmp_path)


def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str]) -> Path:
    """A machine whose dpkg knows these packages, and whose apt notes how it is called."""
    folder, log = tmp_path / "bin", tmp_path / "apt.log"
    lines = "\n".join(f"echo '{name} ii '" for name in installed)
    program(folder, "dpkg-query", f"{lines}\necho 'curl rc '")
    program(folder, "apt-get", f'echo "$@ policy=$(test -e {tmp_path}/policy; echo $?)" >>{log}')
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "POLICY", tmp_path / "policy")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return log


def test_packages_go_in_at_once_and_start_nothing(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [name for name in packages.PACKAGES if name not in {"curl", "mmdebstrap"}]
    log = answers(tmp_path, monkeypatch, there)
    assert packages.missing() == ["curl", "mmdebstrap"]
    packages.install(paths)
    update, install = log.read_text().splitlines()
    assert update.startswith("update")
    assert install.endswith("--no-install-recommends curl mmdebstrap policy=0")
    assert not (tmp_path / "policy").exists()


def test_nothing_is_installed_twice(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = answers(tmp_path, monkeypatch, list(packages.PACKAGES))
    packages.install(paths)
    assert not log.exists()


def test_a_policy_of_the_machine_stays(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(tmp_path, monkeypatch, [])
    (tmp_path / "policy").write_text("its own\n")
    packages.install(paths)
    assert (tmp_path / "policy").read_text() == "its own\n"


def test_packages_need_root_and_debian(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(tmp_path, monkeypatch, [])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StepError, match="as root"):
        packages.install(paths)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(StepError, match="no Debian"):
        packages.missing()


@pytest.mark.parametrize(("code", "works"), [(33, True), (1, False), (0, False), (134, False)])
def test_kvm_works_only_when_the_guest_said_so(
    code: int, works: bool, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 is QEMU's own: no permission, no such accelerator."""
    program(tmp_path / "bin", "qemu-system-x86_64", f"exit {code}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert kvm.works(paths) is works


def test_a_kvm_that_hangs_does_not_work(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "qemu-system-x86_64", "exec sleep 30")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(kvm, "SECTOR_S", 0.2)
    assert kvm.works(paths) is False


@pytest.mark.parametrize(("text", "works"), [("Kernel panic - not syncing", True), ("", False)])
def test_a_kvm_must_run_the_image_s_kernel_too(
    text: str, works: bool, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kvm, "is_baked", lambda _: True)
    program(
        tmp_path / "bin",
        "qemu-system-x86_64",
        f'case "$*" in *vmlinuz*) echo "{text}"; exit 0;; esac; exit 33',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert kvm.works(paths) is works


def test_kvm_is_probed_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kvm.known(paths) is None
    monkeypatch.setattr(kvm, "works", lambda _: False)
    assert kvm.probe(paths) is False
    monkeypatch.setattr(kvm, "works", lambda _: True)
    assert kvm.probe(paths) is False


def test_no_space_in_the_pool_is_one_sentence(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(hypervisor, "MIN_FREE_GIB", 10**9)
    with pytest.raises(StepError, match=r"^The pool in .* GiB free and a lab needs .*\.$"):
        Lab(paths).up()
    assert not namespace.exists(paths.netns)


def test_no_libvirtd_and_no_root_are_one_sentence(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StepError, match=r"^The embedded hypervisor needs root"):
        Lab(paths).up()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(StepError, match=r"^libvirtd, virtlogd, ip not found: run `make lab`"):
        Lab(paths).up()


def test_a_lab_that_is_down_says_so(paths: Paths) -> None:
    status = Lab(paths).status()
    assert status.up is False
    assert status.machines == {}
    assert status.uri == f"qemu:///system?socket={paths.run}/libvirt-sock"


def test_every_lack_has_its_remedy(paths: Paths) -> None:
    findings = doctor.examine(paths.root)
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    for finding in findings:
        assert finding.found
        assert bool(finding.remedy) is not finding.ok


def test_system_programs_are_found_by_a_plain_user() -> None:
    assert with_sbin("/bin") == "/bin:/usr/sbin:/sbin"
    assert with_sbin("/sbin:/usr/sbin") == "/sbin:/usr/sbin"


def test_pins_let_only_named_packages_come_from_sid() -> None:
    everything, named = image_recipe.PREFERENCES.strip().split("\n\n")
    assert re.search(r"^Pin-Priority: 100$", everything, re.M)
    assert "Package: *\n" in everything
    assert "*" not in re.findall(r"Package: (.*)", named)[0].split()


def test_the_package_imports_nothing_but_the_standard_library() -> None:
    """It runs before the project's environment exists: -I and -S leave no other package."""
    root = Path(__file__).parent.parent.parent
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import lab.setup, lab.forward"
    subprocess.run(["python3", "-I", "-S", "-c", code], check=True)
