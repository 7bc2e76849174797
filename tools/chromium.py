"""The browser that takes the pictures of the displays, measures them and tests them."""

import shutil


def find_chromium():
    """Return the path of a Chromium, or None."""
    return next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
