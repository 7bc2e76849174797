"""Make the README's pictures: the playground while the 2-D code dies, and the start page of the website.

python -m tools.readme [folder of the website]
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tools import build
from tools.chromium import find_chromium

FOLDER = build.ROOT / "notebooks" / "pictures"
STATE = "#display?preset=03"
FRAMES, EVERY = 24, 250  # pictures, and milliseconds between two
SIZE = (1000, 562)


def film(page, site):
    """Return what Chromium shows of the playground from the first step on."""
    page.goto(f"{(site / 'playground.html').as_uri()}{STATE}")
    page.wait_for_function("document.querySelector('.ae-sentence').textContent.startsWith('Nothing')")
    page.get_by_role("button", name="play").click()
    taken = []
    for _ in range(FRAMES):
        taken.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))
        page.wait_for_timeout(EVERY)
    return taken


def main(arguments):
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        site = Path(arguments[0]) if arguments else build.build(Path(folder) / "site")
        browser = driver.chromium.launch(executable_path=find_chromium())
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        first, *others = film(page, site)
        page.goto((site / "index.html").as_uri())
        page.screenshot(path=FOLDER / "website.png")
        browser.close()
    shown = {"duration": [EVERY] * len(others) + [2500], "loop": 0, "quality": 60, "method": 6}
    first.save(FOLDER / "playground.webp", save_all=True, append_images=others, **shown)


if __name__ == "__main__":
    main(sys.argv[1:])
