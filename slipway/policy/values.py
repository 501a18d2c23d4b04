"""Turns the engine's property values into plain data: unknown values stay unknown, secret ones become `SECRET`.

The engine sends properties as a protobuf Struct in which a mapping with the key `4dab…` is not a mapping but a
signed value (pulumi: sdk/go/common/resource/properties.go, plugin/rpc.go), and seven well-known texts stand for unknown
values. A secret mapping keeps its keys, since references point at them, and loses its values.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from slipway.policy.unknowns import Partial, Unknown, is_unknown
from slipway.rules import Path

__all__ = ["SECRET", "decode"]

SECRET = "[secret]"  # noqa: S105 - what is shown in a secret's place

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_VALUE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a signature that all engines share
_SIGNED = {"c44067f5952c0a294b673a41bacd8c17": "[asset]", "0def7320c3a5731c473e5ecbe6d01bc7": "[archive]"}
_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # text, and whatever has no type yet
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # a mapping
    }
)


def decode(properties: Struct) -> dict[str, Any]:
    """The properties as plain data. Whole numbers are `int`, as in YAML."""
    return _mapping(properties, (), secret=False)


def _value(value: Value, path: Path, *, secret: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        if text in _UNKNOWNS:
            return Unknown(path)
        return SECRET if secret else text
    if kind == "struct_value":
        return _struct(value.struct_value, path, secret=secret)
    if kind == "list_value":
        items = value.list_value.values
        return [_value(item, (*path, index), secret=secret) for index, item in enumerate(items)]
    if kind in (None, "null_value"):
        return None
    if secret:
        return SECRET
    if kind == "bool_value":
        return value.bool_value
    number = value.number_value
    return int(number) if number.is_integer() else number


def _struct(struct: Struct, path: Path, *, secret: bool) -> Any:
    fields = struct.fields
    if _SIGNATURE not in fields:
        return _mapping(struct, path, secret=secret)
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET_VALUE:
        return _value(fields["value"], path, secret=True)
    return _SIGNED.get(signature, "[reference]")


def _mapping(struct: Struct, path: Path, *, secret: bool) -> dict[str, Any]:
    found = {key: _value(item, (*path, key), secret=secret) for key, item in struct.fields.items()}
    return Partial(found) if any(map(is_unknown, found.values())) else found
