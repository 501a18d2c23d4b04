"""The machine's way to packages reaches a build, and nothing else of the machine does."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from slipway.images import pip_settings


@pytest.fixture
def system(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "pip.conf").write_text(
        "[global]\nindex-url = https://packages.example/simple\ntarget = /nowhere\n[install]\nno-index = false\n"
    )
    return folder


def test_files_are_read_and_foreign_settings_left(system: Path, tmp_path: Path) -> None:
    found = pip_settings.read({}, tmp_path, system)

    assert found["index-url"] == "https://packages.example/simple"
    assert found["no-index"] == "false"
    assert "target" not in found


def test_a_users_file_wins_over_the_systems_and_a_variable_over_both(system: Path, tmp_path: Path) -> None:
    mine = tmp_path / ".config" / "pip" / "pip.conf"
    mine.parent.mkdir(parents=True)
    mine.write_text("[global]\nindex-url = https://mine.example/simple\nproxy = http://proxy.example:3128\n")

    found = pip_settings.read({"PIP_PROXY": "http://other.example"}, tmp_path, system)
    assert found["index-url"] == "https://mine.example/simple"
    assert found["proxy"] == "http://other.example"


def test_the_machines_authorities_are_used_when_pip_names_none(system: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("certificate")

    assert pip_settings.read({"SSL_CERT_FILE": str(bundle)}, tmp_path, system)["cert"] == str(bundle)
    assert pip_settings.read({"PIP_CERT": "/a.pem", "SSL_CERT_FILE": str(bundle)}, tmp_path, system)["cert"] == "/a.pem"


def test_files_that_settings_name_are_mounted_and_addresses_are_not(tmp_path: Path) -> None:
    wheels, bundle = tmp_path / "wheels", tmp_path / "ca.pem"
    wheels.mkdir()
    bundle.write_text("certificate")
    settings = {"cert": str(bundle), "find-links": f"file://{wheels} https://links.example /nowhere"}

    assert pip_settings.mounts(settings) == [bundle, wheels]


def test_the_written_file_is_pips_own_form_and_only_ours_to_read(tmp_path: Path) -> None:
    target = tmp_path / "pip.conf"
    pip_settings.write({"index-url": "https://u:p@packages.example", "find-links": "/a\n/b"}, target)

    parser = configparser.RawConfigParser()
    parser.read(target)
    assert parser.get("global", "index-url") == "https://u:p@packages.example"
    assert parser.get("global", "find-links").split() == ["/a", "/b"]
    assert target.stat().st_mode & 0o777 == 0o600
