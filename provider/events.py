"""What a child tells while it works: one JSON object per line on stderr, without secret values."""

import json
import logging
import sys
from typing import Final

from typing_extensions import override

from provider.secrets import Filter

OPERATION: Final = "operation"
"""An operation on a host: status is `changed`, `unchanged` or `failed`."""
STATUS: Final = "status"
"""What a host is busy with now; worth showing only until the next one."""
LOG: Final = "log"
"""A line of pyinfra's own log."""


class Events:
    """Writes events; `filter` takes the secret values out of each."""

    def __init__(self, secret_filter: Filter) -> None:
        """Prepare the writer."""
        self._filter = secret_filter

    def emit(self, event: str, **fields: object) -> None:
        """Write one event; the reader sees it at once."""
        line = json.dumps(self._filter.tree({"event": event, **fields}))
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def status(self, host: str, text: str) -> None:
        """Say what a host is busy with."""
        self.emit(STATUS, host=host, text=text)

    def operation(self, host: str, name: str, status: str) -> None:
        """Say how an operation ended on a host."""
        self.emit(OPERATION, host=host, operation=name, status=status)


class LogHandler(logging.Handler):
    """Turns pyinfra's log records into events."""

    def __init__(self, events: Events) -> None:
        """Handle warnings and errors; pyinfra's info lines repeat the operation events."""
        super().__init__(level=logging.WARNING)
        self._events = events

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.pathname.endswith("connectors/ssh.py"):
            return  # the reason of a failed connection is told once, in our own words
        self._events.emit(LOG, level=record.levelname.lower(), text=record.getMessage())
