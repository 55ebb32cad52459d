"""A headless Chromium for the tests of pages: opens a page as a user would, and lists what is wrong with it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from page_facts import HOW, NoBrowser, chromium

__all__ = ["HOW", "REQUIRED", "UNTESTED", "Visit", "launched"]
UNTESTED = "pages were not opened in a browser"  # begins every such skip, so that the summary finds them
REQUIRED = "REGRESS_BROWSER"  # set to "required", tests fail where there is no browser
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def launched() -> Iterator[Any]:
    """Start an installed Chromium; without one, skip the tests, or fail them where it is required."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium())
        except NoBrowser as error:
            required = os.environ.get(REQUIRED) == "required"
            (pytest.fail if required else pytest.skip)(f"{UNTESTED}: {error}")
        yield browser


class Visit:
    """A page in a browser of its own: no cache, no network.

    Attributes
    ----------
    page : playwright.sync_api.Page
        The page, for what is not asked here.
    said : list of str
        Errors and warnings on the console, uncaught errors, and dialogs.
    requests : list of str
        What was asked for beside the page itself.
    """

    def __init__(
        self, browser: Any, path: Path, width: int = 1440, color_scheme: str = "light", javascript: bool = True
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=color_scheme,
            java_script_enabled=javascript,
            offline=True,
        )
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        url = path.resolve().as_uri()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        self.page.on("dialog", self._dialog)
        self.context.on("request", lambda request: self._request(request.url, url))
        self.page.goto(url)
        if javascript:  # timers never come without
            self.page.evaluate("() => new Promise(done => setTimeout(done))")  # what the page does right after loading

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"console {message.type}: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, url: str, own: str) -> None:
        if url.partition("#")[0] != own and not url.startswith("data:"):
            self.requests.append(url)

    def close(self) -> None:
        self.context.close()

    def resized(self, width: int, color_scheme: str) -> "Visit":
        """Change the window and the colors."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=color_scheme)
        return self

    def unfolded(self) -> "Visit":
        """Open everything that is folded."""
        self.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        return self

    def folded(self) -> "Visit":
        """Fold everything that can be folded."""
        self.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = false)")
        return self

    def faults(self, rules: Sequence[str] = ()) -> list[str]:
        """Return everything that is wrong with the page as it stands, a line each; of axe's rules, all unless given."""
        requests = [f"request: {url}" for url in self.requests]
        return [*self.said, *requests, *self.overflows(), *self.text_in_pictures(), *self.inaccessible(rules)]

    def _texts(self, script: str) -> list[str]:
        """Return the list of texts that a script makes, which goes on where `_COMMON` ends."""
        texts: list[str] = self.page.evaluate(_COMMON + script)
        return texts

    def overflows(self) -> list[str]:
        """Return what is wider than the window, cut off, or to be scrolled without a way to do so by keyboard."""
        return self._texts(_OVERFLOWS)

    def text_in_pictures(self) -> list[str]:
        """Return text in SVGs that is too small or too pale, sticks out of its SVG, or lies on other text."""
        return self._texts(_TEXT)

    def inaccessible(self, rules: Sequence[str] = ()) -> list[str]:
        """Return the violations of rules that axe-core finds; of all that matter here unless given."""
        from axe_playwright_python.sync_playwright import Axe

        only = {"type": "rule", "values": [*rules]} if rules else {"type": "tag", "values": _TAGS}
        options = {"runOnly": only, "resultTypes": ["violations"]}
        violations = Axe().run(self.page, options=options).response["violations"]
        return [
            f"axe {v['id']}: {v['help']}: {'; '.join(str(node['target']) for node in v['nodes'][:3])}"
            for v in violations
        ]

    def on_paper(self) -> list[str]:
        """Return the faults of the page as printed on A4: controls, and what no finger can scroll to or unfold."""
        self.page.set_viewport_size({"width": 718, "height": 1047})  # A4 at 96 dpi, less margins of 1 cm
        self.page.emulate_media(media="print", color_scheme="light")
        return [*self.said, *self._texts(_ON_PAPER)]

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return bytes(self.page.pdf(format="A4"))

    def controls(self) -> list[str]:
        """Return the controls that show."""
        return self._texts("return controls(); }")

    def outline(self) -> dict[str, Any]:
        """Return how many h1, main and pictures show, the ids of the sections, and what they lack."""
        outline: dict[str, Any] = self.page.evaluate(_COMMON + _OUTLINE)
        return outline

    def count(self, selector: str) -> int:
        """Return how many elements match."""
        return int(self.page.locator(selector).count())

    def places(self, selector: str) -> list[list[float]]:
        """Return where on the screen the middle of each element is that matches."""
        found: list[list[float]] = self.page.evaluate(
            """selector => [...document.querySelectorAll(selector)].map(e => e.getBoundingClientRect())
                .map(box => [box.left + box.width / 2, box.top + box.height / 2])""",
            selector,
        )
        return found

    def overrides(self) -> list[str]:
        """Return texts whose marks of direction change that of words around them."""
        return self._texts(_OVERRIDES)

    def figures(self, selector: str) -> dict[str, list[float | None]]:
        """Return the full-precision numbers of the first table within, by row header; None where a cell has none."""
        found: dict[str, list[float | None]] = self.page.evaluate(
            """selector => Object.fromEntries([...document.querySelector(selector + ' table').rows]
                .filter(row => row.querySelector('th[scope=row]'))
                .map(row => [row.querySelector('th[scope=row]').textContent.trim(),
                    [...row.querySelectorAll('td')].map(cell => {
                        const data = cell.querySelector('data');
                        return data ? Number(data.value) : null;
                    })]))""",
            selector,
        )
        return found

    def data(self, selector: str) -> list[tuple[str, float]]:
        """Return all numbers within the elements that match: what is shown, and the full precision."""
        found: list[tuple[str, float]] = self.page.evaluate(
            """selector => [...document.querySelectorAll(selector + ' data')]
                .map(data => [data.textContent, Number(data.value)])""",
            selector,
        )
        return found


