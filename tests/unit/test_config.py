"""A stack's configuration is accepted whole or refused with an error that a person can act on.

Every file under `config/valid/` is a stack file that must be accepted. The name of a file under `config/invalid/` is
the mistake in it, its `# says:` lines are what the error must say, and its `# hides:` lines what it must not repeat.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.access import PLACEHOLDER
from components.config import PlatformConfig, parse
from components.errors import ConfigError, ProgramError

HERE = Path(__file__).parent / "config"
ROOT = Path(__file__).parents[2]
VALID = sorted((HERE / "valid").glob("*.yaml"))
INVALID = sorted((HERE / "invalid").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _no_sandbox_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_SANDBOX_DIR", raising=False)


def load(path: Path, stack: str = "dev", **options: Any) -> PlatformConfig:
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return parse(document.get("config") or {}, stack, path.name, project=HERE, **options)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_stack_file_is_accepted(path: Path) -> None:
    assert load(path).environment in ("dev", "prod")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_stack_file_is_refused_with_the_key_the_value_and_the_remedy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    says = re.findall(r"^# says: (.+)$", text, re.MULTILINE)
    hides = re.findall(r"^# hides: (.+)$", text, re.MULTILINE)
    assert says, "the fixture does not say what the error must say"
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(path.name), "the error does not name the file"
    for words in says:
        assert words in message
    for words in (*hides, "not-a-secret"):
        assert words not in message


def test_there_are_enough_mistakes_to_trust_the_errors() -> None:
    assert len(INVALID) >= 20


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(HERE / "invalid" / "two-mistakes-at-once.yaml")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "record",
    ['{"git": {"reader_password": 12345}}', '{"git": {"reader_password": "12345"}', '{"webhook_secret": [12345]}'],
)
def test_a_damaged_description_of_the_sandbox_keeps_its_secrets(tmp_path: Path, record: str) -> None:
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "connection.json").write_text(record, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path)
    assert "12345" not in "\n".join(caught.value.problems)


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_shipped_stack_files_are_valid(stack: str, tmp_path: Path) -> None:
    config = parse(shipped(stack), stack, f"Pulumi.{stack}.yaml", project=tmp_path)
    assert config.environment == stack
    assert config.install == (stack == "dev")
    assert config.sync.automated == (stack == "dev")
    assert not config.argocd.dex


def test_a_stack_whose_name_is_no_environment_must_say_which_one_it_is() -> None:
    with pytest.raises(ConfigError, match=r"'staing' is no environment; did you mean 'staging'\?"):
        parse({}, "staing", "Pulumi.staing.yaml")
    assert parse({"slipway:environment": "dev"}, "mine", "Pulumi.mine.yaml").environment == "dev"


def test_a_preview_without_a_sandbox_gets_placeholders(tmp_path: Path) -> None:
    config = parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path)
    assert config.access.missing
    assert config.access.kubeconfig is None
    assert config.webhook_secret == PLACEHOLDER
    assert config.gitops.password == PLACEHOLDER


def test_an_update_without_a_sandbox_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"slipway sandbox up"):
        parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path, preview=False)


def test_the_sandbox_gives_addresses_and_accounts(tmp_path: Path) -> None:
    write_connection(tmp_path)
    config = parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path, preview=False)
    assert config.access.server == "https://192.0.2.1:6443"
    assert config.gitops.url == "http://192.0.2.1:3080/gitops.git"
    assert config.gitops.username == "argocd"
    assert config.gitops.password is not None
    assert config.gitops.password.get_secret_value() == "reads"
    assert config.gitops.insecure
    assert (config.ingress.service, config.ingress.node_port) == ("NodePort", 30080)


def test_the_sandboxs_account_is_not_sent_to_a_repository_elsewhere(tmp_path: Path) -> None:
    write_connection(tmp_path)
    values = {"slipway:gitops": {"url": "https://git.example.org/gitops.git"}}
    config = parse(values, "dev", "Pulumi.dev.yaml", project=tmp_path, preview=False)
    assert config.gitops.username is None
    assert config.gitops.password is None
    assert not config.gitops.insecure


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "damaged"),
        ('{"version": 1', "damaged"),
        ('{"version": 2}', "`version` is 2 (a number); allowed: 1"),
        ('{"version": 1}', "`git` is missing"),
        ('{"version": 1, "git": {"url": 7}}', "`git.url` is 7 (a number); allowed: text"),
    ],
)
@pytest.mark.parametrize("preview", [True, False])
def test_a_damaged_description_of_the_sandbox_is_refused(
    tmp_path: Path, content: str, says: str, preview: bool
) -> None:
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "connection.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path, preview=preview)
    assert says in str(caught.value)
    assert "connection.json" in str(caught.value)
    assert "slipway sandbox up" in str(caught.value)


def test_a_sandbox_whose_kubeconfig_vanished_is_refused(tmp_path: Path) -> None:
    write_connection(tmp_path)
    (tmp_path / ".sandbox" / "kubeconfig").unlink()
    with pytest.raises(ProgramError, match=r"kubeconfig cannot be used: there is no file"):
        parse({}, "dev", "Pulumi.dev.yaml", project=tmp_path)


def shipped(stack: str) -> dict[str, Any]:
    """What the engine hands over: the project's defaults under the stack's values."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    values = {key: entry.get("value", entry.get("default")) for key, entry in project.items()}
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return {**values, **(document.get("config") or {})}


def write_connection(project: Path) -> None:
    folder = project / ".sandbox"
    folder.mkdir()
    (folder / "kubeconfig").write_text((HERE / "files" / "kubeconfig.yaml").read_text(encoding="utf-8"))
    record = {
        "version": 1,
        "node_ip": "192.0.2.1",
        "kubeconfig": str(folder / "kubeconfig"),
        "registry": "127.0.0.1:5000",
        "git": {
            "url": "http://192.0.2.1:3080/gitops.git",
            "username": "slipway",
            "password": "writes",
            "reader_username": "argocd",
            "reader_password": "reads",
        },
        "webhook_secret": "signs",
        "ingress": {"http_port": 30080, "domain": "localhost"},
        "images": {},
        "versions": [],
    }
    (folder / "connection.json").write_text(json.dumps(record), encoding="utf-8")
