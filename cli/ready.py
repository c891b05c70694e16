"""Brings the lab to the point where a stack can be worked on, and opens its site to a browser."""

from __future__ import annotations

from cli.checkout import GOLDEN, Checkout, uses_lab
from cli.errors import CommandError
from cli.machines import Machines
from cli.progress import say
from lab import forward, image, toolchain
from lab.setup import setup
from stacks.plan_types import Plan


def is_ready(checkout: Checkout, plan: Plan) -> bool:
    """Whether all that the stack needs of this machine is there."""
    paths = checkout.paths
    if not toolchain.is_ready(paths) or not toolchain.plugin_installed(paths):
        return False
    if not uses_lab(plan):
        return True
    if plan.image == GOLDEN and not image.is_baked(paths):
        return False
    return checkout.lab.is_up()


def ensure_ready(checkout: Checkout, plan: Plan) -> None:
    """Run the set-up steps that are not done; usually none.

    Raises:
        StepError: a step failed.
        CommandError: a hypervisor does not answer.
    """
    if is_ready(checkout, plan):
        if uses_lab(plan):
            checkout.lab.up()  # looks at the pool
    elif not uses_lab(plan):
        raise CommandError("Pulumi or its libvirt plugin is not there: run `make lab`.")
    else:
        say("setting up the lab")
        setup(checkout.root)
    Machines(checkout, plan).check_hypervisors()


def lab_is_down(checkout: Checkout, plan: Plan) -> str:
    """The sentence for a stack whose embedded hypervisor is down; empty when it is up or unused."""
    if not uses_lab(plan) or checkout.lab.is_up():
        return ""
    return (
        f"The embedded hypervisor of lab {checkout.lab.name} is down: `pairwise lab up` "
        "starts it and the machines that it had."
    )


def open_site(checkout: Checkout, plan: Plan) -> str:
    """Start the forward to the stack's site, if it has one; returns its URL or nothing."""
    for vip in plan.vips:
        balancer = plan.nodes[vip.prefers].balancer
        if balancer is not None:
            port = balancer.listen_port
            return forward.start(checkout.paths, plan.stack, str(vip.address), port)
    return ""
