"""A message that contradicts the client's form."""

from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.integrity.kin import kin_said


def contradiction(spoken: SpokenInSession) -> str | None:
    """Somebody of the client's family who is another kind of kin than in the form: Coumba, the wife, as "my sister Coumba".

    Not seen: kin without a name, other people, what is wrong in numbers, other languages than English, and everything in a session
    without a profile.
    """
    form = spoken.setting.kin
    if form.keys().isdisjoint(spoken.words.split()):
        return None
    for name, kind in kin_said(spoken.text):
        if name in form and kind not in form[name]:
            return f"{kind} {name.title()}, in the form {' or '.join(sorted(form[name]))}"
    return None
