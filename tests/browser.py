"""A real browser for the tests of pages: headless Chromium, which reports errors and what a page tried to reach."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
]
ESCAPE, ENTER, SHIFT, DOWN = "\ue00c", "\ue007", "\ue008", "\ue015"


def start_browser(folder: Path, *, downloads: Path | None = None) -> Any:
    """A browser with its profile in this folder; skips the test where there is none. Whoever starts it calls its `quit`."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not CHROMIUM or not DRIVER:
        pytest.skip("no Chromium with chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    if downloads:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def started_browser(folder: Path) -> Iterator[Any]:
    """A browser for as long as a fixture lasts; skips the test where there is none."""
    driver = start_browser(folder)
    yield driver
    driver.quit()


def resize(driver: Any, width: int, height: int = 900) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def press(driver: Any, *keys: str) -> None:
    for key in keys:
        driver.switch_to.active_element.send_keys(key)


def click(driver: Any, selector: str) -> None:
    driver.find_element("css selector", selector).click()


def text_of(driver: Any, selector: str) -> str:
    return str(driver.find_element("css selector", selector).get_property("textContent"))


def wait(driver: Any, condition: Callable[[], Any]) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(driver, 20, poll_frequency=0.05).until(lambda _: condition())


def no_errors(driver: Any) -> None:
    severe = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert not severe, severe


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colors #rrggbb, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