_COMMON = """() => {
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const shown = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true});
const brief = e => {
    const title = e.getAttribute('aria-label') || e.querySelector(':scope > title')?.textContent;
    const text = (title || e.textContent).trim().replace(/\\s+/g, ' ');
    const name = e.tagName.toLowerCase() + (e.id && '#' + e.id) + [...e.classList].map(c => '.' + c).join('');
    return `<${name}> “${text.length > 40 ? text.slice(0, 40) + '…' : text}”`;
};
const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
const cuts = e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX);
const boxes = all('body *').filter(e => !(e instanceof SVGElement) && shown(e) && e.clientWidth > 1);
const wider = boxes.filter(e => e.scrollWidth > e.clientWidth + 1);
const taller = boxes.filter(e => e.scrollHeight > e.clientHeight + 1);
const controls = () => all('button, input, select, textarea, output, [contenteditable], [role=button], [role=slider]')
    .filter(shown).map(e => 'control: ' + brief(e));
"""

_OVERFLOWS = """
const faults = [], room = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > innerWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${innerWidth}`);
    const over = all('body *').filter(e => {
        const box = e.getBoundingClientRect();
        if (!shown(e) || Math.max(box.right, box.left + e.scrollWidth) <= room + 1) return false;
        for (let up = e.parentElement; up; up = up.parentElement) if (scrolls(up) || cuts(up)) return false;
        return true;
    });
    const deepest = over.filter(e => !over.some(other => other !== e && e.contains(other)));
    faults.push(...deepest.slice(0, 3).map(e => 'too wide: ' + brief(e)));
}
for (const e of wider) {
    if (cuts(e)) faults.push('cut off: ' + brief(e));
    for (const caption of scrolls(e) ? all('caption', e) : []) {
        const text = document.createRange();
        text.selectNodeContents(caption);
        if (text.getBoundingClientRect().width > e.clientWidth + 1) faults.push('scrolls away: ' + brief(caption));
    }
}
for (const e of new Set([...wider.filter(scrolls), ...taller.filter(scrolls)]))
    if (e.tabIndex < 0) faults.push('scrolls, but takes no focus: ' + brief(e));
return faults; }"""

_OUTLINE = """
const faults = [], sections = all('main section[id]').filter(shown);
for (const section of sections) if (all('h2', section).filter(shown).length !== 1) faults.push('no h2: ' + section.id);
const pictures = all('svg').filter(e => !e.ownerSVGElement && !e.closest('[aria-hidden=true]') && shown(e));
for (const svg of pictures) {
    const named = svg.getAttribute('aria-label') || svg.querySelector(':scope > title, :scope > desc');
    if (svg.getAttribute('role') !== 'img' || !named) faults.push('no name: ' + brief(svg));
    if (svg.closest('td')) continue;  // the head of its column tells what it is
    const caption = svg.closest('figure')?.querySelector('figcaption');
    if (!caption || !shown(caption) || !caption.textContent.trim()) faults.push('no caption: ' + brief(svg));
}
return {faults, sections: sections.map(e => e.id), h1: all('h1').filter(shown).length,
    main: all('main').filter(shown).length, pictures: pictures.length}; }"""

