"""FenceAccess: which nodes of a pair may ask the fence endpoint to power their peer off.

It lies in files on this machine (`lab.fence_keys`): a refresh that finds them gone or changed
forgets the resource, and the `up` that follows makes it again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from lab import fence_keys
from provider.resource import failures, no_change
from provider.values import decode_struct, edited, has_unknown, leaves

TOKEN: Final = "pyinfra:index:FenceAccess"
"""The resource's type, as in its URN."""

INPUTS: Final = ("folder", "uri", "pair", "nodes")
"""Folder of the endpoint's state, and the document of `lab.fence_keys.problems`."""


class FenceAccess:
    """The access of a pair: `folder`, `uri`, `pair`, `nodes` (node -> `machine`, `public_key`)."""

    async def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Accept a document that the endpoint can use; one with unknown keys only in a preview."""
        inputs = decode_struct(request.news)
        found: list[tuple[str, str]] = []
        folder = inputs.get("folder")
        if isinstance(folder, str) and not Path(folder).is_absolute():
            found.append(("folder", "give the absolute path of the endpoint's state folder"))
        found += [(key, f"is missing: give {key}") for key in INPUTS if key not in inputs]
        if not found and not has_unknown(inputs):
            found = fence_keys.problems(inputs)
        return (
            failures(*found) if found else provider_pb2.CheckResponse(inputs=edited(request.news))
        )

    async def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Return one key for each value that changes; never a replacement."""
        olds, news = decode_struct(request.old_inputs), decode_struct(request.news)
        before, after = _values(olds), _values(news)
        changed = sorted(k for k in before | after if before.get(k) != after.get(k))
        if not changed:
            return no_change()
        kind = provider_pb2.PropertyDiff.UPDATE
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=sorted({path.split("[")[0] for path in changed}),
            detailedDiff={p: provider_pb2.PropertyDiff(kind=kind, inputDiff=True) for p in changed},
            hasDetailedDiff=True,
        )

    async def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Authorize the pair's nodes; its name becomes the id."""
        inputs = decode_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=request.properties)
        _authorize(inputs)
        return provider_pb2.CreateResponse(id=inputs["pair"], properties=request.properties)

    async def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Authorize the nodes as they are now; where the pair moved, no longer at the old place."""
        if not request.preview:
            olds, news = decode_struct(request.olds), decode_struct(request.news)
            _authorize(news)
            if _place(olds) != _place(news):
                _revoke(olds)
        return provider_pb2.UpdateResponse(properties=request.news)

    async def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        """Let the pair's nodes ask no more."""
        _revoke(decode_struct(request.properties))
        return empty_pb2.Empty()

    async def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return the recorded state while it is in force; else nothing: it is then made again."""
        recorded = decode_struct(request.properties)
        if "folder" not in recorded or not fence_keys.is_in_force(
            Path(recorded["folder"]), recorded
        ):
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )


def _values(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Each leaf of the inputs by its property path."""
    return {
        path: value for key in INPUTS if key in inputs for path, value in leaves(inputs[key], key)
    }


def _place(inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    return inputs.get("folder"), inputs.get("pair")


def _authorize(inputs: Mapping[str, Any]) -> None:
    fence_keys.authorize(Path(inputs["folder"]), inputs)


def _revoke(recorded: Mapping[str, Any]) -> None:
    if isinstance(recorded.get("folder"), str) and isinstance(recorded.get("pair"), str):
        fence_keys.revoke(Path(recorded["folder"]), recorded["pair"])
