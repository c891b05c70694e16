"""The Pulumi program of the engine tests: it reads its Deploys from the file DEPLOYS names.

The file: {"deploys": {name: DeploySpec without secrets}, "secrets": [names], "offline": bool,
"key": private key, "identity_from": name of a Password whose value is every machine's identity
(unknown until it is made)}. Written to a temporary project as
__main__.py, so it imports nothing of ours.
"""

import json
import os
from pathlib import Path
from typing import Any

import pulumi


class Password(pulumi.CustomResource):
    result: pulumi.Output[str]

    def __init__(self, name: str, length: int) -> None:
        super().__init__("pyinfra:index:Password", name, {"length": length, "result": None})


class SshKey(pulumi.CustomResource):
    private_key: pulumi.Output[str]
    public_key: pulumi.Output[str]

    def __init__(self, name: str, comment: str) -> None:
        inputs = {"comment": comment, "private_key": None, "public_key": None}
        super().__init__("pyinfra:index:SshKey", name, inputs)


class Inventory(pulumi.CustomResource):
    def __init__(self, name: str, specs: dict[str, Any], offline: bool) -> None:
        inputs = {"specs": specs, "dry_run": pulumi.runtime.is_dry_run(), "offline": offline}
        super().__init__("pyinfra:index:Inventory", name, inputs)


class Deploy(pulumi.CustomResource):
    machines: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, spec: dict[str, Any], offline: bool, opts: pulumi.ResourceOptions
    ) -> None:
        inputs = {
            "spec": spec,
            "dry_run": pulumi.runtime.is_dry_run(),
            "offline": offline,
            "machines": None,
        }
        super().__init__("pyinfra:index:Deploy", name, inputs, opts)


given = json.loads(Path(os.environ["DEPLOYS"]).read_text())
private_key = pulumi.Output.secret(given["key"])
secrets = {
    name: Password(name, given.get("password_length", 20)).result for name in given["secrets"]
}
extra = SshKey("spare", "spare@test")
pulumi.export("spare", extra.public_key)
identity = None
if given.get("identity_from"):
    identity = Password(given["identity_from"], 12).result.apply(
        lambda text: f"machine-{len(text)}"
    )
specs = {}
for name, spec in given["deploys"].items():
    transport = {**spec["transport"], "private_key": private_key}
    hosts = {
        host: {**item, "identity": identity} if identity else item
        for host, item in spec["hosts"].items()
    }
    specs[name] = {**spec, "hosts": hosts, "transport": transport, "secrets": secrets}
offline = given.get("offline", False)
inventory = Inventory("inventory", specs, offline)
for name, spec in specs.items():
    Deploy(name, spec, offline, pulumi.ResourceOptions(depends_on=[inventory]))
