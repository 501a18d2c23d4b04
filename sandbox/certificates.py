"""The sandbox's own certificate authorities, and one key and certificate per component.

Made as a set: in a folder beside, then renamed, so `pki/` is whole or absent whatever happens in between. Every
component has its own identity, named as Kubernetes' built-in roles expect it, and no identity is shared:

    ca            signs the cluster's servers and clients
    etcd-ca       signs only etcd and its one client, so a cluster identity opens no door to the store
    front-proxy   signs the API server's identity towards extension API servers
    sa            signs service account tokens (a bare key pair)

Not here: rotation. The set is as old as the sandbox, lasts ten years, and `reset` replaces it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox import settings
from sandbox.files import StateCorrupt, sync_directory

__all__ = ["ADMINS", "AUTHORITIES", "IDENTITIES", "Identity", "ensure", "make", "verify"]

LIFETIME = dt.timedelta(days=3650)
ADMINS = "slipway:admins"
AUTHORITIES = {"ca": "slipway", "etcd-ca": "slipway etcd", "front-proxy-ca": "slipway front proxy"}
API_NAMES = (
    "127.0.0.1",
    settings.API_SERVICE_IP,
    settings.NODE_IP,
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{settings.CLUSTER_DOMAIN}",
    settings.NODE_NAME,
)


@dataclass(frozen=True)
class Identity:
    """Who a certificate is for: its authority, its user name, its group, and the addresses it serves."""

    name: str
    user: str
    group: str = ""
    authority: str = "ca"
    serves: tuple[str, ...] = ()
    client: bool = True


IDENTITIES = (
    Identity("kube-apiserver", "kube-apiserver", serves=API_NAMES, client=False),
    Identity("apiserver-kubelet-client", "slipway:apiserver-kubelet-client"),
    Identity("apiserver-etcd-client", "apiserver-etcd-client", authority="etcd-ca"),
    Identity("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
    Identity("etcd", "etcd", authority="etcd-ca", serves=("127.0.0.1", "localhost")),
    Identity("kube-controller-manager", "system:kube-controller-manager", serves=("127.0.0.1", "localhost")),
    Identity("kube-scheduler", "system:kube-scheduler", serves=("127.0.0.1", "localhost")),
    Identity(
        "kubelet", f"system:node:{settings.NODE_NAME}", "system:nodes", serves=(settings.NODE_IP, settings.NODE_NAME)
    ),
    Identity("kube-proxy", "system:kube-proxy"),
    Identity("coredns", "slipway:coredns"),
    # Reads /livez, /readyz and /metrics and nothing else: the group is Kubernetes' own for that.
    Identity("monitor", "slipway:monitor", "system:monitoring"),
    # Bypasses authorisation. Used by `up` alone, to grant the roles that the other identities need.
    Identity("bootstrap", "slipway:bootstrap", "system:masters"),
    Identity("admin", "slipway:admin", ADMINS),
)


def file_names() -> set[str]:
    """Every file of a whole set."""
    names = {f"{name}.{end}" for name in AUTHORITIES for end in ("crt", "key")}
    names |= {f"{identity.name}.{end}" for identity in IDENTITIES for end in ("crt", "key")}
    return names | {"sa.key", "sa.pub"}


def ensure(folder: Path) -> bool:
    """Make the set when there is none, else check it; true when it was made."""
    for half_made in folder.parent.glob(".pki-*"):
        shutil.rmtree(half_made)
    if folder.exists():
        verify(folder)
        return False
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".pki-"))
    make(temporary)
    sync_directory(temporary)
    temporary.rename(folder)
    sync_directory(folder.parent)
    return True


def make(folder: Path, now: dt.datetime | None = None) -> None:
    """Write a whole set into an empty folder."""
    now = now or dt.datetime.now(dt.UTC)
    authorities = {}
    for name, common_name in AUTHORITIES.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _authority(common_name, key, now)
        authorities[name] = (certificate, key)
        _write_pair(folder, name, certificate, key)
    for identity in IDENTITIES:
        key = ec.generate_private_key(ec.SECP256R1())
        _write_pair(folder, identity.name, _leaf(identity, key, *authorities[identity.authority], now), key)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "sa.key", _private(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(folder / "sa.pub", public)


def verify(folder: Path, now: dt.datetime | None = None) -> None:
    """Raise `StateCorrupt`, naming the file, unless the set is whole, belongs together and is still valid."""
    now = now or dt.datetime.now(dt.UTC)
    for name in sorted(file_names()):
        if not (folder / name).is_file():
            raise StateCorrupt("missing from the sandbox's certificates", folder / name)
    authorities = {name: _load_pair(folder, name, now) for name in AUTHORITIES}
    for identity in IDENTITIES:
        certificate = _load_pair(folder, identity.name, now)
        try:
            certificate.verify_directly_issued_by(authorities[identity.authority])
        except Exception as error:
            raise StateCorrupt(
                f"not signed by {identity.authority}.crt of the same set", folder / f"{identity.name}.crt"
            ) from error
    private = _load_key(folder / "sa.key")
    try:
        public = serialization.load_pem_public_key((folder / "sa.pub").read_bytes())
    except ValueError as error:
        raise StateCorrupt("not a public key", folder / "sa.pub") from error
    if private.public_key() != public:
        raise StateCorrupt("does not belong to sa.key", folder / "sa.pub")


def _name(user: str, group: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour back: a virtual machine's clock may step back after it was resumed.
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(common_name: str, key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    subject = _name(common_name)
    return (
        _builder(subject, key, now)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
) -> x509.Certificate:
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] if identity.client else []
    if identity.serves:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(_name(identity.user, identity.group), key, now)
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if identity.serves:
        names = x509.SubjectAlternativeName([_general_name(name) for name in identity.serves])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    # "EC PRIVATE KEY": what Kubernetes' service account key reader and etcd both take.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _write_pair(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    _write(folder / f"{name}.key", _private(key))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise StateCorrupt("not a private key", path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StateCorrupt("not an elliptic curve key", path)
    return key


def _load_pair(folder: Path, name: str, now: dt.datetime) -> x509.Certificate:
    path = folder / f"{name}.crt"
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise StateCorrupt("not a certificate", path) from error
    if _load_key(folder / f"{name}.key").public_key() != certificate.public_key():
        raise StateCorrupt("does not belong to its certificate", folder / f"{name}.key")
    if certificate.not_valid_after_utc < now + dt.timedelta(days=1):
        raise StateCorrupt(f"expires on {certificate.not_valid_after_utc:%Y-%m-%d}", path)
    return certificate
