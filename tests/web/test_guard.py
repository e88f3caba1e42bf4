"""Who reaches the server of the page, and what its pages may do."""

from pathlib import Path

import pytest

from counseling_sessions.web.app import FILES, PAGE
from counseling_sessions.web.guard import LARGEST_BODY, token_of
from tests.web.conftest import ORIGIN, TOKEN, Serve

START = f"{ORIGIN}/{TOKEN}/api/start"


def test_only_who_has_the_token_is_let_in(serve: Serve) -> None:
    page = serve()
    assert page.get(START).status_code == 200
    for address in ("/", "/api/start", f"/{TOKEN}x/api/start", f"/{TOKEN[:-1]}/api/start", "//api/start"):
        answer = page.get(f"{ORIGIN}{address}")
        assert answer.status_code == 403, address
        assert "token" in answer.json()["problem"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "rebound.example:8765"}, 403),
        ({"Host": "127.0.0.1"}, 403),
    ],
)
def test_no_other_page_and_no_rebound_name_reaches_it(serve: Serve, headers: dict[str, str], status: int) -> None:
    assert serve().get(START, headers=headers).status_code == status


def test_a_request_has_a_length_and_is_short(serve: Serve) -> None:
    page = serve()
    address = f"{ORIGIN}/{TOKEN}/api/practice"
    assert page.post(address, content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert page.post(address, content=iter([b"{}"])).status_code == 400


def test_every_answer_forbids_other_scripts_and_hosts(serve: Serve) -> None:
    page = serve()
    for address in ("", "page/web.css", "api/start", "page/missing"):
        headers = page.get(f"{ORIGIN}/{TOKEN}/{address}").headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_has_no_script_or_style_of_its_own_and_reaches_no_other_host() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    for place in FILES.values():
        text = place.read_text(encoding="utf-8")
        assert "innerHTML" not in text, place
        assert "//" not in text.replace("http://www.w3.org/2000/svg", "").replace("// ", "").replace("//\n", ""), place


@pytest.mark.parametrize("name", ["..%2f..%2fpyproject.toml", "%2e%2e", "web.css%00", "/etc/passwd", "missing.js"])
def test_no_name_leads_out_of_the_page(serve: Serve, name: str) -> None:
    assert serve().get(f"{ORIGIN}/{TOKEN}/page/{name}").status_code == 404


def test_the_token_stays_over_a_restart_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "web-token"
    token = token_of(file)
    assert len(token) >= 32
    assert token_of(file) == token
    assert file.stat().st_mode & 0o077 == 0
    assert token_of(file, new=True) != token
