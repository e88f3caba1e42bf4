"""What the strict guards object to in sessions: in the corpus their false alarms, in sessions of small models what they find.

python benchmarks/strict_guards.py                    # the corpus
python benchmarks/strict_guards.py runs/study         # any sessions
python benchmarks/strict_guards.py --shares           # how much of the messages is the other's last words (rule `echo`)
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.integrity.spoken import Past, Spoken
from counseling_sessions.integrity.strict import echoed
from counseling_sessions.nodes.guards import STRICT, check, facts_for
from counseling_sessions.sessions.reading import read_sessions
from counseling_sessions.sessions.session import Session, session_of
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, CounselorView
from counseling_sessions.training.corpus import COLLECTIONS, corpus_records


def messages(session: Session) -> Iterator[Spoken]:
    """The messages of a session with a form as the guards see them."""
    assert session.profile
    config = SessionConfig(strict=True)
    client = ClientView(profile=session.profile, attitude="neutral")
    facts = {"client": facts_for(client, config), "counselor": facts_for(CounselorView.of(session.profile), config)}
    pasts: dict[str, Past] = {"client": Past(), "counselor": Past()}
    for said in session.dialogue:
        own, others = pasts[said.speaker], pasts["client" if said.speaker == "counselor" else "counselor"]
        closing = said is session.dialogue[-1] and said.speaker == "counselor"
        yield Spoken(said.text, said.speaker, own, others, closing=closing, facts=facts[said.speaker])
        own.add(Spoken(said.text, said.speaker))


def main() -> None:
    """Print every objection, and how many each guard has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="*", type=Path, help="record files or run folders (default: the corpus)")
    parser.add_argument("--shares", action="store_true")
    args = parser.parse_args()
    corpus = (session_of(record, kind) for kind in COLLECTIONS for _, record in corpus_records(kind))
    counts, shares, total = Counter[str](), Counter[tuple[str, int]](), 0
    for session in _read(args.source) if args.source else corpus:
        for spoken in messages(session):
            total += 1
            if args.shares and spoken.others_past.said and not spoken.closing:
                shares[spoken.speaker, int(10 * echoed(spoken, spoken.others_past.said[-1]))] += 1
            for finding in check(spoken):
                if finding.kind in STRICT:
                    counts[finding.kind] += 1
                    who = session.profile.id if session.profile else ""
                    print(f"{finding.kind} | {who} | {spoken.speaker} | {finding.detail}\n    {spoken.text}")
    print(f"\n{total:,} messages, {counts.total()} objections ({counts.total() / max(1, total):.2%})")
    for name in sorted(STRICT):
        print(f"{name:14} {counts[name]}")
    for (speaker, tenth), count in sorted(shares.items()):
        print(f"{speaker:10} {tenth / 10:.1f} {count}")


def _read(sources: list[Path]) -> Iterator[Session]:
    read = (session for source in sources for session in read_sessions(source, failed=True))
    yield from (session for session in read if isinstance(session, Session) and session.profile)


if __name__ == "__main__":
    main()