# A block, and whatever is isolated, ends the marks within it; elsewhere they are loose among the words that follow.
_OVERRIDES = """
const loose = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!/[\u202a-\u202e\u2066-\u2069]/.test(node.data) || !shown(node.parentElement)) continue;
    let e = node.parentElement;
    while (getComputedStyle(e).display === 'inline' && !getComputedStyle(e).unicodeBidi.includes('isolate'))
        e = e.parentElement;
    if (e.textContent.trim() !== node.data.trim()) loose.push(brief(e));
}
return loose; }"""

_ON_PAPER = """
const cut = [...wider.filter(e => scrolls(e) || cuts(e)),
    ...taller.filter(e => getComputedStyle(e).overflowY !== 'visible')].map(e => 'cut off on paper: ' + brief(e));
const hidden = e => shown(e) && !all(':scope > :not(summary)', e).every(shown);
const folded = all('details').filter(hidden).map(e => 'folded on paper: ' + brief(e));
return [...controls(), ...cut, ...folded]; }"""

# Texts are compared as the rectangles they are, turned or not, less the fifth above and below that letters leave free.
# axe-core does not look at the color of text in an SVG; its ground is taken to be that of the elements around the SVG.
_TEXT = """
const faults = [];
const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
const mixed = (colors, last = 1) => {
    colors.forEach((color, i) => {
        canvas.globalAlpha = i === colors.length - 1 ? last : 1;
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
    });
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
const corners = text => {
    const box = text.getBBox(), toScreen = text.getScreenCTM(), free = box.height / 5;
    const [left, right, top, bottom] = [box.x, box.x + box.width, box.y + free, box.y + box.height - free];
    return [[left, top], [right, top], [right, bottom], [left, bottom]]
        .map(([x, y]) => new DOMPoint(x, y).matrixTransform(toScreen));
};
const apart = (p, q) => [p, q].some(box => [0, 1].some(i => {
    const [x, y] = [box[i + 1].y - box[i].y, box[i].x - box[i + 1].x], length = Math.hypot(x, y);
    const along = points => points.map(point => (point.x * x + point.y * y) / length);
    const [a, b] = [along(p), along(q)];
    return Math.max(...a) < Math.min(...b) + 1 || Math.max(...b) < Math.min(...a) + 1;
}));
const sheet = document.body.appendChild(Object.assign(document.createElement('p'), {style: 'background: Canvas'}));
const paper = getComputedStyle(sheet).backgroundColor;
sheet.remove();
for (const svg of all('svg').filter(e => !e.ownerSVGElement && shown(e))) {
    const frame = svg.getBoundingClientRect(), grounds = [];
    for (let e = svg; e; e = e.parentElement) grounds.unshift(getComputedStyle(e).backgroundColor);
    grounds.unshift(paper);
    const ground = light(mixed(grounds));
    const texts = all('text', svg).filter(e => shown(e) && e.textContent.trim());
    for (const text of texts) {
        const style = getComputedStyle(text), m = text.getScreenCTM(), box = text.getBoundingClientRect();
        const size = parseFloat(style.fontSize) * Math.hypot(m.a, m.b);
        if (size < 9) faults.push(`text of ${size.toFixed(1)} px: ${brief(text)} in ${brief(svg)}`);
        let opacity = Number(style.fillOpacity);
        for (let e = text; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
        const ratio = contrast(light(mixed([...grounds, style.fill], opacity)), ground);
        if (ratio < 4.5) faults.push(`text of contrast ${ratio.toFixed(1)}: ${brief(text)} in ${brief(svg)}`);
        const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top,
            box.bottom - frame.bottom);
        if (out > 1) faults.push(`text sticks out by ${out.toFixed(0)} px: ${brief(text)} of ${brief(svg)}`);
    }
    const boxes = texts.map(corners);
    texts.forEach((a, i) => texts.slice(0, i).forEach((b, j) => {
        if (!apart(boxes[i], boxes[j])) faults.push(`text on text: ${brief(b)} and ${brief(a)} in ${brief(svg)}`);
    }));
}
return faults; }"""
