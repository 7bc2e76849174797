"""A class in Chromium: a teacher who has only a keyboard, a projector, two phones and a laptop."""

import os
import re
import signal
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.classroom.conftest import VOTE, Program
from tests.tools.conftest import copy_project
from tools import build as builder

LESSON = "01_why_the_step_function_trains.html"
SIZES = {"phone": (390, 844), "laptop": (1366, 768)}
OPEN_GATES = "document.querySelectorAll('.gate.open').length"


@pytest.fixture(scope="session")
def lesson_site(tmp_path_factory):
    """The website of two lessons."""
    project = copy_project(tmp_path_factory.mktemp("project"), books="0[01]*")
    return builder.build(tmp_path_factory.mktemp("website") / "site", project)


@pytest.fixture
def lesson(chromium, lesson_site):
    """A class, and a function that opens its pages, each in a browser of its own."""
    program, contexts, problems = Program(site=lesson_site), [], []

    def visit(address="", size="phone", scheme="light", known=()):
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()

        def hear(text):
            if not any(word in text for word in known):
                problems.append(text)

        page.on("console", lambda one: hear(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request", lambda one: None if one.url.startswith((program.home, "data:", "blob:")) else problems.append(one.url)
        )
        page.goto(program.home + address)
        return page

    def teach():
        page = visit(program.link.removeprefix(program.home), "laptop")
        page.locator("#desk:not([hidden])").wait_for()
        page.keyboard.press("l")  # from lesson 00 to 01, with the keyboard
        page.keyboard.press("ArrowDown")
        page.locator(f"input[value='{VOTE}']:checked").wait_for()
        page.keyboard.press("Escape")
        return page

    program.visit, program.teach = visit, teach
    yield program
    for context in contexts:
        context.close()
    program.end(signal.SIGINT)
    program.process.stdout.close()
    assert problems == []


def see(page, text, inside="body"):
    page.locator(inside).get_by_text(text).first.wait_for()


def until(page, holds):
    """Wait for an expression; wait_for_function evaluates a string in the page, which the policy of the pages forbids."""
    for _ in range(300):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {holds}")


def press(page, key, then):
    """Press a key of the teacher's, and wait for what it must lead to."""
    page.keyboard.press(key)
    page.locator("#phase", has_text=re.compile(then)).wait_for()


def choose(page, letter):
    page.locator("button.cv-option").nth("ABCDEF".index(letter)).click()
    see(page, re.compile(f"You chose {letter}"))


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@SCHEMES
def test_a_lessons_votes(lesson, scheme):
    """Two votes each on two questions, then a mirror question; each page says at each step what it must, and no more."""
    teacher, wall = lesson.teach(), lesson.visit("class/projector", "laptop", scheme)
    assert lesson.token not in teacher.url
    phone, other = lesson.visit("", "phone", scheme), lesson.visit(LESSON, "phone", scheme)
    laptop = lesson.visit(LESSON, "laptop", scheme)
    see(phone, "Nothing is open now")
    for number in range(2):
        if number:
            teacher.keyboard.press("q")
            teacher.keyboard.press("n")
        press(teacher, "o", "First vote: open")
        choose(phone, "A")
        choose(phone, "B")  # changed
        other.get_by_role("button", name="Answer here").click()
        choose(other, "A")
        laptop.get_by_role("link", name="Go to the question").click()  # the lesson's own display
        display = laptop.locator(f"#display-vote{'_2' if number else ''}")
        display.locator(".ae-option").nth(2).click()
        display.locator(".ae-go").click()
        see(laptop, "You chose C. You can change it")
        assert "the answer opens when your teacher shows it" in display.locator(".ae-sentence").inner_text()
        assert laptop.evaluate(OPEN_GATES) == other.evaluate(OPEN_GATES) == number
        teacher.locator("#voted", has_text="3").wait_for()
        wall.locator("#voted", has_text="3").wait_for()
        for page in (phone, other, laptop, wall, teacher):
            assert page.locator(".cv-bar").count() == 0
        press(teacher, "c", "First vote: closed")
        see(teacher, "let them argue")
        see(phone, "The vote is closed. You chose B.")
        assert wall.locator(".cv-bar").count() == 0 and teacher.locator(".cv-bar").count() == 0
        press(teacher, "s", "shown to the class")
        wall.locator(".cv-bar").first.wait_for()
        assert wall.locator(".cv-count").all_inner_texts()[:3] == ["1 (33\u00a0%)"] * 3
        press(teacher, "a", "Second vote: open")
        see(phone, "you chose B. Vote again")
        assert wall.locator(".cv-bar").count() == 0
        for page in (phone, other):
            choose(page, "A")
        press(teacher, "c", "Second vote: closed")
        press(teacher, "s", "shown to the class")
        wall.locator(".cv-round-2").first.wait_for()
        assert wall.locator(".cv-round-2 .cv-count").first.inner_text() == "2 (100\u00a0%)"
        assert wall.locator(".cv-chip").count() == 0 and laptop.evaluate(OPEN_GATES) == number
        press(teacher, "v", "The answer is told")
        see(wall, "The answer is")
        see(phone, "You chose A")
        until(laptop, f"{OPEN_GATES} === {number + 1}")
        until(other, f"{OPEN_GATES} === {number + 1}")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        press(teacher, "f", "No question is open")
        laptop.locator(".cv-banner").wait_for(state="hidden")
    teacher.keyboard.press("q")
    teacher.keyboard.press("n")
    assert teacher.locator("#mirrors").input_value() == "2"
    press(teacher, "o", "First vote: open")
    choose(phone, "B")
    press(teacher, "c", "First vote: closed")
    teacher.goto(f"{lesson.home}class/report")
    see(teacher, "changed to right")
    assert teacher.locator("section h2").count() == 4 and "Mirror question (3)" in teacher.locator("#report").inner_text()


def test_a_reload_after_closing_votes_no_second_time(lesson):
    teacher, phone = lesson.teach(), lesson.visit()
    press(teacher, "o", "First vote: open")
    choose(phone, "A")
    press(teacher, "c", "First vote: closed")
    see(phone, "The vote is closed. You chose A.")
    for _ in range(2):
        phone.reload()
        see(phone, "The vote is closed. You chose A.")
        assert phone.locator("button.cv-option").count() == 0
    tab = phone.context.new_page()  # nor in another tab
    tab.goto(lesson.home)
    see(tab, "The vote is closed. You chose A.")
    teacher.locator("#voted", has_text="1").wait_for()


def test_a_change_after_closing_is_taken_back(lesson):
    """Also in the lesson's own display: what is remembered is what counts."""
    teacher, laptop = lesson.teach(), lesson.visit(LESSON, "laptop")
    press(teacher, "o", "First vote: open")
    display = laptop.locator("#display-vote")
    display.locator(".ae-option").nth(0).click()
    display.locator(".ae-go").click()
    see(laptop, "You chose A. You can change it")
    press(teacher, "c", "First vote: closed")
    see(laptop, "The vote is closed. You chose A.")
    display.get_by_role("button", name="Change my vote").click()
    display.locator(".ae-option").nth(1).click()
    display.locator(".ae-go").click()
    until(laptop, f"localStorage.getItem('aehelpers: {VOTE}') === 'A'")
    press(teacher, "v", "The answer is told")
    until(laptop, f"{OPEN_GATES} === 1")
    assert "You chose A. The answer is C." in laptop.locator("#display-verdict").inner_text()


def test_a_phone_that_sleeps_through_a_round(lesson):
    teacher, phone = lesson.teach(), lesson.visit(known=["ERR_INTERNET_DISCONNECTED", "net::"])
    press(teacher, "o", "First vote: open")
    choose(phone, "A")
    phone.context.set_offline(True)
    press(teacher, "c", "First vote: closed")
    press(teacher, "a", "Second vote: open")
    phone.context.set_offline(False)
    phone.evaluate("window.dispatchEvent(new Event('online'))")
    see(phone, "you chose A. Vote again")
    choose(phone, "C")
    teacher.locator("#voted", has_text=re.compile("^1$")).wait_for()


def test_a_vote_without_a_network_arrives_later_or_says_that_it_did_not(lesson):
    teacher, phone = lesson.teach(), lesson.visit(known=["ERR_INTERNET_DISCONNECTED", "net::"])
    press(teacher, "o", "First vote: open")
    see(phone, "Vote now.")
    phone.context.set_offline(True)
    phone.locator("button.cv-option").first.click()
    see(phone, "Sending A")
    phone.context.set_offline(False)
    see(phone, "You chose A.")
    teacher.locator("#voted", has_text="1").wait_for()
    press(teacher, "c", "First vote: closed")
    press(teacher, "a", "Second vote: open")
    see(phone, "Second vote")
    phone.context.set_offline(True)
    phone.locator("button.cv-option").nth(1).click()
    press(teacher, "c", "Second vote: closed")
    phone.context.set_offline(False)
    phone.evaluate("window.dispatchEvent(new Event('online'))")
    see(phone, "B did not reach the class")
    see(phone, "You did not vote in this round")


def test_the_gate_of_a_class_is_shut_for_a_page_that_comes_later(lesson):
    """Whatever this browser has voted before, and also by a link into what the gate hides."""
    teacher, laptop = lesson.teach(), lesson.visit(LESSON, "laptop")
    laptop.evaluate(f"localStorage.setItem('aehelpers: {VOTE}', 'B')")
    laptop.reload()
    assert laptop.evaluate(OPEN_GATES) == 1
    press(teacher, "o", "First vote: open")
    until(laptop, f"{OPEN_GATES} === 0")  # a page that is open already is shut, too
    laptop.reload()
    assert laptop.evaluate(OPEN_GATES) == 0  # at once, not when the class is heard
    laptop.goto(f"{lesson.home}{LESSON}#display-verdict")
    assert not laptop.locator("#display-verdict").is_visible()
    press(teacher, "c", "First vote: closed")
    press(teacher, "v", "The answer is told")
    until(laptop, f"{OPEN_GATES} === 1")


def test_show_me_without_voting_does_not_open_what_the_class_holds(lesson):
    teacher, laptop = lesson.teach(), lesson.visit(LESSON, "laptop")
    press(teacher, "o", "First vote: open")
    until(laptop, f"window.aehelpersHeld === '{VOTE}'")
    laptop.locator("#display-vote").get_by_role("button", name="Show me without voting").click()
    assert laptop.evaluate(OPEN_GATES) == 0
    assert "when your teacher shows it" in laptop.locator("#display-vote .ae-sentence").inner_text()
    assert teacher.locator("#voted").inner_text() == "0"


def test_the_wrong_token_shows_nothing(lesson):
    page = lesson.visit("class/teacher#wrong", "laptop", known=["403"])
    see(page, "Only the teacher may do that")
    assert not page.locator("#desk").is_visible() and "#" not in page.url


def test_what_is_typed_is_shown_as_text(lesson):
    """By keyboard alone: a question with markup, its answer told late, and a show of hands."""
    teacher, phone, wall = lesson.teach(), lesson.visit(), lesson.visit("class/projector", "laptop")
    teacher.keyboard.press("t")
    teacher.keyboard.type("<img src=x onerror=alert(1)> o c s?")  # letters of the keys, too
    teacher.keyboard.press("Tab")
    teacher.keyboard.type("<b>one</b>\n<script>alert(2)</script>")
    teacher.keyboard.press("Tab")
    teacher.keyboard.press("Tab")
    teacher.keyboard.press("Enter")
    teacher.locator("#phase", has_text="First vote: open").wait_for()
    for page in (teacher, phone, wall):
        see(page, "<img src=x onerror=alert(1)> o c s?")
        see(page, "<script>alert(2)</script>", ".cv-options")
        assert page.locator("img[src=x], .cv-text b").count() == 0
    choose(phone, "B")
    teacher.keyboard.press("Escape")
    teacher.keyboard.press("h")
    teacher.keyboard.type("4")
    teacher.keyboard.press("Enter")
    teacher.locator("#voted", has_text="5").wait_for()
    teacher.keyboard.press("Escape")
    press(teacher, "c", "First vote: closed")
    teacher.locator("#actions select").select_option("A")
    teacher.get_by_role("button", name="Tell the answer").click()
    see(wall, "The answer is A.")
    see(phone, "You chose B. It is A.")


def test_keys_are_listed_and_can_be_switched_off(lesson):
    teacher = lesson.teach()
    teacher.get_by_text("Keys", exact=True).click()
    listed = teacher.locator("#key-list kbd").all_inner_texts()
    assert {"O", "C", "S", "A", "V", "F", "N", "B", "H", "T", "P", "R"} <= set(listed)
    teacher.get_by_label("Single keys work").uncheck()
    teacher.keyboard.press("o")
    teacher.get_by_label("Single keys work").check()
    assert teacher.locator("#phase").inner_text().startswith("No question")
    press(teacher, "o", "First vote: open")


@SCHEMES
@pytest.mark.parametrize("size", SIZES)
def test_pages_are_accessible_and_fit(lesson, size, scheme):
    teacher, wall = lesson.teach(), lesson.visit("class/projector", size, scheme)
    phone, banner = lesson.visit("", size, scheme), lesson.visit(LESSON, size, scheme)
    teacher.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    teacher.emulate_media(color_scheme=scheme)
    press(teacher, "o", "First vote: open")
    choose(phone, "B")
    banner.get_by_role("button", name="Answer here").click()
    for key, then in (("c", "closed"), ("s", "shown"), ("v", "told")):
        press(teacher, key, then)
    see(phone, "You chose B")
    report = teacher.context.new_page()
    report.goto(f"{lesson.home}class/report")
    see(report, "Vote 1")
    for page in (teacher, wall, phone, report):
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        found = Axe().run(page, context="body")
        assert found.violations_count == 0, found.generate_report()
    found = Axe().run(banner, context=".cv-banner")
    assert found.violations_count == 0, found.generate_report()


def test_the_projector_can_be_read_from_the_last_row(lesson):
    """Options in letters of a 28th of the height, and everything in one screen, for each question of the lessons."""
    wall = lesson.visit("class/projector", "laptop")
    teacher = lesson.log_in()
    for question in teacher.get("class/questions").json()["questions"]:
        assert teacher.act("open", key=question["key"]).status_code == 200
        wall.get_by_role("heading", name=question["text"]).wait_for()
        assert wall.evaluate("parseFloat(getComputedStyle(document.querySelector('.cv-option')).fontSize)") >= 768 / 28
        for what in ("close", "show", "again", "close", "show"):
            assert teacher.act(what).status_code == 200
        wall.locator(".cv-round-2").first.wait_for()
        assert wall.evaluate("document.documentElement.scrollHeight") <= 768, question["key"]
        assert teacher.act("verdict").status_code == 200
        see(wall, "The answer is")
        wall.locator(".cv-reason, .cv-solid").first.wait_for()
        assert wall.evaluate("document.documentElement.scrollHeight") <= 768, question["key"]


def test_the_class_builds_a_website_that_is_missing_or_outdated(tmp_path, monkeypatch):
    from classroom.votes import __main__ as command

    monkeypatch.setattr(command, "ROOT", tmp_path)
    (tmp_path / "website").mkdir()
    (tmp_path / "website" / "site.js").write_text("")
    site, built = tmp_path / "site", []

    def build(call, **options):
        built.append(call)
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text("")
        return subprocess.CompletedProcess(call, 0)

    monkeypatch.setattr(command.subprocess, "run", build)
    command.build_if_needed(site)
    command.build_if_needed(site)
    assert built == [[sys.executable, "-m", "tools.build", str(site)]]
    made = (site / "index.html").stat().st_mtime
    os.utime(tmp_path / "website" / "site.js", (made + 5, made + 5))
    command.build_if_needed(site)
    assert len(built) == 2


ON_HUB = {"hubPrefix": "/school/hub/", "hubHost": "", "hubUser": "ben", "token": "t0"}


def vote_in_lab(page, config, letter="C"):
    """Vote in a lesson's display, on a page that looks like a JupyterLab with this configuration."""
    page.evaluate(
        """config => {
          document.body.dataset.jpThemeLight = "true";
          const script = document.createElement("script");
          Object.assign(script, { id: "jupyter-config-data", type: "application/json" });
          script.textContent = JSON.stringify(config);
          document.body.append(script);
        }""",
        config,
    )
    display = page.locator("#display-vote")
    display.locator(".ae-option").nth("ABCD".index(letter)).click()
    display.locator(".ae-go").click()
    see(page, f"You chose {letter}.", "#display-vote .ae-sentence")
    page.wait_for_timeout(300)
    return display.locator(".ae-sentence").inner_text()


@pytest.mark.parametrize("status", [200, 404, 409])
def test_a_vote_in_a_notebook_on_a_hub_goes_to_the_class(lesson, status):
    page, asked = lesson.visit(LESSON, "laptop", known=["Failed to load resource"]), []

    def answer(route):
        asked.append(route.request)
        route.fulfill(status=status, body="{}")

    page.route("**/services/**", answer)
    counts = "It counts in your class's vote." in vote_in_lab(page, ON_HUB)
    (request,) = asked
    assert request.url == f"{lesson.home}school/services/vote/class/notebook" and counts == (status == 200)
    assert request.post_data_json == {"question": VOTE, "choice": "C"}
    assert request.headers["authorization"] == "token t0" and request.headers["x-class"] == "vote"


@pytest.mark.parametrize("missing", ["hubPrefix", "token", "hub on another host", "everything"])
def test_a_vote_outside_a_hub_asks_for_nothing(lesson, missing):
    page, asked = lesson.visit(LESSON, "laptop"), []
    config = {} if missing == "everything" else {**ON_HUB, missing: ""}
    if missing.startswith("hub on"):
        config["hubHost"] = "https://hub.example"
    page.wait_for_timeout(500)
    page.on("request", lambda request: None if request.url.endswith("mark.svg") else asked.append(request.url))
    assert "class's vote" not in vote_in_lab(page, config)
    assert not asked


def test_show_me_without_voting_is_no_vote_of_a_notebook(lesson):
    page, asked = lesson.visit(LESSON, "laptop"), []
    page.on("request", lambda request: asked.append(request.url) if "services" in request.url else None)
    page.evaluate("""() => document.body.insertAdjacentHTML("beforeend",
      `<script type="application/json" id="jupyter-config-data">{"hubPrefix": "/hub/", "token": "t"}</script>`)""")
    page.locator("#display-vote").get_by_role("button", name="Show me without voting").click()
    page.wait_for_timeout(300)
    assert not asked
