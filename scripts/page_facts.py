"""What a browser measures of pages: size, first paint, requests, and messages on the console.

python scripts/page_facts.py PAGE...    # files of HTML; needs Chromium or Chrome
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

HOW = "Install Chromium (on Debian: apt install chromium) or Google Chrome."
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_NAMES = ("chromium", "chromium-browser", "google-chrome", _MAC)
_TIMES = 3  # a page is loaded, each time without a cache
_FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
    for (const entry of list.getEntriesByName('first-contentful-paint')) done(entry.startTime);
}).observe({type: 'paint', buffered: true}))"""


class NoBrowser(Exception):
    """No Chromium or Chrome that starts; the message is the reason."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Start an installed Chromium or Chrome without a window.

    Raises
    ------
    NoBrowser
        If none is installed, or it does not start.
    """
    from playwright.sync_api import Error, sync_playwright

    why = "no Chromium or Chrome is installed"
    with sync_playwright() as playwright:
        for path in filter(None, map(shutil.which, _NAMES)):
            try:
                browser = playwright.chromium.launch(executable_path=path)
                break
            except Error as error:  # such as Ubuntu's chromium-browser, which only says how to install it
                why = f"{path} does not start: {error.message.strip().splitlines()[0]}"
        else:
            raise NoBrowser(why)
        yield browser
        browser.close()


class Facts(NamedTuple):
    """What was measured of a page."""

    size: int  # bytes
    first_paint: float  # seconds, the median of some loads
    requests: list[str]  # what it asked for besides itself
    messages: list[str]  # on the console, uncaught errors included


def facts(browser: Any, path: Path) -> Facts:
    """Load a page some times, each in a profile of its own."""
    url, requests, messages, seconds = path.resolve().as_uri(), list[str](), list[str](), []
    for _ in range(_TIMES):
        context = browser.new_context()
        page = context.new_page()
        requests.clear()
        messages.clear()
        page.on("request", lambda request: requests.append(request.url) if request.url != url else None)
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(url)
        seconds.append(page.evaluate(_FIRST_PAINT) / 1000.0)
        context.close()
    return Facts(path.stat().st_size, median(seconds), requests, messages)


def main(pages: Sequence[str]) -> None:
    """Print what was measured of each page, and what it asked for or said."""
    if not pages:
        sys.exit("Usage: python scripts/page_facts.py PAGE...")
    for page in pages:
        if not Path(page).is_file():
            sys.exit(f"{page} is not a file.")
    wide = max(map(len, ("page", *pages)))
    try:
        with chromium() as browser:
            print(f"{'page':{wide}}      size  first paint  requests  messages")
            for page in pages:
                found = facts(browser, Path(page))
                size, paint = f"{found.size / 1000:,.0f} kB", f"{found.first_paint:.2f} s"
                print(f"{page:{wide}}{size:>10}{paint:>13}{len(found.requests):>10}{len(found.messages):>10}")
                for text in [*found.requests, *found.messages]:
                    print(f"  {text}")
    except NoBrowser as error:
        sys.exit(f"Pages were not opened: {error}. {HOW}")


if __name__ == "__main__":
    main(sys.argv[1:])
