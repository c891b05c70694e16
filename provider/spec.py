"""The DeploySpec as the provider sees it: which child request it makes, which hash it has."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from provider.secrets import of_spec
from provider.values import Unknown, has_unknown

_HOST_KEYS: Final = ("address", "port", "user", "host_key", "identity")


def host_names(spec: Any) -> list[str]:
    """Return the names of the spec's hosts; none while the spec itself is unknown."""
    hosts = spec.get("hosts") if isinstance(spec, Mapping) else None
    return sorted(hosts) if isinstance(hosts, Mapping) else []


def problems(spec: Any) -> list[str]:
    """Return what is wrong with the form of a spec, one sentence each."""
    if isinstance(spec, Unknown):
        return []
    if not isinstance(spec, Mapping):
        return ["spec is missing: give the DeploySpec of docs/pyinfra-provider.md"]
    required = ("name", "stack", "hosts", "transport", "plan", "secrets")
    missing = [key for key in required if key not in spec]
    hosts = spec.get("hosts")
    for name, host in hosts.items() if isinstance(hosts, Mapping) else ():
        present = host if isinstance(host, Mapping) else {}
        missing += [f"hosts.{name}.{key}" for key in _HOST_KEYS if key not in present]
    page = "see the DeploySpec in docs/pyinfra-provider.md"
    return [f"spec lacks '{key}': {page}" for key in missing]


def is_plannable(spec: Any) -> bool:
    """Tell whether a child can list the operations: the plan itself must be known."""
    if isinstance(spec, Unknown) or problems(spec):
        return False
    return not any(
        isinstance(spec[key], Unknown) for key in ("hosts", "transport", "secrets", "name")
    ) and not has_unknown(spec["plan"])


def request(spec: Mapping[str, Any], *, mode: str, mask: Mapping[str, str]) -> dict[str, Any]:
    """Return the child's request.

    No SSH is tried to a host of which anything is unknown, and to none while the key is unknown:
    such a host gets "known": false. An unknown secret becomes null.

    Args:
        spec: decoded DeploySpec. mode: plan, apply or verify. mask: further secret values to hide.
    """
    transport = {key: _known(item) for key, item in spec["transport"].items()}
    has_key = isinstance(transport.get("private_key"), str)
    hosts = {
        name: {
            **{key: _known(item) for key, item in host.items()},
            "known": has_key and not has_unknown(host),
        }
        for name, host in spec["hosts"].items()
        if isinstance(host, Mapping)
    }
    placeholders = {"address": "0.0.0.0", "port": 22, "user": "root", "host_key": ""}
    for host in hosts.values():
        host.update({key: item for key, item in placeholders.items() if host.get(key) is None})
    child_spec = {
        **{key: spec[key] for key in ("name", "stack", "plan")},
        "hosts": hosts,
        "transport": transport,
        "secrets": {key: _known(item) for key, item in spec["secrets"].items()},
    }
    entry = {"entry": spec["entry"]} if isinstance(spec.get("entry"), str) else {}
    return {"mode": mode, "spec": child_spec, "mask": dict(mask), **entry}


def _known(value: Any) -> Any:
    return None if isinstance(value, Unknown) else value


def fingerprint(spec: Any) -> str:
    """Return the hash by which a dry run's result is found again.

    It covers the secrets too; with the random SSH key among them it tells nothing about any.
    """
    text = json.dumps(spec, sort_keys=True, default=lambda _: {"unknown": True})
    return hashlib.sha256(text.encode()).hexdigest()


def mask(old_spec: Any) -> dict[str, str]:
    """Return the secret values of the recorded spec, which a rotation has made old."""
    if not isinstance(old_spec, Mapping):
        return {}
    return {f"old {name}": value for name, value in of_spec(old_spec).items()}


def outputs(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Deploy's outputs: which machines it has configured, and nothing that can grow."""
    hosts = spec["hosts"]
    return {"machines": {name: hosts[name]["identity"] for name in sorted(hosts)}}
