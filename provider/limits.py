"""Time limits of the provider, each with the environment variable that changes it."""

import os
from typing import Final

PLAN_S: Final = ("PAIRWISE_PLAN_DEADLINE_S", 120.0)
"""One dry run: six hosts under emulation take a tenth of it."""

APPLY_S: Final = ("PAIRWISE_APPLY_DEADLINE_S", 3600.0)
"""One apply, the wait for SSH and package installation on a slow machine included."""

SSH_WAIT_S: Final = ("PAIRWISE_SSH_WAIT_S", 600.0)
"""How long an apply waits for SSH: six machines that boot together on two emulating cores take a
quarter to a half of it."""


def seconds(limit: tuple[str, float]) -> float:
    """Return a limit in seconds.

    Raises:
        ValueError: the environment variable holds no number.
    """
    variable, default = limit
    text = os.environ.get(variable, "")
    try:
        return float(text) if text else default
    except ValueError as error:
        raise ValueError(f"{variable} is '{text}': give a number of seconds") from error
