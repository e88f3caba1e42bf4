// A session as a whole: timeline, techniques over turns, tokens and time, slowest calls, retries, provenance.

function renderOverview() {
  return [
    step("The session", null, make("p", {}, session.ended), facts(session.facts)),
    session.calls.length ? step("Timeline", "every call, by who was asked", timeline()) : null,
    session.turns.some((turn) => turn.drafts.length || turn.pick) ? step("Techniques over the turns", null, matrix()) : null,
    session.nodes.length ? step("Tokens and time", null, nodeTable()) : null,
    session.calls.length ? step("Slowest calls", null, slowest()) : null,
    step("Retries and findings", null, ...troubles()),
    session.plan ? step(`Plan: ${session.plan.technique}`, null, planText(session.plan), planSteps(session.plan, null)) : null,
    step("Client", `${session.attitude} attitude`, facts(session.client)),
    step("Provenance", null, provenance()),
  ];
}

const turnLink = (key, text) => make("a", { href: addressOf(key) }, text ?? key);

function timeline() {
  const { timed, start, length } = scale(session.calls);
  const roles = [...new Set(session.calls.map((call) => call.role))];
  return make("div.times.timeline", { role: "list" }, roles.map((role) => {
    const calls = timed.filter((call) => call.role === role);
    const sum = calls.reduce((total, call) => total + call.seconds, 0);
    const told = `${words(role)}: ${count(calls.length, "call")}, ${seconds(sum)} in all`;
    return [make("span.name", { role: "listitem", "aria-label": told, title: told }, words(role)),
      make("span.lane", { "aria-hidden": "true" }, calls.map((call) => {
        const bar = barOf(call, call.offset - start, length);
        bar.title = `${call.place}: ${bar.title}`;
        return bar;
      })),
      make("span", { "aria-hidden": "true" }, seconds(sum))];
  }), make("span"), make("span.note", {}, `from ${session.started_at.slice(0, 19).replace("T", " ")} UTC, ${seconds(length)} in all`), make("span"));
}

function matrix() {
  const turns = session.turns.filter((turn) => turn.pick || turn.drafts.length);
  const names = [...new Set([...session.techniques, ...turns.flatMap((turn) => turn.drafts.map((draft) => draft.technique))])];
  const cell = (turn, name) => {
    const draft = turn.drafts.find((one) => one.technique === name);
    const picked = turn.pick?.techniques.includes(name);
    if (!draft && !picked) return make("td");
    const state = draft?.error ? "no candidate" : picked ? "picked" : "ran, not picked";
    const sign = draft?.error ? "×" : picked ? "●" : "○";
    const merged = draft?.share ? `, ${Math.round(draft.share * 100)} % taken over` : "";
    return make(merged ? "td.on.merged" : "td.on", { title: `${turnTitle(turn)}, ${words(name)}: ${state}${merged}` },
      make("span", { "aria-hidden": "true" }, sign), make("span.unseen", {}, state + merged));
  };
  const totals = (name) => turns.filter((turn) => turn.pick?.techniques.includes(name)).length;
  return make("div.wide", { tabindex: "0", role: "region", "aria-label": "Techniques over the turns" },
    make("table.matrix", {},
      make("caption", {}, "● picked  ○ ran without being picked  × gave no candidate; framed: words of it were taken over"),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span.unseen", {}, "technique")),
        turns.map((turn) => make("th", { scope: "col" }, turnLink(turn.key))), make("th", { scope: "col" }, "Σ"))),
      make("tbody", {}, names.map((name) => make("tr", {}, make("th", { scope: "row" }, words(name)),
        turns.map((turn) => cell(turn, name)), make("td", {}, String(totals(name))))))));
}

function nodeTable() {
  const priced = session.nodes.every((node) => node.cost !== null);
  const rows = session.nodes.map((node) => [words(node.role), node.calls, node.attempts, node.requests,
    ...(node.unreported < node.calls ? [node.prompt_tokens, node.cached_tokens, node.completion_tokens] : ["–", "–", "–"]),
    seconds(node.seconds), seconds(node.longest), ...(priced ? [node.cost.toFixed(4)] : [])]);
  const sum = (name) => session.nodes.reduce((total, node) => total + node[name], 0);
  rows.push(["all", sum("calls"), sum("attempts"), sum("requests"), sum("prompt_tokens"), sum("cached_tokens"), sum("completion_tokens"), seconds(sum("seconds")), seconds(Math.max(...session.nodes.map((node) => node.longest))), ...(priced ? [sum("cost").toFixed(4)] : [])]);
  return table("By who was asked. Times add up what ran side by side.",
    ["asked", "calls", "answers", "requests", "tokens in", "of them cached", "tokens out", "time", "longest", ...(priced ? ["cost"] : [])], rows);
}

const callRow = (call, ...cells) => [turnLink(call.turn, call.place), words(call.role), ...cells];

function slowest() {
  const calls = [...session.calls].sort((one, other) => other.seconds - one.seconds).slice(0, 8);
  return table("The longest times that one answer took, repetitions included", ["where", "asked", "time", "answers", "tokens"],
    calls.map((call) => callRow(call, seconds(call.seconds), call.attempts, tokensText(call))));
}

function troubles() {
  const again = session.calls.filter((call) => call.attempts > 1 || call.requests > call.attempts + call.passed_over || call.errors.length);
  const found = session.calls.filter((call) => call.findings.length);
  return [
    again.length ? table("Calls that were made more than once", ["where", "asked", "answers", "requests", "what went wrong"],
      again.map((call) => callRow(call, call.attempts, call.requests, call.errors.join("; ") || call.findings.map((one) => words(one.kind)).join(", "))))
      : make("p", {}, "No call was made more than once."),
    found.length ? table("What the guards objected to", ["where", "asked", "finding"],
      found.map((call) => callRow(call, call.findings.map((one) => `${words(one.kind)}${one.repaired ? " (mended)" : ""}${one.detail ? `: ${one.detail}` : ""}`).join("; "))))
      : make("p", {}, "The guards had nothing to object."),
  ];
}

function provenance() {
  const text = (value) => JSON.stringify(value, null, 1);
  const fold = (title, value) => make("details", {}, make("summary", {}, title), make("pre", {}, make("code", {}, text(value))));
  const { prompt_hashes, packages, ...rest } = session.provenance;
  return [facts(Object.entries(rest).map(([name, value]) => [words(name), value])),
    fold("Configuration", session.configuration), fold("Packages", packages), fold("Prompts’ hashes", prompt_hashes)];
}
