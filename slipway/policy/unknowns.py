"""Values that only the update will know, in a form that no rule can take for an answer.

In a preview, whatever follows from a resource that is not made yet is unknown. A rule that looks at such a value is
stopped by `NotYetKnown`; one that never looks is not disturbed. Rules read objects through `isinstance` (see
`slipway/rules/shape.py`), so even asking what an `Unknown` is counts as looking. `is None` cannot be caught, hence
`Partial`: taking an unknown value out of its mapping by key is looking already.
"""

from __future__ import annotations

from typing import Any, NoReturn

from slipway.rules import NotAssessed, Path, format_path

__all__ = ["NOT_YET_KNOWN", "NotYetKnown", "Partial", "Unknown", "is_unknown"]

NOT_YET_KNOWN = "not yet known: "


class NotYetKnown(NotAssessed):
    """A rule looked at a value that only the update will know."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{NOT_YET_KNOWN}{format_path(path) or 'the whole resource'}")
        self.path = path


class Unknown:
    """Stands where the value will be; knows its path and nothing else."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def _stop(self, *_: object) -> NoReturn:
        raise NotYetKnown(object.__getattribute__(self, "_path"))

    # `isinstance` asks the type, which cannot be caught, and then `__class__`, which can.
    __getattribute__ = _stop
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _stop
    __hash__ = __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = _stop
    __str__ = __repr__ = __format__ = __int__ = __float__ = __index__ = _stop
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _stop


def is_unknown(value: object) -> bool:
    """Whether `value` stands for an unknown one. The only way to ask."""
    return type(value) is Unknown


class Partial(dict[str, Any]):
    """A mapping with unknown values in it. Iterating gives them out, so that a search may end before it meets one."""

    def __getitem__(self, key: str) -> Any:
        return _known(super().__getitem__(key))

    def __contains__(self, key: object) -> bool:
        # It may turn out to be null, which equals absent.
        return super().__contains__(key) and (_known(super().get(key)), True)[1]  # type: ignore[call-overload]

    def get(self, key: str, default: Any = None) -> Any:
        return _known(super().get(key, default))


def _known(value: Any) -> Any:
    if is_unknown(value):
        raise NotYetKnown(object.__getattribute__(value, "_path"))
    return value
