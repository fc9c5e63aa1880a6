"""Around the code: the site of the documentation, the citation, schemas under versioned names."""

import importlib.util
import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest
import yaml
from jsonschema import Draft202012Validator

import riskshift
from riskshift.report.writing import KINDS, json_schema

ROOT = Path(__file__).parents[2]
DOCS = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


SITE = module(ROOT / "scripts" / "make_site.py")


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def pages(nav):
    for item in nav:
        for inner in item.values() if isinstance(item, dict) else [item]:
            yield from pages(inner) if isinstance(inner, list) else [inner]


def test_every_page_stands_in_the_navigation_once(config):
    found = sorted(page for page in pages(config["nav"]) if page in DOCS)
    assert found == DOCS, "mkdocs.yml: add the page to nav"


def test_nothing_is_fetched_from_elsewhere(config):
    assert config["theme"]["font"] is False
    assert not {"extra_css", "extra_javascript"} & set(config)


def site():
    """Every page of the site as it would stand there, by its place."""
    held = {name: ROOT / "docs" / name for name in DOCS} | SITE.beside()
    return {place: SITE.as_page(path.read_text("utf-8"), place) for place, path in held.items()}


def test_links_between_pages_lead_to_pages_of_the_site():
    held = site()
    for place, text in held.items():
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s#]+\.md)", prose):
            at = PurePosixPath(place).parent
            for part in PurePosixPath(target).parts:
                at = at.parent if part == ".." else at / part
            assert target.startswith("http") or str(at) in held, f"{place}: {target}"


def test_a_block_that_names_a_file_has_it_as_a_title():
    assert '```csv title="broken.csv"\n' in site()["how-it-works.md"]
    assert not any(re.search(r"^```\w+ [^\s=]+$", text, re.MULTILINE) for text in site().values())


def test_programs_find_every_page_and_schema_in_a_list():
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .+$", SITE.llms(), re.MULTILINE)
    assert {f"{name.rstrip('/')}.md" for name in listed if name.endswith("/")} == {
        name for name in DOCS if name != "README.md"
    }
    assert [name for name in listed if name.startswith("schemas/")] == [
        f"schemas/{kind}-v1.schema.json" for kind in KINDS
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_names_its_kind_and_version(kind):
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:riskshift:{kind}:v1"
    assert not Draft202012Validator(schema).is_valid({"kind": kind, "schema_version": 2})


def test_a_schema_takes_what_it_is_about():
    plan = riskshift.plan(rate=0.03)
    Draft202012Validator(json_schema("plan")).validate(plan.to_dict())
    assert not Draft202012Validator(json_schema("gate")).is_valid(plan.to_dict())


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # What version 1.2.0 of the Citation File Format requires, and what it knows of a type.
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    assert cited["version"] == riskshift.__version__
    assert cited["license"] == project["license"]
    assert cited["keywords"] == project["keywords"]
    assert [one["name"] for one in cited["authors"]] == [one["name"] for one in project["authors"]]
