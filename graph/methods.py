"""The methods: MAGneT, its ablations and the baselines, as wirings of the same nodes. Each differs in exactly one thing."""

from dataclasses import dataclass

from counseling_sessions.settings import MethodName


@dataclass(frozen=True)
class Method:
    """Which parts a method has: a plan, specialists with a router that merges, and a pick of techniques by that router."""

    name: MethodName
    plan: bool
    specialists: bool
    pick: bool
    description: str


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("magnet", True, True, True, "plan, picked specialists, merge (MAGneT)"),
        Method("magnet-no-plan", False, True, True, "MAGneT without the CBT agent"),
        Method("magnet-no-router", True, True, False, "MAGneT without the technique agent: every specialist, no pick"),
        Method("magnet-no-plan-no-router", False, True, False, "MAGneT without CBT agent and technique agent"),
        Method("single-plan", True, False, False, "one counselor with a plan (as CACTUS)"),
        Method("single", False, False, False, "one counselor with neither plan nor specialists (as Psych8k)"),
    )
}
