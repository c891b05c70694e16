"""Each component under mocks: children, names, parents, options, and what must not collide."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pulumi
import pytest

import components
from components import _libvirt
from components.settings import SettingsError, read_lab
from stacks.load import load_stack, stack_names
from tests.components.recorder import LAB, Recorder, declare, made_id
from tests.descriptions import STACKS, six


@pytest.fixture(scope="module")
def built() -> Recorder:
    return declare(six())


@pytest.mark.parametrize("name", stack_names(STACKS))
def test_every_tracked_stack_is_declared(name: str) -> None:
    stack = load_stack(STACKS / f"Pulumi.{name}.yaml")

    recorder = declare(stack)

    assert len(recorder.of_type("domain:Domain")) == len(stack.nodes)
    assert len(recorder.of_type("network:Network")) == len(stack.networks)
    assert len(recorder.of_type("pyinfra:index:Deploy")) == len(stack.members())
    assert set(recorder.exports["nodes"]) == set(stack.nodes)


def test_no_two_resources_share_a_urn(built: Recorder) -> None:
    assert [urn for urn, n in Counter(r.urn for r in built.resources).items() if n > 1] == []


def test_every_component_registers_its_outputs(built: Recorder) -> None:
    ours = {r.urn for r in built.resources if r.type.startswith("pairwise:")}

    assert len(ours) > 15
    assert ours <= built.finished


def test_every_component_class_has_a_token_of_its_name_and_a_full_docstring() -> None:
    folder = Path(components.__file__).parent
    for path in sorted(folder.glob("[a-z]*.py")):
        module = import_module(f"components.{path.stem}")
        classes = [
            item
            for _, item in inspect.getmembers(module, inspect.isclass)
            if issubclass(item, pulumi.ComponentResource) and item.__module__ == module.__name__
        ]
        assert len(classes) <= 1, path.name
        for item in classes:
            assert f'"pairwise:index:{item.__name__}"' in inspect.getsource(item)
            for heading in ("Creates:", "Args:", "Outputs:", "Replaces on:", "Protects:"):
                assert heading in (module.__doc__ or ""), (path.name, heading)


def test_every_resource_of_a_component_is_its_child(built: Recorder) -> None:
    top = {r.type.rsplit(":", 1)[-1] for r in built.resources if not r.parent}

    assert top == {
        *("SshKey", "Password", "Certificate"),
        *("Hypervisor", "Pair", "Tier", "Inventory"),
    }
    names = {r.urn: r.name for r in built.resources}
    for resource in built.resources:
        if resource.parent:
            assert resource.name.startswith(names[resource.parent])


def test_a_pair_has_its_disks_machines_reservations_and_deploy(built: Recorder) -> None:
    pair = built.of_type("Pair")["data"]

    assert sorted((r.type.rsplit(":", 1)[-1], r.name) for r in built.children(pair.urn)) == [
        ("Deploy", "data-deploy"),
        ("FenceAccess", "data-fence-access"),
        ("Machine", "data-data1"),
        ("Machine", "data-data2"),
        ("ReplicatedDisk", "data-mysql"),
        ("ReplicatedDisk", "data-nfs"),
        ("VipReservation", "data-mysql"),
        ("VipReservation", "data-nfs"),
    ]


def test_a_machine_is_replaced_by_whatever_an_update_would_ignore(built: Recorder) -> None:
    domain = built.of_type("Domain")["lb-lb1-domain"]

    assert list(domain.request.replaceOnChanges) == _libvirt.IGNORED_BY_UPDATE
    assert domain.request.deleteBeforeReplace
    assert domain.inputs["networkInterfaces"] == [
        {"networkId": made_id("lab-lan-network"), "mac": "52:54:00:01:01:0B"},
        {"networkId": made_id("lab-mgmt-network"), "mac": "52:54:00:01:09:0B"},
    ]


def test_the_kernel_command_line_has_the_shape_in_which_it_is_read_back(built: Recorder) -> None:
    domain = built.of_type("Domain")["lb-lb1-domain"]

    pairs, words = domain.inputs["cmdlines"]
    assert "_" not in pairs
    assert list(words) == ["_"]
    assert words["_"].split() == sorted(words["_"].split())
    assert pairs["clearcpuid"] == "cx16"  # emulated, as every machine of this test


def test_data_disks_are_found_by_wwn_and_outlive_a_new_size(built: Recorder) -> None:
    domain = built.of_type("Domain")["data-data1-domain"]
    volume = built.of_type("Volume")["data-mysql-data1"]

    assert [disk.get("wwn") for disk in domain.inputs["disks"]] == [
        None,
        "500000000100001f",
        "500000000101001f",
    ]
    assert list(volume.request.ignoreChanges) == ["size"]
    assert volume.inputs["size"] == 512 * 1024 * 1024
    assert not volume.request.protect


def test_data_volumes_and_only_they_are_protected_when_the_description_says_so() -> None:
    recorder = declare(six(put={"protect_data": True}))

    protected = {r.name for r in recorder.resources if r.request.protect}
    assert protected == {f"data-{d}-data{n}" for d in ("mysql", "nfs") for n in (1, 2)}


def test_external_metadata_have_a_small_volume_with_an_identity_of_their_own() -> None:
    recorder = declare(six(put={"pairs.data.disks.mysql.metadata": "external"}))

    volume = recorder.of_type("Volume")["data-mysql-metadata-data1"]
    assert volume.inputs["name"] == "six-data1-mysql.metadata.raw"
    assert volume.inputs["size"] == 1024 * 1024
    domain = recorder.of_type("Domain")["data-data1-domain"]
    wwns = [disk.get("wwn") for disk in domain.inputs["disks"]]
    assert wwns == [None, "500000000100001f", "500000000180001f", "500000000101001f"]


def test_private_keys_are_secret_wherever_they_go(built: Recorder) -> None:
    for resource in built.resources:
        for key, value in resource.inputs.items():
            if "PRIVATE" in str(value):
                assert key in resource.secret, resource.name
    disks = built.of_type("CloudInitDisk").values()
    assert all(disk.secret == {"userData"} for disk in disks)
    assert all("userData" in disk.request.additionalSecretOutputs for disk in disks)
    plain = [r for r in built.resources if not r.secret and "PRIVATE" in str(r.inputs)]
    assert [r.name for r in plain] == []


def test_another_number_is_another_key_of_heartbeat_and_nothing_else_changes(
    built: Recorder,
) -> None:
    """The first one has no number in its name: stacks that are there keep theirs."""
    changed = declare(six(put={"pairs.data.heartbeat.key": 2}))

    before, after = (set(one.of_type("pyinfra:index:Password")) for one in (built, changed))
    assert (before - after, after - before) == ({"data-heartbeat"}, {"data-heartbeat-2"})
    secrets = changed.of_type("index:Deploy")["data-deploy"].inputs["spec"]["secrets"]
    assert secrets["data-heartbeat-2"] == "PASSWORD data-heartbeat-2"
    assert "data-heartbeat" not in secrets
    lengths = changed.of_type("pyinfra:index:Password")["data-heartbeat-2"].inputs["length"]
    assert lengths == 32
    untouched = {(r.type, r.name): r.inputs for r in built.resources if "pyinfra" not in r.type}
    other = {(r.type, r.name): r.inputs for r in changed.resources if "pyinfra" not in r.type}
    assert untouched == other


def test_an_identity_names_the_machine_and_no_secret(built: Recorder) -> None:
    hosts = built.of_type("index:Deploy")["lb-deploy"].inputs["spec"]["hosts"]

    machine, _, digest = hosts["lb1"]["identity"].partition("/")
    assert machine == made_id("lb-lb1-domain")
    assert len(digest) == 12
    assert hosts["lb1"]["address"] == "10.71.9.11"
    assert hosts["lb1"]["host_key"] == "ssh-x lb-lb1-host-key"


def test_a_deploy_carries_its_slice_and_comes_after_inventory_and_machines(built: Recorder) -> None:
    deploy = built.of_type("index:Deploy")["lb-deploy"]

    assert set(deploy.inputs["spec"]["plan"]["nodes"]) == {"lb1", "lb2"}
    assert deploy.inputs["spec"]["transport"]["netns"] == "pw-test"
    needs = {urn.rsplit("::", 1)[-1] for urn in deploy.request.dependencies}
    assert {"inventory", "lb-lb1-domain", "lb-lb2-domain"} <= needs
    assert not any("web" in need or "data" in need for need in needs - {"inventory"})


def test_a_node_inserted_in_the_middle_changes_no_existing_machine() -> None:
    nodes = six().nodes
    web3 = {"id": 23, "networks": ["lan", "mgmt"]}
    before = declare(six())
    after = declare(six(put={"nodes.web3": web3, "tiers.web.nodes": ["web1", "web3", "web2"]}))

    assert len(after.of_type("Domain")) == len(nodes) + 1
    for kind in ("Domain", "CloudInitDisk", "Volume", "SshKey"):
        old, new = before.of_type(kind), after.of_type(kind)
        assert {name: new[name].inputs for name in old} == {n: r.inputs for n, r in old.items()}
    lan = "lab-lan-network"
    old_lan, new_lan = before.of_type("network:Network")[lan], after.of_type("network:Network")[lan]
    changed = {key for key in old_lan.inputs if old_lan.inputs[key] != new_lan.inputs[key]}
    assert changed == {"dns"}


def test_more_memory_changes_only_that_machine() -> None:
    before, after = declare(six()), declare(six(put={"nodes.lb1.memory_mib": 1024}))

    old = {(r.type, r.name): r.inputs for r in before.resources if "pyinfra" not in r.type}
    new = {(r.type, r.name): r.inputs for r in after.resources if "pyinfra" not in r.type}
    assert [key[1] for key in old if old[key] != new[key]] == ["lb-lb1-domain"]


@pytest.mark.parametrize(("kvm", "processors"), [(False, 1), (True, 2)])
def test_an_emulated_machine_has_one_processor_whatever_is_asked_for(
    kvm: bool, processors: int
) -> None:
    stack = six(put={"nodes.lb1.vcpus": 2})

    made = declare(stack, lab=replace(LAB, kvm=kvm)).of_type("Domain")
    assert made["lb-lb1-domain"].inputs["vcpu"] == processors
    assert made["lb-lb2-domain"].inputs["vcpu"] == 1


def test_an_embedded_stack_without_a_lab_says_what_to_run() -> None:
    with pytest.raises(SettingsError, match=r"has no pairwise:lab: run `pairwise up six`"):
        declare(six(), lab=None)


def test_a_lab_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"pairwise:lab\.colour cannot be used"):
        read_lab({"uri": "x", "netns": "x", "pool": "x", "kvm": False, "colour": "red"})


def test_machines_only_declares_no_deploy() -> None:
    recorder = declare(six(), lab=LAB, machines_only=True)

    assert not recorder.of_type("index:Deploy")
    assert not recorder.of_type("index:Inventory")
    assert recorder.of_type("Domain")


def test_a_data_pair_may_ask_the_endpoint_about_each_other_and_nobody_else() -> None:
    recorder = declare(load_stack(STACKS / "Pulumi.nfs.yaml"))
    (access,) = recorder.of_type("pyinfra:index:FenceAccess").values()
    assert access.inputs["pair"] == "nfs-nfs"
    machines = {node: entry["machine"] for node, entry in access.inputs["nodes"].items()}
    assert machines == {"nfs1": "nfs-nfs1", "nfs2": "nfs-nfs2"}
