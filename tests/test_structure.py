"""The rules of the structure that no other tool checks; import-linter checks the order of folders."""

import ast
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import napari_jsn

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_jsn"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400
MAX_VIEWER_SHARE = 0.25


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_no_file_is_long(folder):
    long = {str(path.relative_to(ROOT)): lines(path) for path in (ROOT / folder).rglob("*.py")}
    assert {path: n for path, n in long.items() if n > MAX_LINES} == {}


def test_viewer_is_thin():
    viewer = sum(lines(path) for path in SOURCES if path.is_relative_to(PACKAGE / "viewer"))
    assert viewer < MAX_VIEWER_SHARE * sum(map(lines, SOURCES))


def test_no_package_bears_the_name_of_a_public_name():
    assert not {path.stem for path in PACKAGE.iterdir()} & set(napari_jsn.__all__)


def test_every_public_name_is_found_and_documented():
    for name in napari_jsn.__all__:
        assert getattr(napari_jsn, name).__doc__, name


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = napari_jsn.nothing


def test_modules_say_what_they_are():
    assert [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def test_the_package_is_tested_from_this_checkout():
    assert Path(napari_jsn.__file__).parent == PACKAGE
    assert files("napari_jsn").joinpath("napari.yaml").is_file()


@pytest.mark.parametrize("name", ["napari.yaml", "models"])
def test_top_level_names_are_links_into_the_package(name):
    assert (ROOT / name).is_symlink()
    assert (ROOT / name).resolve() == PACKAGE / name


def test_one_version_everywhere():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE).group(1)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_links_of_the_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    targets = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))]
    assert [(page.name, link) for page, link in targets if ":" not in link and not (page.parent / link).exists()] == []


def test_the_table_of_folders_is_the_import_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    layers = [name.strip() for line in contract["layers"] for name in re.split("[:|]", line) if "(" not in name]
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Folders")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == layers


def test_no_folder_has_many_modules():
    folders = {path.parent for path in (*SOURCES, *(ROOT / "benchmarks").rglob("*.py"))}
    counts = {str(f.relative_to(ROOT)): len([p for p in f.glob("*.py") if p.name != "__init__.py"]) for f in folders}
    assert {folder: count for folder, count in counts.items() if count > 14} == {}


def test_files_named_in_the_walks_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    names = set(re.findall(r"`((?:\w+/)+\w+\.py)`", page)) - {"tests/registration/test_<name>.py"}
    assert {
        n for n in names if not list(PACKAGE.rglob(n)) and not (PACKAGE / n).exists() and not (ROOT / n).exists()
    } == set()
