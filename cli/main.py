"""The ``pairwise`` command: its commands in groups, and how each of them ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
from typing_extensions import override

from cli import (
    commands_copies,
    commands_drill,
    commands_fence,
    commands_lab,
    commands_look,
    commands_node,
    commands_pair,
    commands_replication,
    commands_run,
    commands_state,
)
from cli.errors import EXIT_FAIL, EXIT_INTERRUPTED, EXIT_USAGE, CommandError
from cli.progress import say
from lab.steps import StepError
from stacks.load import DescriptionError

SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Stacks": (
        commands_run.up,
        commands_run.preview,
        commands_run.destroy,
        commands_state.status,
        commands_state.verify,
    ),
    "Nodes": (
        commands_node.ssh,
        commands_node.execute,
        commands_node.console,
        commands_node.start,
        commands_node.stop,
        commands_pair.switchover,
        commands_pair.activate,
        commands_copies.heal,
        commands_copies.repair,
        commands_fence.fence,
        commands_replication.replication,
    ),
    "Proof": (commands_drill.drill,),
    "Descriptions": (commands_look.render, commands_look.where, commands_look.graph),
    "This machine": (commands_lab.doctor, commands_lab.lab, commands_run.shell),
}
"""What the help shows, in its order."""


class Sections(click.Group):
    """A group whose help lists its commands under headings."""

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list per section."""
        del ctx
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                rows = [(c.name or "", c.get_short_help_str(limit=70)) for c in commands]
                formatter.write_dl(rows)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
def pairwise() -> None:
    """Highly available pairs of Linux servers from one description.

    STACK is a name of stacks/Pulumi.STACK.yaml. Progress goes to standard error, results to
    standard output. Exit codes: 0 well, 1 failed or unhealthy, 2 could not be told, 3 usage.
    """


for _commands in SECTIONS.values():
    for _command in _commands:
        pairwise.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. Every error is one sentence."""
    try:
        pairwise.main(args=list(arguments), prog_name="pairwise", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_USAGE
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        say("ended before it was done; run the command again to go on")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except CommandError as error:
        say(str(error))
        return error.code
    except (click.ClickException, DescriptionError, StepError, OSError) as error:
        say(str(error))
        return EXIT_FAIL
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else EXIT_FAIL
    return 0


def main() -> None:
    """Entry point of the ``pairwise`` program."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # A closed pipe (`pairwise render six | head`) ends the program, it is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
