"""The pages in Markdown: their links lead somewhere, and what several of them say is the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import mistune
import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("classroom/**/*.md"), *ROOT.glob("benchmarks/*.md")])
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WORDS = 600


def parsed(path):
    return BeautifulSoup(mistune.html(path.read_text(encoding="utf-8")), "html.parser")


def anchors(path):
    """The addresses of a page's headings, as the project's host makes them."""
    texts = [heading.get_text() for heading in parsed(path).find_all(re.compile("h[1-6]"))]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_and_pictures_lead_somewhere(path):
    targets = [tag.get("href") or tag.get("src") for tag in parsed(path).find_all(["a", "img"])]
    for target in targets:
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists() and there.is_relative_to(ROOT), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), target


def test_pictures_have_alternative_texts():
    for path in PAGES:
        assert all(tag.get("alt") for tag in parsed(path).find_all("img")), path


def test_the_readme_is_short_and_leads_to_each_page_of_docs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= WORDS
    assert [page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name})" not in text] == []


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert citation["version"] == newest == VERSION


WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_valid_and_runs_what_is_there(path):
    """Its schema comes with the checker; that its commands succeed is known for those only that `.ci/run` and `run.py` have."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    named = re.findall(r"(?:(?:tests|notebooks)/[\w./]+|\.ci/run|\brun\.py)", commands)
    named += [f"{name.replace('.', '/')}.py" for name in re.findall(r"-m (tools\.\w+)", commands)]
    assert named and [name for name in named if not (ROOT / name).exists()] == []
