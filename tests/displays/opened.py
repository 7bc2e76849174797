"""A display on a page of its own, opened from the disk, and what can be seen of it."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "screenshots"))
WIDTHS = {"wide": 1000, "phone": 390}

# The pixels of all canvases and the shapes of all drawings: what a reader sees.
SEEN = """display => [
  ...Array.from(display.querySelectorAll("canvas"), canvas => canvas.toDataURL() + canvas.style.visibility),
  ...Array.from(display.querySelectorAll("svg, .ae-lamps, .ae-verdict, form"), drawing => drawing.outerHTML),
].join("")"""

# The backgrounds of an element and of all around it, painted over each other, are what its text stands on.
CONTRAST = """element => {
  const ink = new OffscreenCanvas(1, 1).getContext("2d");
  const luminance = colour => {
    ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1);
    const [red, green, blue] = Array.from(ink.getImageData(0, 0, 1, 1).data, level => {
      const share = level / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const around = [];
  for (let one = element; one; one = one.parentElement) around.unshift(one);
  let paper = luminance(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "white");
  for (const one of around) paper = luminance(getComputedStyle(one).backgroundColor);
  const style = getComputedStyle(element), text = luminance(element instanceof SVGElement ? style.fill : style.color);
  return (Math.max(paper, text) + 0.05) / (Math.min(paper, text) + 0.05);
}"""
TEXTS = (
    ".ae-sentence, .ae-control > span, legend, label span, output, button, input[type=number], .ae-row-title, .ae-chart text, "
    ".ae-legend li, .ae-question, .ae-verdict li > *, .ae-mark"
)


def seen(display):
    return display.evaluate(SEEN)


def said(display):
    return display.locator(".ae-sentence").inner_text()


class Page:
    """A page of a display, opened from the disk; ``problems`` and ``requests`` as in `OpenNotebook`."""

    def __init__(self, chromium, path, width="wide", scheme="light"):
        self.context = chromium.new_context(viewport={"width": WIDTHS[width], "height": 900}, color_scheme=scheme)
        self.page, self.problems, self.requests = self.context.new_page(), [], []
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(error.stack or error.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        self.page.goto(self.address)
        self.display = self.page.locator(".ae-display")
        self.display.wait_for()

    def is_quiet(self):
        assert self.problems == []
        assert [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))] == []
