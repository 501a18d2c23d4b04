"""Sealed boxes: a key pair for each repository, and the opening of what was sealed with its public half."""

from __future__ import annotations

import base64

try:
    from nacl.exceptions import CryptoError
    from nacl.public import PrivateKey, SealedBox
except ModuleNotFoundError:
    CAN_OPEN = False
else:
    CAN_OPEN = True

__all__ = ["CAN_OPEN", "KeyPair"]


class KeyPair:
    """One repository's keys. Without PyNaCl the public half is real and what it sealed stays closed."""

    def __init__(self) -> None:
        if CAN_OPEN:
            self._private = PrivateKey.generate()
            public = bytes(self._private.public_key)
        else:
            from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

            public = X25519PrivateKey.generate().public_key().public_bytes_raw()
        self.public = base64.b64encode(public).decode()

    def open(self, sealed: str) -> str | None:
        """The plain text of a sealed box in base64; None when nothing here can open it. Raises `ValueError`."""
        if not CAN_OPEN:
            return None
        try:
            return SealedBox(self._private).decrypt(base64.b64decode(sealed, validate=True)).decode()
        except CryptoError as error:
            raise ValueError(str(error)) from None
