"""Sentences fit for a counseling session that hardly overlap, though there are 279,841 of them.

Every text fills eight slots from banks of 23 phrases. Which phrases go together is a Reed-Solomon code: the text's
index, written with four digits in base 23, is a cubic polynomial over the integers modulo 23, and slot i takes its
value at i. Two different cubics agree in at most three places, so two texts share at most three of their eight
phrases: the Jaccard similarity of their word 3-grams stays below 0.3.
"""

import hashlib

_TIME = """On rainy weekday mornings|After a long shift|Somewhere around late afternoon|When the house empties
During the walk home|Once dinner is cleared|Just before falling asleep|Between two crowded meetings
Halfway through the weekend|In those first minutes awake|Whenever plans change suddenly|With winter coming closer
Ever since the move|While waiting for buses|At family gatherings lately|As soon as silence settles|Under all that hurry
Most Sundays after lunch|Right before payday arrives|Following a tense phone call|Near the school gates
Out in the garden
By the third night"""

_SUBJECT = """an old sense of guilt|that familiar knot of tension|the wish to stay invisible|a quieter kind of hope
each unanswered message|the pressure to look fine|some leftover anger from childhood|worry about being judged
the memory of that argument|a longing for company|doubt over small decisions|tiredness nobody else notices
this habit of apologising|the fear of letting go|grief without any clear name|one careless remark at work
pride in tiny victories|shame around asking favours|tenderness toward a sister|the urge to cancel everything
relief mixed with sadness|a harsh inner commentary|restless energy in both legs"""

_DEED = """can take over the room|may speak louder than facts|might be pointing somewhere useful
could deserve a kinder hearing|tends to soften with time|seems to arrive uninvited|has a way of growing
often hides behind jokes|rarely tells the whole story|usually fades within an hour|keeps circling back again
appears heavier than it is|leaves very little space|still makes breathing shallow|colours nearly every conversation
asks for plenty of patience|gets mistaken for weakness|sits close to the surface|does not cancel real progress
slowly turns into something else|brings up more than expected|works like a smoke alarm|belongs to an earlier chapter"""

_REMARK = """even with nothing urgent planned|and that is understandable|though friends hardly see it
almost like background music|however much gets done|especially when nobody asks
and pretending otherwise costs strength|if only for a moment|despite every sensible argument
which makes resting difficult
as though danger were nearby|yet it never lasts forever|and words come slowly then|at least for now
perhaps because endings still hurt|while everything outside looks normal|so the body stays alert
as it did years ago
and laughter feels strange|without giving any warning|or so it seems
and sleep suffers first|however carefully planned"""

_LEAD = """On gentler days|In smaller doses|From this distance|Given enough room|All being well|For what follows
Come next month|Seen more kindly|In due course|Apart from that|To be fair|Now and then|If nothing changes
Looking back calmly|Speaking quite plainly|Stepping aside briefly|Where trust exists|With fresh eyes|Against all odds
Beyond the obvious|In plain terms|Among other things|Over time perhaps"""

_STEM = """What seems to help is|A gentle beginning could be|There may be room for|It might be worth
One honest experiment would be|Slowly comfort comes from|Nobody would object to|Some people find courage in
Part of healing involves|A fair next move is|Maybe strength looks like|The simplest remedy was
Something loosened last time through|Things went better after|Today feels right for|What would change by?
How did it feel?|Could there be value in?|Who would notice?|What could interrupt?|Is anything lost by?
Would this week allow?|What stirs inside while?"""

_STEP = """naming one worry aloud|writing three lines down|letting the dishes wait|calling a trusted cousin
sitting beside an open window|saying no without excuses|walking around the block twice|breathing out more slowly
sharing a plain breakfast|asking for ten quiet minutes|leaving somewhat early|drawing what hurts
testing a different explanation|counting what went well|keeping the bedroom dark|borrowing courage from others
putting both feet down firmly|admitting how tiring it was|choosing only one task|humming an old tune
postponing the hardest talk|cooking something warm and simple|thanking that younger self"""

_MANNER = """before the kettle has boiled|with the phone left upstairs|instead of rehearsing disasters
rather than fixing everything|until the shoulders drop|in a voice that stays soft|just to see what happens
for the sake of balance|once or twice this month|as an act of care|alongside somebody who listens
without keeping any score|despite feeling slightly foolish|at whatever pace is bearable|whenever the day feels tight
under ordinary evening light|like anyone learning to swim|on purpose and unhurried|even if progress looks small
through the middle of a mess|away from other opinions|after switching off the news|no later than Thursday"""

_SLOTS = [
    bank.replace("\n", "|").split("|") for bank in (_TIME, _SUBJECT, _DEED, _REMARK, _LEAD, _STEM, _STEP, _MANNER)
]
_BASE = len(_SLOTS[0])
TEXTS = _BASE**4


def text_at(index: int) -> str:
    """The text with this index, 0 to TEXTS - 1: two sentences of 27 to 39 words."""
    digits = [index // _BASE**place % _BASE for place in range(4)]
    values = [sum(digit * slot**place for place, digit in enumerate(digits)) % _BASE for slot in range(len(_SLOTS))]
    time, subject, deed, remark, lead, stem, step, manner = (
        bank[value] for bank, value in zip(_SLOTS, values, strict=True)
    )
    # A stem that asks carries its question mark, which belongs at the sentence's end.
    end = "?" if stem.endswith("?") else "."
    return f"{time}, {subject} {deed}, {remark}. {lead}, {stem[0].lower()}{stem[1:].rstrip('?')} {step} {manner}{end}"


class SmallTalk:
    """Hands out texts, each once: a seed text decides which, and where that one is gone, the next free one."""

    def __init__(self) -> None:
        self._used: set[int] = set()
        self._next: dict[int, int] = {}

    def text(self, seed: str) -> str:
        """A text not handed out before (until all TEXTS are); an equal first seed gives an equal text."""
        if len(self._used) == TEXTS:
            self._used.clear()
            self._next.clear()
        first = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()) % TEXTS
        # Where the last search from here ended: a prompt sent thousands of times does not search through all its texts.
        index = self._next.get(first, first)
        while index in self._used:
            index = (index + 1) % TEXTS
        self._used.add(index)
        self._next[first] = (index + 1) % TEXTS
        return text_at(index)
