"""The shape of the project: imports one way, names, sizes, and documents that come from the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline import write_documents
from pipeline.settings import load_settings
from transforms.records import Alert

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "connectors", "transforms")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "handler", "processor", "base", "misc"}
# A plain verb or noun phrase: words of lower-case letters.
MODULE_NAME = re.compile(r"^(__init__|[a-z]+(_[a-z]+)*)$")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_one_way() -> None:
    answer = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_module_has_a_speaking_name_and_says_what_lives_in_it(path: Path) -> None:
    assert MODULE_NAME.match(path.stem)
    assert not FORBIDDEN_NAMES & set(path.stem.split("_"))
    text = path.read_text("utf-8")
    if text.strip():
        docstring = ast.get_docstring(ast.parse(text))
        assert docstring, f"{path}: the first line says what lives here"
        assert len(text.splitlines()) <= 300, f"{path}: split it"


def test_build_is_one_screen_without_branches() -> None:
    tree = ast.parse((ROOT / "pipeline" / "build.py").read_text("utf-8"))
    build = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build")
    assert (build.end_lineno or 0) - build.lineno < 40
    assert not [node for node in ast.walk(build) if isinstance(node, (ast.If, ast.For, ast.While, ast.Try, ast.IfExp))]


def test_only_named_modules_unpickle_or_evaluate() -> None:
    # The one pickle is the file that a run hands to its own submitting process.
    calls = re.compile(r"\b(pickle\.loads?|marshal\.loads?|eval|exec|yaml\.load|os\.system)\(|shell=True")
    found = {name_of(path) for path in SOURCES if calls.search(path.read_text("utf-8"))}
    assert found <= {"pipeline/submit_graph.py"}


def test_generated_documents_are_up_to_date() -> None:
    stale = [name_of(path) for path, text in write_documents.contents() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "run make schemas"


def test_every_command_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", readme)) <= targets
    commands = set(re.findall(r"^def ([a-z_]+)\(", (ROOT / "pipeline" / "cli.py").read_text("utf-8"), re.MULTILINE)) | {"settings"}
    assert set(re.findall(r"`openweight ([a-z]+)", readme)) <= commands


def test_settings_of_the_readme_are_settings(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "password").write_text("secret")
    (tmp_path / "openweight.toml").write_text(example.replace("/etc/openweight/password", str(tmp_path / "password")))
    assert load_settings(tmp_path / "openweight.toml", {}).fields.text == "body"


def test_lock_files_pin_everything_and_name_no_registry() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert "://" not in text
        assert text.count("==") <= text.count("--hash")
        for requirement in wanted:
            package = re.split(r"[\[=<>]", requirement)[0]
            assert re.search(rf"^{re.escape(package)}==", text, re.MULTILINE), f"{name} lacks {package}: make lock"


def test_tracked_files_name_no_path_of_a_machine_and_stay_small() -> None:
    sizes = {name: (ROOT / name).stat().st_size for name in TRACKED if name and (ROOT / name).exists()}
    assert max(sizes.values()) < 40_000_000
    assert sum(sizes.values()) < 120_000_000
    machine = re.compile(rb"/(work|farm|root)/[a-z]")
    text_files = [name for name in sizes if Path(name).suffix in {".py", ".md", ".toml", ".sh", ".xml", ".yaml", ".txt", ""}]
    assert [name for name in text_files if machine.search((ROOT / name).read_bytes())] == []


def test_example_of_an_alert_fits_its_schema() -> None:
    import json  # noqa: PLC0415 - only here

    import jsonschema  # noqa: PLC0415 - only here

    schema = json.loads((ROOT / "transforms" / "schemas" / "alert.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    example = json.loads((ROOT / "transforms" / "schemas" / "alert.example.json").read_text("utf-8"))
    jsonschema.validate(example, schema)
    import msgspec  # noqa: PLC0415 - only here

    assert msgspec.convert(example, Alert).alert_id == example["alert_id"]
