"""FenceAccess: written, changed, taken back, and made again when its files are lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab import fence_keys
from provider.engine import EngineLog
from provider.fence_access import TOKEN, FenceAccess
from provider.runner import Runner
from provider.server import Service
from provider.values import UNKNOWN, encode_struct

URN = f"urn:pulumi:six::pairwise::pairwise:index:Pair${TOKEN}::data-fence"


def inputs(folder: Path, **changed: Any) -> dict[str, Any]:
    """What a program gives."""
    nodes = {
        node: {"machine": f"six-{node}", "public_key": f"ssh-ed25519 AAAA{node}"}
        for node in ("data1", "data2")
    }
    given = {"folder": str(folder), "uri": "qemu:///system", "pair": "six-data", "nodes": nodes}
    return {**given, **changed}


def create(given: dict[str, Any], *, preview: bool = False) -> provider_pb2.CreateResponse:
    request = provider_pb2.CreateRequest(urn=URN, properties=encode_struct(given), preview=preview)
    return asyncio.run(FenceAccess().create(request))


def read(given: dict[str, Any]) -> provider_pb2.ReadResponse:
    properties = encode_struct(given)
    request = provider_pb2.ReadRequest(
        urn=URN, id="six-data", properties=properties, inputs=properties
    )
    return asyncio.run(FenceAccess().read(request))


def check(given: dict[str, Any]) -> list[tuple[str, str]]:
    request = provider_pb2.CheckRequest(urn=URN, news=encode_struct(given))
    response = asyncio.run(FenceAccess().check(request))
    return [(failure.property, failure.reason) for failure in response.failures]


def diff(old: dict[str, Any], new: dict[str, Any]) -> provider_pb2.DiffResponse:
    request = provider_pb2.DiffRequest(old_inputs=encode_struct(old), news=encode_struct(new))
    return asyncio.run(FenceAccess().diff(request))


def test_made_and_read_back(tmp_path: Path) -> None:
    given = inputs(tmp_path / "fence")
    assert check(given) == []
    made = create(given)
    assert made.id == "six-data"
    assert fence_keys.is_in_force(tmp_path / "fence", given)
    found = read(given)
    assert found.id == "six-data"
    assert found.properties == made.properties
    assert diff(given, given).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_preview_with_unknown_keys_writes_nothing(tmp_path: Path) -> None:
    given = inputs(tmp_path / "fence")
    given["nodes"]["data1"]["public_key"] = UNKNOWN
    assert check(given) == []
    made = create(given, preview=True)
    assert (made.id, made.properties) == ("", encode_struct(given))
    assert not (tmp_path / "fence").exists()


@pytest.mark.parametrize("lost", ["six-data.json", fence_keys.AUTHORIZED_KEYS])
def test_lost_files_are_made_again(tmp_path: Path, lost: str) -> None:
    given = inputs(tmp_path / "fence")
    create(given)
    (tmp_path / "fence" / lost).unlink()
    assert read(given) == provider_pb2.ReadResponse()
    create(given)
    assert read(given).id == "six-data"


def test_a_changed_file_is_made_again(tmp_path: Path) -> None:
    given = inputs(tmp_path / "fence")
    create(given)
    fence_keys.authorize(tmp_path / "fence", {**given, "uri": "qemu:///session"})
    assert read(given).id == ""


def test_a_new_key_is_an_update(tmp_path: Path) -> None:
    old, new = inputs(tmp_path / "fence"), inputs(tmp_path / "fence")
    new["nodes"]["data2"]["public_key"] = "ssh-ed25519 AAAAother"
    found = diff(old, new)
    assert dict(found.detailedDiff).keys() == {'nodes["data2"]["public_key"]'}
    assert (list(found.diffs), list(found.replaces)) == (["nodes"], [])
    kinds = {entry.kind for entry in found.detailedDiff.values()}
    assert kinds == {provider_pb2.PropertyDiff.UPDATE}
    create(old)
    update(old, new, preview=True)
    assert read(old).id == "six-data"
    update(old, new)
    assert read(new).id == "six-data"
    assert read(old).id == ""


def update(old: dict[str, Any], new: dict[str, Any], *, preview: bool = False) -> None:
    request = provider_pb2.UpdateRequest(
        urn=URN, id="six-data", olds=encode_struct(old), news=encode_struct(new), preview=preview
    )
    asyncio.run(FenceAccess().update(request))


def test_a_pair_that_moves_leaves_nothing_behind(tmp_path: Path) -> None:
    old, new = inputs(tmp_path / "one"), inputs(tmp_path / "two")
    create(old)
    update(old, new)
    assert read(new).id == "six-data"
    assert (tmp_path / "one" / fence_keys.AUTHORIZED_KEYS).read_text() == ""


def test_unusable_inputs_are_told(tmp_path: Path) -> None:
    assert check({**inputs(tmp_path), "folder": "fence"}) == [
        ("folder", "give the absolute path of the endpoint's state folder")
    ]
    assert check({"pair": "six-data"})[0] == ("folder", "is missing: give folder")
    [(where, _)] = check(inputs(tmp_path, pair="../six"))
    assert where == "pair"


def test_the_service_reads_and_deletes_it(tmp_path: Path) -> None:
    """Of other resources these two look at nothing."""
    given = inputs(tmp_path / "fence")
    create(given)
    properties = encode_struct(given)

    async def ask() -> tuple[provider_pb2.ReadResponse, provider_pb2.ReadResponse]:
        service = Service(Runner(), EngineLog(""), engine="1")
        reading = provider_pb2.ReadRequest(urn=URN, id="six-data", properties=properties)
        before = await service.Read(reading, None)
        deleting = provider_pb2.DeleteRequest(urn=URN, id="six-data", properties=properties)
        await service.Delete(deleting, None)
        return before, await service.Read(reading, None)

    before, after = asyncio.run(ask())
    assert (before.id, after.id) == ("six-data", "")
    assert [p.name for p in (tmp_path / "fence").glob("*.json")] == []
