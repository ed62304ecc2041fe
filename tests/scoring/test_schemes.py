import json

import pytest

from napari_jsn.anatomy import SITES, site_name
from napari_jsn.common.errors import InputError
from napari_jsn.scoring import SCHEMES, scheme


@pytest.mark.parametrize(
    "name, jsn, erosion, jsn_maximum, erosion_maximum",
    [("svdh-hands", 15, 16, 120, 160), ("svdh-fingers", 9, 10, 72, 100), ("talk-15", 9, 11, 72, 110)],
)
def test_sites_and_maxima(name, jsn, erosion, jsn_maximum, erosion_maximum):
    found = scheme(name)
    assert (len(found.sites["jsn"]), len(found.sites["erosion"])) == (jsn, erosion)
    assert (found.maximum("jsn"), found.maximum("erosion")) == (jsn_maximum, erosion_maximum)
    assert set(found.sites["jsn"]) | set(found.sites["erosion"]) <= set(found.rows) and set(found.rows) <= set(SITES)


def test_the_rows_of_the_talk():
    rows = [
        "IP1",
        "DIP2",
        "DIP3",
        "DIP4",
        "DIP5",
        "PIP2",
        "PIP3",
        "PIP4",
        "PIP5",
        "MCP1",
        "MCP2",
        "MCP3",
        "MCP4",
        "MCP5",
        "CMC1",
    ]
    assert list(scheme("talk-15").rows) == rows
    assert not scheme("talk-15").has("DIP3", "erosion") and not scheme("talk-15").has("CMC1", "jsn")


def test_only_the_scheme_of_all_sites_is_called_sharp_van_der_heijde():
    named = {name for name, each in SCHEMES.items() if each.total_name.startswith("Sharp/van der Heijde")}
    assert named == {"svdh-hands"} and "without feet" in scheme("svdh-hands").total_name


@pytest.mark.parametrize(
    "text, site", [("mcp2", "MCP2"), (" MCP 2", "MCP2"), ("PIP-IV", "PIP4"), ("ip", "IP1"), ("Distal ulna", "ulna")]
)
def test_spellings_of_a_site(text, site):
    assert site_name(text) == site


@pytest.mark.parametrize("text", ["MCP6", "", "knee", None, 3])
def test_no_site(text):
    with pytest.raises(InputError, match="no site"):
        site_name(text)


@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_a_scheme_of_the_user(tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    path.write_text(json.dumps({"jsn": {"sites": ["mcp 2", "PIP3"], "highest": 3}, "erosion": {"sites": ["Elbow"]}}))
    found = scheme(path)
    assert found.name == "mine" and found.sites == {"jsn": ("MCP2", "PIP3"), "erosion": ("Elbow",)}
    assert found.maximum("jsn") == 12 and found.maximum() == 22 and "not the Sharp" in found.total_name


@pytest.mark.parametrize(
    "content",
    [
        "[1, 2]",
        "{",
        "{}",
        '{"jsn": ["MCP2"]}',
        '{"jsn": {"sites": []}}',
        '{"jsn": {"sites": ["MCP2", "mcp 2"]}}',
        '{"jsn": {"sites": [2]}}',
        '{"jsn": {"sites": ["MCP2"], "highest": 9}}',
        '{"jsn": {"sites": ["MCP2"], "highest": true}}',
        '{"jsn": {"sites": ["MCP2"], "highest": 5}}',
        '{"jsn": {"sites": ["=MCP2"]}}',
        '{"name": "svdh-hands", "jsn": {"sites": ["MCP2"]}}',
        '{"feet": {"sites": ["MTP2"]}}',
        '{"name": " ", "jsn": {"sites": ["MCP2"]}}',
        '{"jsn": {"sites": ["MCP2"]}, "jsn": {"sites": ["MCP3"]}}',
        '{"jsn": {"sites": ["MCP2"], "sites": ["MCP3"]}}',
    ],
)
@pytest.mark.parametrize("ending", ["json", "yml"])
def test_a_file_that_describes_no_scheme(tmp_path, content, ending):
    path = tmp_path / f"mine.{ending}"
    path.write_text(content)
    with pytest.raises(InputError, match="mine"):
        scheme(path)


@pytest.mark.parametrize("name", ["svdh", "nothing.json", None, 3])
def test_an_unknown_scheme(name):
    with pytest.raises(InputError, match="There is no"):
        scheme(name)
