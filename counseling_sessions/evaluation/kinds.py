"""The kinds of findings: what can be wrong with a session as a text."""

KINDS: dict[str, str] = {
    "empty": "A message without a letter or digit, or nothing but a speaker's label.",
    "repeat": "A message that its speaker has already said, word for word but for case, punctuation and spacing.",
    "near_repeat": "A message that shares 80 % or more of its word 3-grams with one of its speaker's last ten.",
    "said_twice": "A message that says one sentence of three words or more twice.",
    "label": "A message with its speaker's own label in front.",
    "meta_talk": "Talk about the task instead of to the other person, or a leftover of a prompt.",
    "reasoning": "A model's reasoning, between its marks or in plain words, in place of speech or beside it.",
    "refusal": "A model that refuses its part in words.",
    "role_flip": "A message that speaks as or for the other person, or gives their words back whole.",
    "truncated": "A message that does not end a sentence.",
    "non_alternation": "A message whose speaker also spoke the one before.",
    "one_sided": "A session in which only one of the two speaks, or nobody.",
    "prompt_cut": "A session whose server seems to have cut prompts: its count of tokens stood still while the dialogue grew.",
    "wrong_language": "A message that is in another language than its session, wholly or for a long stretch.",
    "contact": "An e-mail address, URL, phone number or number like an identifier that is not in the profile.",
    "name": "A person addressed or introduced by a name that is neither in the profile nor said by the other before.",
    "leak": "A counselor's message that has what only the client's form holds and nobody has said: a name, a number, telling words.",
    "contradiction": "A message that has somebody of the client's family as another kind of kin than the form.",
    "risk_missed": "A risk that nobody asked about directly, or for which a step of the protocol was never done.",
    "risk_late": "A direct question about a risk that came later than in the message after its sign.",
    "risk_dropped": "A counselor's message that drops a risk: back to technique, advice before safety, a promise of secrecy …",
}
"""Every kind of finding, and what it means."""
OF_SESSIONS = frozenset({"one_sided", "prompt_cut"})
"""The kinds that concern a session; all others concern a message, each at most once."""
LISTED_IF_FOUND = frozenset({"prompt_cut", "leak", "contradiction", "risk_missed", "risk_late", "risk_dropped"})
"""The kinds that few sessions can show (ours, those with a form, those with a risk): reports list them only where they were found."""
