"""The methods: MAGneT, its ablations and the baselines, as wirings of the same nodes. Each differs in exactly one thing."""

from dataclasses import dataclass

from counseling_sessions.settings import MethodName


@dataclass(frozen=True)
class Method:
    """Which parts a method has: a plan, and specialists with a router that merges."""

    name: MethodName
    plan: bool
    specialists: bool
    description: str

    @property
    def counselor(self) -> str:
        """The node that writes the counselor's utterances."""
        return "router" if self.specialists else "counselor"


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("magnet", True, True, "plan, picked specialists, merge (MAGneT)"),
        Method("magnet-no-plan", False, True, "MAGneT without the CBT agent"),
        Method("magnet-no-router", True, True, "MAGneT without the technique agent: every specialist, no pick"),
        Method("magnet-no-plan-no-router", False, True, "MAGneT without CBT agent and technique agent"),
        Method("single-plan", True, False, "one counselor with a plan (as CACTUS)"),
        Method("single", False, False, "one counselor with neither plan nor specialists (as Psych8k)"),
    )
}
