"""The child process: one JSON request on stdin, one JSON result on stdout, events on stderr.

    {"mode": "plan" | "apply" | "verify", "spec": DeploySpec, "mask": {...}, "entry": "..."}

`mask` holds further secret values to be filtered (those recorded before a rotation); `entry` names
another module than bootstrap.deploy (tests). An unknown secret is null; a host about whose machine
nothing is known yet has "known": false.
"""

import json
import os
import sys
import time
from typing import Any

from gevent import monkey

from provider import guard
from provider.secrets import Filter, of_spec


def main() -> int:
    """Run one request; the exit code is 0 whenever a result was written."""
    guard.die_with_parent()
    request = json.load(sys.stdin)
    # Whatever some library prints must not end up inside the result.
    result_stream = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    secret_filter = Filter({**(request.get("mask") or {}), **of_spec(request["spec"])})
    result = _run(request, secret_filter)
    json.dump(secret_filter.tree(result), result_stream)
    result_stream.close()
    return 0


def _run(request: dict[str, Any], secret_filter: Filter) -> dict[str, Any]:
    # After monkey.patch_all(), and only here: pyinfra brings gevent with it.
    import logging
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from provider import mode_apply, mode_plan, mode_verify
    from provider.events import Events, LogHandler
    from provider.session import disconnect, open_session
    from provider.ssh import patch_pyinfra

    started = time.monotonic()
    events = Events(secret_filter)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    logging.getLogger("pyinfra").addHandler(LogHandler(events))
    logging.getLogger("pyinfra").propagate = False
    patch_pyinfra()
    modes = {"plan": mode_plan.run, "apply": mode_apply.run, "verify": mode_verify.run}
    with TemporaryDirectory(prefix="pairwise-") as folder:
        session = open_session(request, events, folder=Path(folder))
        try:
            hosts = modes[request["mode"]](session)
        finally:
            disconnect(session.nodes)
    return {"hosts": hosts, "seconds": round(time.monotonic() - started, 2)}


if __name__ == "__main__":
    monkey.patch_all()
    sys.exit(main())
