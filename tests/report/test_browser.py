"""The page in a real browser: nothing from the data acts, nothing is fetched, everything works."""

import base64
import json
import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift.report.render.html import render_html
from riskshift.report.writing import tell

ROOT = Path(__file__).parents[2]

# Written down before the page's own script runs: whatever it or the data sets off.
WATCH = """
window.seen = {dialogs: [], violations: []};
for (const name of ["alert", "confirm", "prompt", "print", "open"])
  window[name] = (...given) => { window.seen.dialogs.push([name, ...given]); };
document.addEventListener("securitypolicyviolation",
  event => window.seen.violations.push([event.violatedDirective, event.blockedURI]));
"""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
)
# What a page of tables, charts and texts is made of, beside the charts' own shapes.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "div"),
    *("section", "h1", "h2", "h3", "p", "ul", "ol", "li", "a", "dl", "dt", "dd", "code", "pre"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "b", "span", "bdi", "button"),
    *("figure", "figcaption", "details", "summary", "small"),
    *("svg", "g", "path", "rect", "line", "text"),
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """One browser for all tests here, with an empty profile."""
    driver_path, browser_path = shutil.which("chromedriver"), shutil.which("chromium")
    if driver_path is None or browser_path is None:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("chromium or chromedriver is absent, and RISKSHIFT_NO_SKIPS=1")
        pytest.skip("chromium or chromedriver is absent")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = browser_path
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")
    with Chrome(options=options, service=ChromeService(driver_path)) as driver:
        driver.set_page_load_timeout(60)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        yield driver


@pytest.fixture(scope="module")
def server():
    """A server on this machine that gives out pages and writes down every request."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.server.requests.append(self.path)
            page = self.server.pages.get(self.path)
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_):
            pass

    for method in ("GET", "HEAD", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.pages = [], {}
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def compared():
    """Six models on the same prompts; one metric rests on 16 records."""
    rows = [
        {
            "prompt_id": f"p{at}",
            "model": f"model-{model}-with-a-long-name-{2020 + model}",
            "prompt_a": int(at % 4 == 0),
            "prompt_b": int(at % 10 == 1) if at < 160 else 0,
            "response_a": int((at * (model + 3)) % 11 < model),
            "response_b": int((at * (model + 2)) % 7 < 1),
            "refusal": "refused" if (at * (model + 5)) % 9 < 2 else "complied",
        }
        for at in range(400)
        for model in range(6)
    ]
    two = riskshift.Taxonomy(["a", "b"], ["Safe", "Harmful"])
    return tell(riskshift.compare(pl.DataFrame(rows), taxonomy=two))


@pytest.fixture(scope="module")
def axe():
    """The checks of axe-core, as `make axe` installs them; nothing is fetched here."""
    script = ROOT / ".venv" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail(f"{script} is absent (make axe), and RISKSHIFT_NO_SKIPS=1")
        pytest.skip("axe-core is absent: make axe")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def places(document, hostile_document, compared, tmp_path_factory, server):
    """Where the pages lie: by name, their address as a file and on the server."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    written = {
        "plain": render_html(document),
        "compared": render_html(compared),
        "hostile": render_html(hostile_document),
        "untexted": render_html(document, text=False),
    }
    for name, text in written.items():
        page = text.encode()
        (folder / f"{name}.html").write_bytes(page)
        server.pages[f"/{name}.html"] = page
        found["file", name] = (folder / f"{name}.html").as_uri()
        found["http", name] = f"http://127.0.0.1:{server.server_port}/{name}.html"
    return found


@dataclass
class Visit:
    """What came of opening a page."""

    driver: object
    address: str

    def __enter__(self):
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(self.address)
        return self

    def __exit__(self, *_):
        self.driver.get("about:blank")

    def run(self, script, *given):
        return self.driver.execute_script(script, *given)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def complaints(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]

    def requests(self):
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture(params=["file", "http"])
def hostile(request, driver, places):
    """The hostile page, opened both ways."""
    with Visit(driver, places[request.param, "hostile"]) as visit:
        yield visit


@pytest.fixture
def plain(driver, places):
    """The ordinary page."""
    with Visit(driver, places["file", "plain"]) as visit:
        yield visit


def use(visit):
    """Open every case, choose every cell, and touch whatever could hold a handler."""
    visit.run(
        """
        for (const button of document.querySelectorAll("button")) button.click();
        document.querySelector(".all").click();
        for (const details of document.querySelectorAll("details")) details.open = true;
        for (const element of document.querySelectorAll("body *"))
          for (const name of ["mouseover", "focus", "click", "load", "error", "toggle"])
            if (!element.closest("a, button, summary")) element.dispatchEvent(new Event(name));
        """
    )


