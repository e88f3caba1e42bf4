"""What a plan of a study is asked: the difference to be found, what is known of the spread, how often each client comes."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, Options, group, option
from counseling_sessions.commands.parsing.evaluation import ReportOptions
from counseling_sessions.commands.parsing.values import amount, between_0_and_1, counts, positive, share
from counseling_sessions.settings import SettingsError


class SpreadOptions(Options):
    """How differences between two methods vary: from a pilot, or assumed."""

    pilot: Path | None = option("what `evaluate --json` or `compare --json` wrote of a pilot", "FILE", reads=True)
    measure: str | None = option("the pilot's measure, such as turns or ctrs-style/general", "MEASURE")
    between: str | None = option("two of the pilot's groups (default: its two)", "A,B")
    client_sd: float | None = option("assumed: standard deviation of the clients' true differences", "SD", type=amount)
    pair_sd: float | None = option("assumed: of the pairs of one client around its own", "SD", type=amount)


class PanelOptions(Options):
    """Who answers, and how answers to pairs vary."""

    raters: tuple[int, ...] = option(
        "raters, each of whom answers every pair (default 3,5,10,15,20,30)",
        "N,N",
        type=counts,
        default=(3, 5, 10, 15, 20, 30),
    )
    rater_sd: float = option(
        "assumed: standard deviation of raters' win rates (default 0.1)", "SD", type=share, default=0.1
    )
    client_rate_sd: float = option("assumed: of clients' win rates (default 0.1)", "SD", type=share, default=0.1)
    pair_rate_sd: float = option("assumed: of the pairs of one client (default 0.1)", "SD", type=share, default=0.1)
    ties: float = option("share of answers that name neither (default 0.2)", "SHARE", type=share, default=0.2)


class PlanStudyRequest(CommandRequest):
    """A study to be planned."""

    difference: float | None = option(
        "find this difference of two methods' means, in the measure's units", "D", type=amount
    )
    alike_within: float | None = option("show that two methods differ by less than this", "D", type=amount)
    win_rate: float | None = option("find this win rate, such as 0.6, ties half", "RATE", type=between_0_and_1)
    power: float = option("how likely it shall be found (default 0.8)", "P", type=between_0_and_1, default=0.8)
    tests: int = option("tests that Holm corrects together (default 1)", "N", type=positive, default=1)
    per_client: tuple[int, ...] = option(
        "pairs of sessions with each client: attitudes times seeds (default 1,3,6)",
        "N,N",
        type=counts,
        default=(1, 3, 6),
    )
    clients: int | None = option("what can so many clients find?", "N", type=positive)
    spread: SpreadOptions = group(SpreadOptions, "differences of a measure")
    panel: PanelOptions = group(PanelOptions, "preferences")
    report: ReportOptions = group(ReportOptions, "report")

    def check(self) -> None:
        super().check()
        if sum(aim is not None for aim in (self.difference, self.alike_within, self.win_rate)) != 1:
            raise SettingsError("name one aim: --difference D, --alike-within D or --win-rate RATE")
        if self.win_rate == 0.5:
            raise SettingsError("--win-rate 0.5 is no preference: there is nothing to find")
        if self.win_rate is None:
            self._check_spread()

    def _check_spread(self) -> None:
        spread = self.spread
        if spread.pilot and spread.measure is None:
            raise SettingsError("--pilot: name the --measure too")
        if spread.pilot is None and spread.client_sd is None and spread.pair_sd is None:
            raise SettingsError(
                "say how differences vary: --pilot FILE --measure MEASURE, or --client-sd and --pair-sd"
            )
