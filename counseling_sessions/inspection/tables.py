"""Profiles and models as tables for a terminal."""

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from counseling_sessions.models.dialect import LIMIT, SEED, Dialect
from counseling_sessions.models.roles import Served
from counseling_sessions.profiles.disclosure import field_of, levels
from counseling_sessions.profiles.manner import Manner
from counseling_sessions.profiles.schema import (
    Audience,
    ClientProfile,
    client_form,
    counselor_information,
    counselor_reason,
    form_lines,
)

CACHED = {True: "reported", False: "none on a repeated prompt", None: "not known"}
"""What an endpoint reports of cached tokens."""


def profiles_table(profiles: list[ClientProfile]) -> Table:
    """One line a profile: id, age, reason for counseling; between them the level of a client at risk."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    longest = max((len(profile.id) for profile in profiles), default=0)
    table.add_column("id", style="cyan", no_wrap=True, min_width=min(longest, 40))
    table.add_column("age", justify="right", min_width=3)
    at_risk = any(profile.risk for profile in profiles)
    if at_risk:
        table.add_column("risk", no_wrap=True)
    table.add_column("reason for coming", overflow="ellipsis", no_wrap=True, ratio=1)
    for profile in profiles:
        age, risk = profile.demographics.age, [profile.risk.level if profile.risk else ""] if at_risk else []
        table.add_row(profile.id, "" if age is None else str(age), *risk, Text(counselor_reason(profile)))
    return table


def show_profile(console: Console, profile: ClientProfile) -> None:
    """Print the form: first the counselor's view, then the client's."""
    seen = f"{counselor_information(profile)}\nReason for counseling: {counselor_reason(profile)}"
    parts = [("Seen by the counselor's side", seen), ("The whole form, seen by the client", client_form(profile))]
    if profile.manner:
        parts.append(("How the client talks", manner_lines(profile.manner)))
    parts.append(("How much trust it takes to tell a field", level_lines(profile)))
    if profile.risk:
        parts.append(
            (
                "What the client says of the risk, a thing at a time",
                "\n".join(form_lines(profile.risk, {Audience.CLIENT})),
            )
        )
    if opening := profile.opening:
        parts.append(("Opening exchange", f"Counselor: {opening.counselor}\nClient: {opening.client}"))
    console.print(Text(profile.id, style="bold cyan"))
    for title, text in parts:
        console.print(Text.assemble((f"\n{title}\n", "bold"), text))
    notes = [profile.attitude and f"attitude {profile.attitude}", profile.source and f"source: {profile.source}"]
    if profile.cognitive_distortion:
        notes.append(f"cognitive distortion (seen by nobody): {profile.cognitive_distortion}")
    console.print(Text("\n" + " · ".join(note for note in notes if note), style="dim"))


def manner_lines(manner: Manner) -> str:
    """A manner, a field a line."""
    values = {str(field.title): getattr(manner, name) for name, field in Manner.model_fields.items()}
    return "\n".join(
        f"{title}: {', '.join(value) if isinstance(value, tuple) else value}"
        for title, value in values.items()
        if value
    )


def level_lines(profile: ClientProfile) -> str:
    """The levels of disclosure with the fields of the form that have them, a level a line."""
    filled = {path: level for path, level in levels(profile).items() if field_of(profile, path)[1]}
    by_level = {level: [field_of(profile, path)[0] for path in filled if filled[path] == level] for level in (1, 2, 3)}
    return "\n".join(f"{level}: {', '.join(titles)}" for level, titles in by_level.items() if titles)


def models_table(served: list[Served]) -> Table:
    """The results of `check`: a block a model, so that long names and addresses fit 80 columns."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for item in served:
        rows: list[tuple[str, RenderableType]] = [("roles", Text(", ".join(item.roles)))]
        if item.endpoint:
            rows += [("model", Text(item.endpoint.model)), ("endpoint", Text(item.endpoint.label))]
        if item.problem:
            rows.append(("problem", Text(item.problem, style="red")))
        else:
            rows += [
                ("reachable", Text(f"yes, first answer after {item.seconds or 0:.1f} s", style="green")),
                ("structured output", Text(item.structured or "no")),
                ("token usage", Text("reported" if item.usage else "not reported")),
                ("cached tokens", Text(CACHED[item.cached])),
                *((name, Text(done, style="yellow")) for name, done in dialect_rows(item.dialect)),
            ]
        for row in rows:
            table.add_row(*row)
        table.add_section()
    return table


def dialect_rows(dialect: Dialect) -> list[tuple[str, str]]:
    """What a server does not take of a request, and what is done about it."""
    rows: list[tuple[str, str]] = [
        (name, "not taken, left out") for name in ("temperature", "top_p") if name in dialect.refused
    ]
    if dialect.warmest is not None:
        rows.append(("temperature", f"at most {dialect.warmest:g}, and never above"))
    for names in (SEED, LIMIT):
        refused = [name for name in names if name in dialect.refused]
        instead = dialect.name_of(names)
        rows += [(refused[0], f"not taken, sent as {instead}" if instead else "not taken, left out")] if refused else []
    if dialect.folds:
        rows.append(("system message", "not taken, put before the first user message"))
    if dialect.streams:
        rows.append(("answers", "streamed, as the server gives no others"))
    return rows
