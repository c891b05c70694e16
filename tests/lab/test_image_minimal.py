"""The package source of the minimal image has what the blocks ask for."""

from __future__ import annotations

from bootstrap.deploy import manifests
from lab import image_minimal
from lab import image_recipe as recipe
from tests.golden.tree import plans

ALWAYS_THERE = {"python3", "openssl"}
"""A deploy runs by the one; the other is what certificates of any image come with."""


def _asked() -> set[str]:
    return {
        package
        for plan in plans().values()
        for node in plan.nodes.values()
        for manifest in manifests(node=node, plan=plan.slice(node.member))
        for package in manifest.packages
    }


def test_every_package_of_a_block_comes_back_in_a_lab() -> None:
    kept = {*recipe.KEPT_PACKAGES, *recipe.KEPT_WITH_NEEDS, *ALWAYS_THERE}
    assert _asked() <= kept, _asked() - kept


def test_every_package_of_a_block_is_handed_out_or_in_the_image() -> None:
    asked = _asked()
    there = {*image_minimal.PACKAGES, *ALWAYS_THERE}
    known = {*image_minimal.HANDED_OUT, *there, *image_minimal.IN_NO_RELEASE}
    assert asked <= known, asked - known


def test_the_image_lacks_what_the_roles_need() -> None:
    assert not {"nginx", "keepalived", "memcached", "php8.4-fpm"} & set(image_minimal.PACKAGES)
