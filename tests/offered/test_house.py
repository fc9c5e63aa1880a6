"""The plan of the house: folders that can be read at a glance."""

from pathlib import Path

import pytest

import riskshift

ROOT = Path(riskshift.__file__).parent
FOLDERS = sorted({path.parent for path in ROOT.rglob("*.py")})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_holds_at_most_twelve_modules(folder):
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= 12, sorted(modules)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_every_folder_says_what_stands_in_it(folder):
    assert (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""')
