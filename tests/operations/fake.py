"""A host that knows what a case says and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from bootstrap.facts import lvs
from bootstrap.facts.disks import SeenDisk
from bootstrap.facts.files import SeenFile
from bootstrap.facts.mysql import SeenAccount, SeenMysql, verifier
from bootstrap.facts.node import Seen
from bootstrap.facts.units import SeenUnit
from bootstrap.facts.users import SeenUser
from bootstrap.managed import Boot, Link, ManagedFile, Mode, Reload, SystemUser, Unit

SALT = b"twenty bytes of salt"


class FakeHost:
    """Stands in pyinfra's context for a host while one operation is tried."""

    name = "fake"
    current_op_hash = "op"

    def __init__(self) -> None:
        self.noops: list[str] = []

    def noop(self, reason: str) -> None:
        """Record that nothing is to be done."""
        self.noops.append(reason)

    def get_fact(self, fact: Any, *args: Any, **kwargs: Any) -> Any:
        """Operations get what was seen as an argument: a fact that no case knows is an error."""
        raise AssertionError(f"fact {fact.__name__}{args}{kwargs} is not registered in this case")


class Asked(dict[str, Any]):
    """What a case says is so; a key that it does not mention at all is an error."""

    @override
    def get(self, key: str, default: Any = None) -> Any:
        """Value of a registered key."""
        if key not in self:
            raise AssertionError(f"{key} is not registered in this case, only {sorted(self)}")
        found = self[key]
        return default if found is None else found


def seen(case: Mapping[str, Any]) -> Seen:
    """What is so on the node, from a case's ``seen``; null: registered, and not there."""
    return Seen(
        files=Asked({path: _file(entry) for path, entry in case.get("files", {}).items()}),
        units=Asked({n: entry and SeenUnit(**entry) for n, entry in case.get("units", {}).items()}),
        stamps=case.get("stamps", {}),
        packages=frozenset(case.get("packages", [])),
        sysctls=Asked(case.get("sysctls", {})),
        users=Asked({n: entry and SeenUser(**entry) for n, entry in case.get("users", {}).items()}),
        root_password=case.get("root_password", False),
        modes=Asked(case.get("modes", {})),
        disks={path: SeenDisk(**entry) for path, entry in case.get("disks", {}).items()},
        mysql=_mysql(case),
        lvs=lvs.process(case["lvs"]) if "lvs" in case else None,
        ruleset=tuple(case.get("ruleset", [])),
        expected_ruleset=tuple(case.get("expected_ruleset", [])),
    )


def _file(entry: Mapping[str, Any] | None) -> SeenFile | None:
    if entry is None:
        return None
    values = dict(entry)
    values["content"] = values.get("content", "").encode()
    values["mode"] = int(values.get("mode", "0644"), 8)
    return SeenFile(**values)


def _mysql(case: Mapping[str, Any]) -> SeenMysql | None:
    """A server from its accounts; a case gives passwords, the server keeps their verifiers."""
    entry = case.get("mysql")
    if entry is None:
        return None
    accounts: dict[str, dict[str, SeenAccount]] = {}
    for name, places in entry.items():
        for place, given in places.items():
            values = dict(given)
            values["rights"] = frozenset(values.get("rights", ()))
            values["verifier"] = verifier(values.pop("password"), salt=SALT, rounds=1000)
            accounts.setdefault(name, {})[place] = SeenAccount(**values)
    return SeenMysql(
        accounts=accounts,
        metadata=tuple(case.get("metadata", ())),
        tables=frozenset(case.get("tables", ())),
    )


def arguments(case: Mapping[str, Any]) -> dict[str, Any]:
    """The operation's arguments: typed items are given as mappings."""
    found = dict(case)
    if isinstance(found.get("file"), dict):
        values = dict(found["file"])
        values["mode"] = int(values.get("mode", "0644"), 8)
        values["secrets"] = tuple(values.get("secrets", ()))
        found["file"] = ManagedFile(**values)
    if isinstance(found.get("item"), dict):
        found["item"] = Link(**found["item"])
    if isinstance(found.get("wanted"), list):
        table = lvs.process(["#table", *found["wanted"]])
        assert table is not None
        found["wanted"] = table.services
        found["probed"] = frozenset(found["probed"])
    if isinstance(found.get("mode"), dict):
        found["mode"] = Mode(**found["mode"])
    if isinstance(found.get("user"), dict):
        found["user"] = SystemUser(**found["user"])
    if isinstance(found.get("unit"), dict):
        values = dict(found["unit"])
        values["boot"] = Boot(values.get("boot", "enabled"))
        values["reload"] = Reload(values.get("reload", "none"))
        found["unit"] = Unit(**values)
    return found


def encoded(text: str) -> str:
    """As a file's content travels."""
    return base64.b64encode(text.encode()).decode()
