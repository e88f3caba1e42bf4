"""What a planted defect is: data that names what must fall, and the words that plant it."""

from typing import Literal

from pydantic import Field

from counseling_sessions.evaluation.aspects import RubricPart, RubricText
from counseling_sessions.evaluation.scales import Scale

Role = Literal["defect", "length", "identical"]
"""What must happen: the scores of a `defect` fall; those of a copy of another `length`, and of an `identical` one, stay."""


class Defect(RubricPart):
    """A defect: by scale, the items and subscales that must fall, and the words that plant it, if it needs any.

    `words` are the speaker's, `replies` those of the other who answers. `of_form` has words for fields of the form by path, such as
    `presenting_problem.since`, that need a form with this field; `{said}` in them is a sentence of the field. For a control
    (`role`), `must_fall` names what is looked at besides the targets of all defects.
    """

    id: RubricText
    title: RubricText
    role: Role = "defect"
    must_fall: dict[str, tuple[str, ...]]
    words: tuple[RubricText, ...] = ()
    replies: tuple[RubricText, ...] = ()
    of_form: dict[str, tuple[RubricText, ...]] = Field(default_factory=dict)

    def targets(self, scale: Scale) -> dict[str, tuple[str, ...]]:
        """What must fall on a scale: names of its subscales and items, with the items behind each."""
        return {name: items for name in self.must_fall.get(scale.name, ()) if (items := scale.members(name))}
