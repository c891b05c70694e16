"""The Pulumi program: load -> check -> plan -> components -> node deploys -> exports."""

from __future__ import annotations

import sys

import pulumi

from bootstrap.cloud_init import render_cloud_init
from components.build import Options, build
from components.settings import SettingsError, check_lab, read_lab
from stacks.load import CONFIG_KEY, DescriptionError, read_stack
from stacks.plan import make_plan

# The SDK keeps each resource's call stack in the state, 2 KiB apiece; this leaves the caller.
sys.tracebacklimit = 7


def main() -> None:
    """Declare the stack that the configuration describes."""
    config = pulumi.Config()
    stack = read_stack(config.require_object("stack"), name=pulumi.get_stack(), source=CONFIG_KEY)
    options = Options(
        lab=read_lab(config.get_object("lab")),
        offline=config.get_bool("offline") or False,
        machines_only=config.get_bool("machines_only") or False,
        render=render_cloud_init,
    )
    if options.lab is not None and not options.offline:
        check_lab(options.lab)
    for name, value in build(make_plan(stack), options=options).items():
        pulumi.export(name, value)


try:
    main()
except (DescriptionError, SettingsError) as error:
    raise pulumi.RunError(str(error)) from error
