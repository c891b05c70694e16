"""The package source of the minimal image has what the blocks ask for."""

from __future__ import annotations

from bootstrap.deploy import manifests
from lab import image_minimal
from tests.golden.tree import plans


def test_every_package_of_a_block_is_handed_out_or_in_the_image() -> None:
    asked = {
        package
        for plan in plans().values()
        for node in plan.nodes.values()
        for manifest in manifests(node=node, plan=plan.slice(node.member))
        for package in manifest.packages
    }
    known = {*image_minimal.HANDED_OUT, *image_minimal.PACKAGES, *image_minimal.IN_NO_RELEASE}
    assert asked <= known, asked - known


def test_the_image_lacks_what_the_roles_need() -> None:
    assert not {"nginx", "keepalived", "memcached", "php8.4-fpm"} & set(image_minimal.PACKAGES)
