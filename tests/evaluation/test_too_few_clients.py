"""A comparison in which nothing can be significant says so in its section, whatever it shows."""

from counseling_sessions.evaluation.compare import compare_groups
from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.report.compared import comparison_section
from counseling_sessions.sessions import SessionKey


def section(clients: int, measures: int):
    named = {f"m{at}": Measure(f"m{at}", f"measure {at}", "each scale") for at in range(measures)}
    rows = [
        SessionFigures(
            SessionKey(f"{group} {client}", "run", group, f"client {client}", "neutral", 1),
            group,
            {name: float(client % 3 + (group == "ours")) for name in named},
        )
        for group in ("ours", "theirs")
        for client in range(clients)
    ]
    return comparison_section(compare_groups(rows, named, "ours", ["theirs"], pairing=Pairing()))


def test_six_clients_and_two_tests() -> None:
    # Every client differs alike: p is the smallest there is, 2 / 64, and twice that is .0625.
    paragraphs = section(6, 2).paragraphs
    assert sum("each scale: nothing can be significant" in paragraph for paragraph in paragraphs) == 1
    assert any("for 2 tests can lie below 0.0625" in paragraph for paragraph in paragraphs)


def test_seven_clients_and_two_tests() -> None:
    assert not any("nothing can be significant" in paragraph for paragraph in section(7, 2).paragraphs)