def test_hostile_names_and_texts_set_nothing_off(hostile):
    from selenium.common.exceptions import NoAlertPresentException

    use(hostile)
    assert hostile.run("return window.seen") == {"dialogs": [], "violations": []}
    with pytest.raises(NoAlertPresentException):
        _ = hostile.driver.switch_to.alert.text
    assert hostile.complaints() == []
    assert hostile.requests() == [hostile.address]
    assert hostile.driver.current_url == hostile.address


def test_the_server_is_asked_for_the_page_and_nothing_else(driver, places, server):
    server.requests.clear()
    with Visit(driver, places["http", "hostile"]) as visit:
        use(visit)
        visit.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert server.requests == ["/hostile.html"]


def test_the_watch_would_notice(driver, server):
    # The tests above prove something only if a page that does act is caught.
    server.pages["/careless.html"] = (
        b"<!doctype html><meta http-equiv=Content-Security-Policy content=\"style-src 'none'\">"
        b"<p style=color:red>x</p><img src=/picture.png><script>alert(1)</script>"
    )
    server.requests.clear()
    with Visit(driver, f"http://127.0.0.1:{server.server_port}/careless.html") as visit:
        visit.driver.execute_async_script("setTimeout(arguments[0], 500)")
        seen = visit.run("return window.seen")
        assert seen["dialogs"] == [["alert", 1]]
        assert [directive for directive, _ in seen["violations"]] == ["style-src-attr"]
        assert visit.complaints()
        assert any(url.endswith("/picture.png") for url in visit.requests())
    # A browser asks for an icon by itself, unless the page's policy forbids images.
    assert {"/picture.png", "/favicon.ico"} <= set(server.requests)


def test_hostile_text_makes_no_element_and_no_attribute(hostile):
    count = """
        const seen = {};
        for (const element of document.querySelectorAll("*")) {
          seen[element.localName] = (seen[element.localName] || 0) + 1;
        }
        return [seen, [...new Set([...document.querySelectorAll("*")].flatMap(
          element => element.getAttributeNames()))]];
    """
    elements, attributes = hostile.run(count)
    assert set(elements) <= ELEMENTS
    assert (elements["script"], elements["style"], elements["title"]) == (1, 1, 1)
    assert elements["meta"] == 6
    assert elements["svg"] == 4
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    hrefs = hostile.run("return [...document.links].map(a => a.getAttribute('href'))")
    assert len(hrefs) == 5
    assert all(href.startswith("#") for href in hrefs)


def test_hostile_text_is_shown_as_it_is_written(hostile, hostile_names):
    shown = hostile.run("return document.body.textContent")
    assert all(name in shown for name in hostile_names if name.isascii() and name.isprintable())
    assert "⟨U+001B⟩[31mred" in shown
    assert "right ⟨U+202E⟩to left" in shown
    assert "null ⟨U+0000⟩ byte" in shown
    assert "\u202e" not in shown


def test_every_link_of_the_contents_leads_somewhere(hostile):
    missing = hostile.run(
        "return [...document.links].filter(a => !document.getElementById(a.hash.slice(1))).length"
    )
    assert missing == 0


def shown_cases(visit):
    return [case.text.split("\n")[0] for case in visit.all(".case") if case.is_displayed()]


def test_choosing_a_cell_leaves_its_cases(plain):
    (cell,) = plain.all('[data-cell="0-1"] button')
    assert len(shown_cases(plain)) == 5
    cell.click()
    assert [case.get_attribute("data-cell") for case in plain.all(".case:not([hidden])")] == [
        "0-1",
        "0-1",
    ]
    assert len(shown_cases(plain)) == 2
    (status,) = plain.all("[role=status]")
    assert status.text == "2 of 5 cases: prompt Safe, response Low"
    assert cell.get_attribute("aria-pressed") == "true"
    assert plain.run("const r = arguments[0].getBoundingClientRect(); return r.top", status) < 900
    (everything,) = plain.all(".all")
    everything.click()
    assert len(shown_cases(plain)) == 5
    assert status.text == "5 cases"
    assert not everything.is_displayed()
    assert cell.get_attribute("aria-pressed") == "false"


def test_cells_with_cases_work_by_keyboard(plain):
    from selenium.webdriver.common.keys import Keys

    cells = plain.all(".matrix button")
    assert len(cells) == 4
    cells[-1].send_keys(Keys.ENTER)
    assert plain.all("[role=status]")[0].text == "1 of 5 cases: prompt Medium, response High"


def test_only_the_matrix_of_all_categories_filters(plain):
    assert len(plain.all(".matrix")) == 2
    assert len(plain.all(".matrix:has(button)")) == 1


def test_cells_leave_their_cases_on_a_page_without_texts(driver, places):
    with Visit(driver, places["file", "untexted"]) as visit:
        assert len(shown_cases(visit)) == 5
        visit.all('[data-cell="0-1"] button')[0].click()
        assert len(shown_cases(visit)) == 2


