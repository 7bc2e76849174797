"""The website that the tests of its builder and of its pages share."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup

from tools import build as builder

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"wide": (1366, 768), "middle": (1000, 700), "phone": (390, 844)}
SERVER = "http://localhost"  # the browser is told what is there; a page from there is trusted, as one from https would be


def copy_project(folder, books="[0-9]*"):
    """Copy what the website is made from, and give an id to each vote that has none."""
    for path in [*(ROOT / "notebooks").glob(f"{books}.ipynb"), *(ROOT / "notebooks").glob(f"*/{books}.[jp]*")]:
        there = folder / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
    for path in (folder / "notebooks" / "displays").glob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["kind"] in ("vote", "verdict"):
            if "id" not in told:  # a vote that is known by its question: the page's memory has that name
                told["id"] = told["name"] = re.sub(r"\W+", "-", told["name"])
            path.write_text(json.dumps(told), encoding="utf-8")
    for name in (builder.MEASURED, *builder.PROOFS.values()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "classroom" / "lesson_plans", folder / "classroom" / "lesson_plans")
    return folder


@pytest.fixture(scope="session")
def whole_project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def site(whole_project, tmp_path_factory):
    return builder.build(tmp_path_factory.mktemp("website") / "site", whole_project)


@pytest.fixture(scope="session")
def pages(site):
    return {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in site.glob("*.html")}


@pytest.fixture
def visit(chromium, site):
    """Open pages; whatever they complain of, or ask of another host, fails the test at its end."""
    contexts, problems = [], []

    def open_page(address, size="wide", scheme="light", served=False, **options):
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        home = SERVER if served else site.as_uri()
        page.route(f"{SERVER}/**", lambda route: route.fulfill(path=site / urlsplit(route.request.url).path[1:]))
        page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        known = (home, "data:", "blob:")
        page.on("request", lambda request: problems.append(request.url) if not request.url.startswith(known) else None)
        page.goto(f"{home}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
