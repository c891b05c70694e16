"""Property values of the engine's protocol, to and from plain Python.

Secrets and unknown values travel as marked values inside a protobuf Struct. `decode` drops the
secret marks and turns unknown values into UNKNOWN; what goes back to the engine as recorded inputs
is the Struct as it came, edited, so that no mark can get lost on the way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime.rpc import UNKNOWN as _UNKNOWN_STRING
from pulumi.runtime.rpc import (
    _special_output_value_sig,
    _special_secret_sig,
    _special_sig_key,
)


@dataclass(frozen=True)
class Unknown:
    """A value that the engine knows only after other resources have been made."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine must encrypt in state and hide on the terminal."""

    value: Any
    """The plain value; or UNKNOWN."""


UNKNOWN: Final = Unknown()


def decode(value: struct_pb2.Value) -> Any:
    """Return the plain value; UNKNOWN where the engine does not know it yet."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _decode_fields(value.struct_value)
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN_STRING else value.string_value
    return value.bool_value if kind == "bool_value" else None


def _decode_fields(struct: struct_pb2.Struct) -> Any:
    mark = struct.fields[_special_sig_key].string_value if _special_sig_key in struct.fields else ""
    if mark in (_special_secret_sig, _special_output_value_sig):
        return decode(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
    return {key: decode(item) for key, item in struct.fields.items()}


def decode_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a resource's properties as a plain mapping."""
    return {key: decode(item) for key, item in struct.fields.items()}


def encode(value: Any) -> struct_pb2.Value:
    """Return the protocol's form of a plain value; of a Secret the marked one."""
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_STRING)
    if isinstance(value, Secret):
        fields = {
            _special_sig_key: struct_pb2.Value(string_value=_special_secret_sig),
            "value": encode(value.value),
        }
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode_struct(value))
    if isinstance(value, list | tuple):
        items = struct_pb2.ListValue(values=[encode(item) for item in value])
        return struct_pb2.Value(list_value=items)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    return struct_pb2.Value(string_value=str(value))


def encode_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the protocol's form of a resource's properties."""
    return struct_pb2.Struct(fields={key: encode(item) for key, item in values.items()})


def edited(
    struct: struct_pb2.Struct, *, drop: tuple[str, ...] = (), put: Mapping[str, Any] | None = None
) -> struct_pb2.Struct:
    """Return a copy without the properties `drop` and with those of `put`; marks stay."""
    copy = struct_pb2.Struct()
    copy.CopyFrom(struct)
    for key in drop:
        if key in copy.fields:
            del copy.fields[key]
    for key, value in (put or {}).items():
        copy.fields[key].CopyFrom(encode(value))
    return copy


def has_unknown(value: Any) -> bool:
    """Tell whether anything inside a decoded value is unknown."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    return isinstance(value, list) and any(has_unknown(item) for item in value)


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each leaf of a decoded value with its property path (`spec["hosts"]["lb1"]`)."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}[{quoted(key)}]")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def quoted(key: str) -> str:
    """Return a key in the quotes that Pulumi's property paths use."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
