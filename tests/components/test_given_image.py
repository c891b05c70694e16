"""An image that the description names: with its own boot loader, or with a kernel beside it."""

from __future__ import annotations

from pathlib import Path

from components.settings import image
from stacks.plan import make_plan
from tests.descriptions import six


def test_a_cloud_image_boots_by_itself() -> None:
    found = image(make_plan(six(put={"image": "https://example.org/x/debian-13.qcow2"})), lab=None)
    assert (found.key, found.kernel, found.initrd) == ("debian-13.qcow2", None, None)


def test_a_kernel_beside_a_local_image_is_used(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("root.qcow2", "vmlinuz", "initrd"):
            (folder / file).touch()
        found = image(make_plan(six(put={"image": str(folder / "root.qcow2")})), lab=None)
        assert (found.kernel, found.initrd) == (str(folder / "vmlinuz"), str(folder / "initrd"))
        keys.add(found.key)
    assert len(keys) == 2, "two images would share one volume"


def test_a_kernel_without_an_initrd_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").touch()
    found = image(make_plan(six(put={"image": str(tmp_path / "root.qcow2")})), lab=None)
    assert found.kernel is None
