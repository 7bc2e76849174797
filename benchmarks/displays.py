"""Print how quickly each display answers, and how much it hands to the page.

    python -m benchmarks.displays

The displays are those of the notebooks, from notebooks/displays, each on a page of its own in Chromium. A time is that from a
key press to the painted picture: the median and the 95th percentile of 60 moves. At 60 pictures a second, waiting for the next
one is 8 ms of it.
"""

import re
import statistics
import sys
import tempfile
from pathlib import Path

from aehelpers.displays.page import page as as_page

from tools.chromium import find_chromium

ROOT = Path(__file__).resolve().parent.parent
MOVES = 60
LIMITS = 16, 33  # milliseconds: of the median, of the 95th percentile

# From the moment of the key press until the picture that follows it has been painted.
STOPWATCH = """() => {
  window.taken = [];
  const channel = new MessageChannel();
  let start = null;
  channel.port1.onmessage = () => { window.taken.push(performance.now() - start); start = null; };
  for (const kind of ["keydown", "input"]) document.addEventListener(kind, event => {
    if (start !== null) return;
    start = event.timeStamp;
    requestAnimationFrame(() => channel.port2.postMessage(null));  // its turn comes after the painting
  }, { capture: true });
}"""


def moves(display):
    """Return what has the focus and the keys to press, for the control that a reader moves most."""
    if display.locator(".ae-pad").count():
        return display.locator(".ae-pad"), [" ", *["ArrowDown", "ArrowRight", "ArrowUp", "ArrowRight"] * (MOVES // 4)]
    if display.locator(".ae-plane").count():
        return display.locator(".ae-plane"), ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"] * (MOVES // 4)
    if display.locator("input[type=range]").count():
        return display.locator("input[type=range]").first, ["ArrowLeft", "ArrowRight"] * (MOVES // 2)
    return display.locator("input[type=radio]").first, ["ArrowRight"] * MOVES


def measure(page, path):
    """Return the milliseconds of the moves of one display."""
    page.goto(path.as_uri())
    display = page.locator(".ae-display")
    focus, keys = moves(display)
    focus.focus()
    page.keyboard.press("ArrowLeft")  # so that no time is that of a first move
    page.evaluate(STOPWATCH)
    for key in keys:
        before = page.evaluate("window.taken.length")
        page.keyboard.press(key)
        page.wait_for_function("before => window.taken.length > before", arg=before)
    return page.evaluate("window.taken")


def main():
    """Print the table."""
    from playwright.sync_api import sync_playwright

    if find_chromium() is None:
        sys.exit("There is no chromium on this machine.")
    print(f"{'display':22}{'sent':>9}{'median':>10}{'95 %':>10}   limits {LIMITS[0]} and {LIMITS[1]} ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium())
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        for stored in sorted((ROOT / "notebooks" / "displays").glob("*.json")):
            if re.search("-(vote|verdict|exercise|self_test)", stored.stem):  # they do not move
                continue
            path = Path(folder, f"{stored.stem}.html")
            path.write_text(as_page(stored.read_text(encoding="utf-8")), encoding="utf-8")
            taken = measure(page, path)
            late = statistics.quantiles(taken, n=20)[-1]
            print(
                f"{stored.stem:22}{stored.stat().st_size / 1e3:6.0f} kB{statistics.median(taken):7.1f} ms{late:7.1f} ms",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
