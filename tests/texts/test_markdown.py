"""Foreign texts in Markdown stay texts."""

from counseling_sessions.texts.markdown import cell, code, plain


def test_signs_are_escaped_and_lines_are_one() -> None:
    assert plain("a <script>\n# b [c](d) *e* `f` \x1b[31mg") == "a \\<script\\> \\# b \\[c\\](d) \\*e\\* \\`f\\` g"
    assert cell("gpt | 100 |\n| --- |") == "gpt \\| 100 \\| \\| --- \\|"
    assert code("a`b\nc") == "`a'b c`"
