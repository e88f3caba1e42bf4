"""The methods: MAGneT, its ablations and the baselines, as wirings of the same nodes. Each differs in exactly one thing."""

from dataclasses import dataclass

from counseling_sessions.settings import MethodName


@dataclass(frozen=True)
class Method:
    """Which parts a method has: a plan, specialists with a router that merges, and a pick among these."""

    name: MethodName
    description: str
    plan: bool = True
    specialists: bool = True
    pick: bool = True

    @property
    def counselor(self) -> str:
        """The node that writes the counselor's utterances."""
        return "router" if self.specialists else "counselor"

    @property
    def speaker(self) -> str:
        """The role whose model writes the counselor's utterances."""
        return "merge" if self.specialists else "counselor"


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("magnet", "plan, picked specialists, merge (MAGneT)"),
        Method("magnet-no-plan", "MAGneT without the CBT agent", plan=False),
        Method("magnet-no-router", "MAGneT without the technique agent: every specialist, no pick", pick=False),
        Method("magnet-no-plan-no-router", "MAGneT without CBT agent and technique agent", plan=False, pick=False),
        Method("single-plan", "one counselor with a plan (as CACTUS)", specialists=False),
        Method("single", "one counselor with neither plan nor specialists (as Psych8k)", plan=False, specialists=False),
    )
}
