"""Print how soon the first display of each page of the website is there and answers, on a processor four times slower.

    python -m benchmarks.site

"There" is the time from the start of the page until its first display has said its sentence; "answers" is the time from the
first key press to the painted picture, as in `benchmarks.displays`. Then it prints the time between two painted frames while
the playground trains, on this processor and on the slower one.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.displays import STOPWATCH, moves
from tools import build
from tools.chromium import find_chromium

SLOWER = 4
THERE = "document.querySelector('.ae-display .ae-sentence')?.textContent ? performance.now() : 0"
OPEN = "for (const gate of document.querySelectorAll('.gate')) gate.classList.add('open')"
UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"


def measure(page, path):
    """Return in milliseconds when the first display was there, and how long it took to answer."""
    page.goto(path.as_uri(), wait_until="commit")
    there = page.wait_for_function(THERE).json_value()
    page.evaluate(OPEN)
    page.evaluate(UNFOLD)
    moved = page.locator("[data-display]:has(input[type=range], .ae-pad, .ae-plane)")
    display = moved.or_(page.locator(".ae-vote, .ae-choice")).first
    focus, keys = moves(display)
    focus.focus()
    page.evaluate(STOPWATCH)
    page.keyboard.press(keys[1])
    page.wait_for_function("window.taken.length")
    return there, page.evaluate("window.taken[0]")


FRAMES = """seconds => new Promise(resolve => {
  const times = [], begin = performance.now(), clock = document.querySelector(".ae-play-clock strong");
  const each = now => {
    times.push(now);
    if (now - begin < 1000 * seconds) requestAnimationFrame(each);
    else resolve([times.slice(1).map((time, i) => time - times[i]), Number(clock.textContent)]);
  };
  requestAnimationFrame(each);
})"""


def frames(page, path, seconds=8):
    """Return the milliseconds between two frames while the playground trains, and the steps that it got to."""
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('.ae-sentence')?.textContent.startsWith('Nothing has')")
    page.get_by_role("button", name="play").click()
    taken, steps = page.evaluate(FRAMES, seconds)
    page.get_by_role("button", name="pause").click()
    return taken, steps


def main():
    """Print the tables."""
    from playwright.sync_api import sync_playwright

    if find_chromium() is None:
        sys.exit("There is no chromium on this machine.")
    print(f"{'page':42}{'there':>10}{'answers':>12}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        site = build.build(Path(folder) / "site")
        browser = driver.chromium.launch(executable_path=find_chromium())
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        protocol = page.context.new_cdp_session(page)
        protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        for path in sorted(site.glob("*.html")):
            if 'data-display="' in path.read_text(encoding="utf-8"):
                there, answers = measure(page, path)
                print(f"{path.stem:42}{there:7.0f} ms{answers:9.0f} ms", flush=True)
        print(f"\n{'playground, training':42}{'median':>10}{'95 %':>10}{'steps in 8 s':>16}")
        for rate in (1, SLOWER):
            protocol.send("Emulation.setCPUThrottlingRate", {"rate": rate})
            taken, steps = frames(page, site / "playground.html")
            late = statistics.quantiles(taken, n=20)[-1]
            print(f"{f'processor {rate} times slower':42}{statistics.median(taken):7.1f} ms{late:7.1f} ms{steps:16,}")
        browser.close()


if __name__ == "__main__":
    main()