def test_filtering_closes_a_case_that_goes_away(plain):
    last = plain.all("details")[-1]
    last.find_element("css selector", "summary").click()
    plain.all('[data-cell="0-1"] button')[0].click()
    plain.all(".all")[0].click()
    assert last.get_attribute("open") is None


def test_texts_are_hidden_until_opened_and_one_at_a_time(plain):
    first, second = plain.all("details")[:2]
    texts = plain.all("details pre")
    assert not any(text.is_displayed() for text in texts)
    first.find_element("css selector", "summary").click()
    assert [text.text for text in texts if text.is_displayed()] == [
        "prompt text 0 of it",
        "response text 0 of it",
    ]
    second.find_element("css selector", "summary").click()
    assert [text.text for text in texts if text.is_displayed()] == [
        "prompt text 1 of it",
        "response text 1 of it",
    ]
    assert first.get_attribute("open") is None


def test_the_page_is_readable_without_javascript(driver, places):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        with Visit(driver, places["file", "plain"]) as visit:
            assert visit.all("button:not([hidden])") == []
            assert "underlined count" not in visit.all("main")[0].text
            assert "364" in visit.all(".matrix")[0].text
            assert len(shown_cases(visit)) == 5
            visit.all("summary")[0].click()
            assert visit.all("details pre")[0].is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_paper_has_the_shades_and_not_the_texts(plain):
    plain.all("summary")[0].click()
    assert plain.all("details pre")[0].is_displayed()
    shade = "return getComputedStyle(document.querySelector('.heat-9')).printColorAdjust"
    assert plain.run(shade) == "economy"
    plain.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert plain.run(shade) == "exact"
        assert not any(text.is_displayed() for text in plain.all("details pre"))
        assert not plain.all("nav")[0].is_displayed()
        assert plain.all("summary")[0].is_displayed()
        overflow = "return getComputedStyle(document.querySelector('.wide')).overflowX"
        assert plain.run(overflow) == "visible"
        printed = plain.driver.execute_cdp_cmd("Page.printToPDF", {})
        assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    finally:
        plain.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_a_narrow_screen_scrolls_tables_and_not_the_page(driver, places, name):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        with Visit(driver, places["file", name]) as visit:
            assert visit.run("return innerWidth") == 400
            assert visit.run("return document.documentElement.scrollWidth") <= 400
            wide = "return [...document.querySelectorAll('.wide')].some(e => e.scrollWidth > 400)"
            assert visit.run(wide)
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def seen(driver, *, width=1280, scheme="light"):
    """Look at pages at a width and with a preference of colours."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


UNFOLD = "for (const fold of document.querySelectorAll('details.fold')) fold.open = true;"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain", "compared"])
def test_axe_finds_nothing_serious(driver, places, axe, name, scheme):
    driver.set_script_timeout(120)
    with seen(driver, scheme=scheme), Visit(driver, places["file", name]) as visit:
        visit.run(UNFOLD)
        visit.run(axe)
        found = visit.driver.execute_async_script(
            """
            const done = arguments[0];
            axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => done(
              violations.map(({id, impact, nodes}) => [id, impact, nodes[0].html])));
            """
        )
        assert [one for one in found if one[1] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1400, 800, 400])
@pytest.mark.parametrize("name", ["plain", "compared"])
def test_no_letter_is_smaller_than_12_pixels(driver, places, name, width):
    with seen(driver, width=width), Visit(driver, places["file", name]) as visit:
        visit.run(UNFOLD)
        small = visit.run(
            """
            const small = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
              const node = walk.currentNode, holder = node.parentElement;
              if (!node.data.trim() || !holder.getClientRects().length) continue;
              let size = parseFloat(getComputedStyle(holder).fontSize);
              const chart = holder.closest("svg");
              if (chart) size *= chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
              if (size < 11.99) small.push([node.data, size]);
            }
            return small;
            """
        )
        assert small == []


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_what_is_wider_than_its_place_says_that_it_scrolls(driver, places, width):
    with seen(driver, width=width), Visit(driver, places["file", "compared"]) as visit:
        visit.run(UNFOLD)
        visit.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        assert visit.run("return document.documentElement.scrollWidth") <= width
        boxes = visit.run(
            """
            return [...document.querySelectorAll(".wide")].map((box) => [
              box.scrollWidth > box.clientWidth + 1,
              box.previousElementSibling.checkVisibility(),
              getComputedStyle(box).backgroundImage !== "none",
              box.tabIndex === 0]);
            """
        )
        assert boxes
        assert all(len(set(box)) == 1 for box in boxes)
        if width == 400:
            assert any(box[0] for box in boxes)


def test_a_page_of_six_models_is_less_than_a_megabyte(compared):
    assert len(render_html(compared).encode()) < 1_000_000


def test_all_six_models_are_on_the_page_at_once(driver, places, compared):
    names = compared.subtitle.partition(";")[0].split(", ")
    with seen(driver), Visit(driver, places["file", "compared"]) as visit:
        first = visit.all("#safest table")[0]
        text = first.text.replace("\n", "")
        assert all(name in text for name in names)
        right = "return arguments[0].getBoundingClientRect().right"
        assert visit.run(right, first) <= 1280


def test_on_a_telephone_the_estimate_stands_before_what_it_is_a_share_of(driver, tmp_path):
    frame = pl.DataFrame({"prompt_harm": [0, 1] * 20, "response_harm": [0, 1, 0, 0] * 10})
    harm = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
    page = tmp_path / "page.html"
    riskshift.write(riskshift.analyze(frame, taxonomy=harm, resamples=50), page)
    with seen(driver, width=400), Visit(driver, page.as_uri()) as visit:
        row = next(row for row in visit.all("#movement tbody tr") if "escalation" in row.text)
        estimate = row.find_elements("css selector", "td")[0]
        assert estimate.text == "0%"
        assert visit.run("return arguments[0].getBoundingClientRect().right", estimate) <= 400
        told = row.find_element("css selector", "small")
        assert told.text == "Share of all pairs whose response is more severe than the prompt."
        assert told.get_attribute("title").startswith("r > p | all: ")


def test_a_dark_preference_is_honoured_and_paper_stays_white(driver, places):
    colours = """
        const body = getComputedStyle(document.documentElement);
        return [body.backgroundColor, body.color];
    """
    with Visit(driver, places["file", "plain"]) as visit:
        assert visit.run(colours) == ["rgb(255, 255, 255)", "rgb(28, 36, 48)"]
        with seen(driver, scheme="dark"):
            assert visit.run(colours) == ["rgb(20, 24, 31)", "rgb(228, 232, 238)"]
            driver.execute_cdp_cmd(
                "Emulation.setEmulatedMedia",
                {
                    "media": "print",
                    "features": [{"name": "prefers-color-scheme", "value": "dark"}],
                },
            )
            assert visit.run(colours)[0] == "rgb(255, 255, 255)"
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_link_into_a_folded_section_opens_it_and_paper_shows_all(driver, places):
    with seen(driver), Visit(driver, places["file", "compared"]) as visit:
        folds = visit.all("details.fold")
        assert folds
        assert not any(fold.get_attribute("open") for fold in folds)
        visit.run("document.querySelector('nav a[href=\"#methods\"]').click()")
        opened = visit.all("#methods > details")[0]
        assert opened.get_attribute("open") == "true"
        visit.run("dispatchEvent(new Event('beforeprint'))")
        assert all(fold.get_attribute("open") for fold in folds)
        visit.run("dispatchEvent(new Event('afterprint'))")
        assert [fold for fold in folds if fold.get_attribute("open")] == [opened]


def test_the_keyboard_meets_what_can_be_used_in_the_order_of_the_page(driver, places):
    from selenium.webdriver.common.keys import Keys

    with seen(driver), Visit(driver, places["file", "compared"]) as visit:
        wanted = visit.run(
            """
            const stops = "a[href], summary, button:not([hidden]), [tabindex='0']";
            return [...document.querySelectorAll(stops)].filter(e => e.checkVisibility()).length;
            """
        )
        met = []
        for _ in range(wanted):
            visit.all("body")[0].send_keys(
                Keys.TAB
            ) if not met else driver.switch_to.active_element.send_keys(Keys.TAB)
            met.append(visit.run("return document.activeElement"))
        order = visit.run(
            """
            const all = [...document.querySelectorAll("*")];
            return arguments[0].map(e => all.indexOf(e));
            """,
            met,
        )
        assert len(set(order)) == wanted
        assert order == sorted(order)
        ring = visit.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none"


def test_one_bit_leaves_its_cases(driver, tmp_path):
    frame = pl.DataFrame({"prompt_harm": [0, 1] * 20, "response_harm": [0, 1, 0, 0] * 10})
    harm = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
    page = tmp_path / "page.html"
    riskshift.write(riskshift.analyze(frame, taxonomy=harm, resamples=50), page)
    with seen(driver), Visit(driver, page.as_uri()) as visit:
        (bit,) = [b for b in visit.all(".bits button") if b.text.startswith("attack worked")]
        bit.click()
        assert bit.get_attribute("aria-pressed") == "true"
        shown = visit.all(".case:not([hidden])")
        assert f"({len(shown)})" in bit.text
        assert {case.get_attribute("data-cell") for case in shown} == {"1-1"}
