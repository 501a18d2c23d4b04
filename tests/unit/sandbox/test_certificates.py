"""The certificates are a whole set, for the right names, or an error that names the file."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox import certificates
from sandbox.files import StateCorrupt


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "pki"
    assert certificates.ensure(folder)
    return folder


@pytest.fixture
def pki(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    folder = tmp_path / "pki"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def read(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_a_second_time_nothing_is_made(made: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    assert not certificates.ensure(made)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before
    assert before.keys() == certificates.file_names()


def test_every_file_is_for_its_owner_only(made: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}


def test_the_api_server_answers_to_every_name_it_is_called_by(made: Path) -> None:
    names = read(made, "kube-apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "10.96.0.1", "10.244.0.1"}
    assert "kubernetes.default.svc.cluster.local" in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("identity", certificates.IDENTITIES, ids=lambda identity: identity.name)
def test_each_identity_is_what_its_role_expects(made: Path, identity: certificates.Identity) -> None:
    certificate = read(made, identity.name)
    subject = certificate.subject
    assert [part.value for part in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [identity.user]
    groups = [part.value for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert groups == ([identity.group] if identity.group else [])
    usage = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert (ExtendedKeyUsageOID.CLIENT_AUTH in usage) == identity.client
    assert (ExtendedKeyUsageOID.SERVER_AUTH in usage) == bool(identity.serves)


def test_only_the_bootstrap_identity_is_above_authorisation() -> None:
    assert [each.name for each in certificates.IDENTITIES if each.group == "system:masters"] == ["bootstrap"]


@pytest.mark.parametrize("name", sorted(certificates.file_names()))
def test_a_file_that_is_missing_or_cut_is_named(pki: Path, name: str) -> None:
    whole = (pki / name).read_bytes()
    (pki / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StateCorrupt) as cut:
        certificates.verify(pki)
    assert Path(cut.value.where).stem == Path(name).stem
    (pki / name).unlink()
    with pytest.raises(StateCorrupt) as missing:
        certificates.verify(pki)
    assert missing.value.where == str(pki / name)


def test_a_certificate_of_another_set_is_found_out(pki: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    certificates.make(other)
    for end in ("crt", "key"):
        (pki / f"kubelet.{end}").write_bytes((other / f"kubelet.{end}").read_bytes())
    with pytest.raises(StateCorrupt, match=r"kubelet.crt: not signed by ca.crt"):
        certificates.verify(pki)


def test_a_set_about_to_expire_is_an_error_before_it_is_an_outage(made: Path) -> None:
    certificates.verify(made, dt.datetime.now(dt.UTC) + dt.timedelta(days=3648))
    with pytest.raises(StateCorrupt, match="expires on"):
        certificates.verify(made, dt.datetime.now(dt.UTC) + dt.timedelta(days=3650))


def test_a_half_made_set_of_a_power_cut_is_thrown_away(tmp_path: Path) -> None:
    half = tmp_path / ".pki-abc"
    half.mkdir()
    (half / "ca.crt").write_text("-----BEGIN")
    assert certificates.ensure(tmp_path / "pki")
    assert [path.name for path in tmp_path.iterdir()] == ["pki"]
