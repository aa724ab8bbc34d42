"""What is installed from a wheel knows the networks by their names, wherever it stands."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from resnetdsl.api import shipped_networks

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel of this checkout was unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str) -> str:
    """A command of the installed program, far from any checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "RESNETDSL_CACHE_DIR": str(installed.parent / "cache")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "resnetdsl", *arguments],
        cwd=installed.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_the_wheel_that_runs(installed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    code = "import resnetdsl; print(resnetdsl.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd="/", env=environment, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(installed)


def test_all_networks_are_listed(installed: Path) -> None:
    names = {line.split()[0] for line in run(installed, "list", "--fast").splitlines()}
    assert len(names) > 621
    assert names <= set(shipped_networks())


@pytest.mark.parametrize(
    "name", ["resnet50", "seresnext50_32x4d", "mobilenetv4_hybrid_medium", "tf_efficientnet_cc_b0_4e"]
)
def test_a_bare_name_works(installed: Path, name: str) -> None:
    assert name in run(installed, "summary", name, "--level", "network", "--set", "classes=10")
    source = run(installed, "export", name, "--to", "pytorch")
    compile(source, name, "exec")


def test_a_spec_of_ones_own_imports_by_name(installed: Path) -> None:
    spec = installed.parent / "mine.rnet"
    spec.write_text("from resnet import resnet18\n\nnetwork mine = resnet18(classes = 7)\n", encoding="utf-8")
    assert "mine" in run(installed, "summary", str(spec), "--level", "network")
