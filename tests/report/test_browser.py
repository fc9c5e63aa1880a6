"""The page in a real browser: nothing from the data acts, nothing is fetched, everything works."""

import base64
import json
import os
import shutil
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from riskshift.report.render.html import render_html

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
    *("figure", "figcaption", "details", "summary"),
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
def places(document, hostile_document, tmp_path_factory, server):
    """Where the pages lie: by name, their address as a file and on the server."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    written = {
        "plain": render_html(document),
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
