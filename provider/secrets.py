"""Takes the current secret values out of everything that leaves a child.

The first line of defence is the block that declares its secret-bearing files; this is the second:
whatever an operation, a command's output or an exception may carry, the values do not pass.
"""

import base64
import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final

MIN_LENGTH: Final = 4
"""Shorter values are not searched for: they would blank ordinary words. Ours are 8 or longer."""

MIN_LINE: Final = 16
"""Lines of a multi-line secret (a key) that are searched for on their own."""


class Filter:
    """Replaces each secret value, in the forms in which it may appear, by its name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Prepare the filter; `values` is name -> plain value."""
        forms: dict[str, str] = {}
        for name, value in values.items():
            for form in _forms(value):
                forms.setdefault(form, f"(secret {name})")
        self._forms = sorted(forms.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        """Return the text without secret values."""
        for form, name in self._forms:
            if form in text:
                text = text.replace(form, name)
        return text

    def tree(self, value: Any) -> Any:
        """Return a JSON-like value with every string in it filtered, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.tree(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(item) for item in value]
        return value


def _forms(value: str) -> Iterable[str]:
    if len(value) < MIN_LENGTH:
        return
    yield value
    yield value.strip()
    yield json.dumps(value)[1:-1]
    yield shlex.quote(value)
    for plain in (value, f"{value}\n"):
        # The last characters of base64 depend on what follows the value: leave them out.
        encoded = base64.b64encode(plain.encode()).decode().rstrip("=")
        if len(encoded) > MIN_LINE:
            yield encoded[:-4]
    for line in value.splitlines():
        if len(line.strip()) >= MIN_LINE and not line.startswith("-----"):
            yield line.strip()


def of_spec(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the secret values that a DeploySpec carries, by name; unknown ones are left out."""
    found: dict[str, str] = {}
    secrets = spec.get("secrets")
    if isinstance(secrets, Mapping):
        found.update({str(key): item for key, item in secrets.items() if isinstance(item, str)})
    transport = spec.get("transport")
    key = transport.get("private_key") if isinstance(transport, Mapping) else None
    if isinstance(key, str):
        found["private_key"] = key
    return found
