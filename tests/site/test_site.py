"""The site builds without a warning, its links lead somewhere, and it asks no other host for anything.

The tests need mkdocs (`make docs` installs it), and the last one Chromium.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
NEEDED = ("mkdocs", "material", "mkdocstrings")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser asks for by itself, beside the links that a reader follows."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED),
        reason="mkdocs is not installed; `make docs` installs it",
    ),
]


class Read(HTMLParser):
    """The links, the loaded files and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.anchors |= {of[key] or "" for key in ("id", "name") if of.get(key)}
        if tag == "a" and of.get("href"):
            self.links.append(of["href"] or "")
        name = LOADED.get(tag)
        if name and of.get(name) and of.get("rel") != "canonical":
            self.loaded.append(of[name] or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Read]:
    found = {}
    for file in sorted(site.rglob("*.html")):
        found[file] = Read()
        found[file].feed(file.read_text(encoding="utf-8"))
    assert len(found) > 25
    return found


def test_no_internal_link_is_dead(site: Path, pages: dict[Path, Read]):
    dead = []
    for file, page in pages.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or file.name == "404.html":
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.is_file():
                dead.append(f"{file.relative_to(site)}: {link}")
            elif parts.fragment and target in pages:
                known = pages[target].anchors
                if not {parts.fragment, unquote(parts.fragment)} & known:
                    dead.append(f"{file.relative_to(site)}: {link}")
    assert dead == []


def test_no_other_host_is_asked(site: Path, pages: dict[Path, Read]):
    outside = {
        link
        for page in pages.values()
        for link in page.loaded
        if urlsplit(link).netloc or urlsplit(link).scheme not in {"", "data"}
    }
    assert outside == set()
    styles = [
        file for file in site.rglob("*.css") if "url(http" in file.read_text(encoding="utf-8")
    ]
    assert styles == []


def test_every_command_and_every_public_name_is_in_the_reference(site: Path):
    import twofold

    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in ("audit", "score", "train", "study", "checklist write", "doctor"):
        assert f"<code>twofold {name}</code>" in commands
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for home in twofold._HOMES.values():
        assert f'id="{home.replace(":", ".")}"' in python


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def failed(url: str, why: str | None) -> list[str]:
    """A request that failed; leaving a page ends the ones under way, which is no failure."""
    return [] if why == "net::ERR_ABORTED" else [f"not loaded: {url}: {why}"]


@pytest.mark.browser
def test_chromium_has_nothing_to_complain_of(site: Path, pages: dict[Path, Read], address: str):
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there; install the package `chromium` to run this test")
    told: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.on("console", lambda said: told.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("requestfailed", lambda request: told.extend(failed(request.url, request.failure)))
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        for file in pages:
            page.goto(f"{address}/{file.relative_to(site)}", wait_until="load")
        page.goto(f"{address}/index.html", wait_until="load")
        page.locator("input.md-search__input").click()
        page.locator("input.md-search__input").press_sequentially("obedience")
        page.wait_for_selector(".md-search-result__item", state="attached", timeout=60_000)
        browser.close()
    assert told == []
    assert asked <= {urlsplit(address).netloc, ""}
