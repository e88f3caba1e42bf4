// The steps of a turn: what was seen, picked, drafted, merged, refused and answered.

function renderTurn(turn) {
  const counselor = turn.said.find((said) => said.speaker === "counselor");
  const client = turn.said.find((said) => said.speaker === "client");
  return [
    pathStep(turn),
    turn.calls.length ? step("Calls in time", timeNote(turn), lanes(turn.calls)) : null,
    turn.key === "0" ? openingSteps() : null,
    turn.plan && turn.key !== "0" ? revisedStep(turn.plan) : null,
    turn.progress && !turn.pick ? step("Where the session is", null, make("p", {}, `${capital(turn.phase)}: `, marked(turn.progress, [], query))) : null,
    turn.risk ? step("Risk", "the protocol leads", make("p", {}, marked(turn.risk, [], query))) : null,
    turn.pick ? pickStep(turn) : null,
    turn.drafts.length ? draftsStep(turn) : null,
    counselor ? counselorStep(turn, counselor) : null,
    turn.client_state ? step("How it is for the client", "seen by the client alone", facts(turn.client_state)) : null,
    client ? step("Client’s reply", null, utterance(turn, client), callFacts(client.call)) : null,
    turn.failure ? failureStep(turn.failure) : null,
  ];
}

const step = (title, note, ...children) =>
  make("section.step", {}, make("h3", {}, title, note ? make("small", {}, note) : null), children);
const badge = (turn, place) => make(`span.badge.shade-${shadeOf(turn.drafts[place].technique)}`, {}, String(place + 1));
const utterance = (turn, said, spans = []) =>
  make(`div.said.${said.speaker}`, { "data-place": `${turn.key}/${said.speaker}` },
    make("span.who", {}, speakerName(said)), make("span.text", {}, marked(said.text, spans, query)));
const callName = (call) => words(call.role);
const timeNote = (turn) => turn.overlap > 0.005 ? `${seconds(turn.seconds)}, and ${seconds(turn.overlap)} saved side by side` : null;

/** The color of a technique is the same wherever it is named; 7 is everything else. */
function shadeOf(technique) {
  const place = session.techniques.indexOf(technique);
  return place < 0 ? 7 : place % 7;
}

function openingSteps() {
  const { plan } = session;
  return [
    step("What the counselor is told", null, facts(session.client)),
    plan ? step(`Plan: ${plan.technique}`, null, planText(plan), planSteps(plan, null), callFacts(plan.call)) : null,
  ];
}

const revisedStep = (plan) =>
  step(`Revised plan: ${plan.technique}`, null, make("p", {}, make("strong", {}, "Why: "), marked(plan.reason, [], query)),
    planText(plan), planSteps(plan, null), callFacts(plan.call));

const planText = (plan) =>
  [plan.formulation, plan.goal].filter(Boolean).map((text) => make("p", {}, marked(text, [], query)));

/** The plan in force in a turn: the last one made by then. */
function planAt(turn) {
  const place = session.turns.indexOf(turn);
  return session.turns.slice(1, place + 1).reverse().find((earlier) => earlier.plan)?.plan ?? session.plan;
}

function planSteps(plan, now) {
  return make("ol.plan", {}, plan.steps.map((text, place) =>
    make(place + 1 === now ? "li.now" : "li", place + 1 === now ? { "aria-current": "step" } : {}, marked(text, [], query))));
}

function pathStep(turn) {
  const picture = source.drawing(session.graph);
  if (picture) {
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `The session’s graph. Taken in this turn: ${turn.path_text}`);
    for (const arrow of all(".arrow", picture)) {
      const taken = turn.path.some(([from, to]) => from === arrow.dataset.from && to === arrow.dataset.to);
      arrow.classList.toggle("taken", taken);
      if (taken) arrow.parentNode.insertBefore(arrow, find(".node", picture));
    }
    const nodes = new Set(turn.path.flat());
    for (const node of all(".node", picture)) node.classList.toggle("taken", nodes.has(node.dataset.node));
  }
  return step("Path", turn.path_text, make("div.graph-box", { hidden: !graphShown, tabindex: "0", role: "region", "aria-label": "Graph" }, picture));
}

function pickStep(turn) {
  const { pick } = turn;
  const by = { llm: "picked by the model", rules: "picked by the rules", every: "no pick: every technique", human: "picked by a person" }[pick.source] ?? pick.source;
  const plan = planAt(turn);
  return step("Router’s pick", pick.fallback ? `${by}, as the model gave none` : by,
    make("p", {}, make("strong", {}, pick.techniques.map(words).join(" + ")), pick.reason ? [" — ", marked(pick.reason, [], query)] : null),
    pick.fallback ? make("p.bad", {}, `The model’s pick failed: ${pick.fallback}`) : null,
    facts([...turn.saw, ["special job", pick.act], ["focus", pick.focus], ["the plan no longer fits", pick.revise],
      ["question", pick.asks === false ? "none in this message" : null]]),
    plan ? make("details", { open: true }, make("summary", {}, `Plan: ${plan.technique}`), planText(plan), planSteps(plan, pick.step)) : null,
    callFacts(pick.call));
}

function draftsStep(turn) {
  return step("Candidates", count(turn.drafts.length, "technique"), turn.drafts.map((draft, place) =>
    make(`article.draft.shade-${shadeOf(draft.technique)}${draft.text ? "" : ".unused"}`, { "data-place": `${turn.key}/draft/${place}` },
      make("h4", {}, badge(turn, place), " ", capital(words(draft.technique)), " ",
        make("small", {}, [draft.picked || !turn.pick || turn.pick.source === "every" ? null : "not picked", keptText(draft)].filter(Boolean).join(" · "))),
      draft.error ? make("p.bad", {}, `${draft.refused ? "Refused: " : "No candidate: "}${draft.error}`) : null,
      draft.text ? make("p.text", {}, marked(draft.text, draft.kept.map((span) => ({ ...span, place, shade: shadeOf(draft.technique), title: "taken over" })), query)) : null,
      callFacts(draft.call))));
}

function keptText(draft) {
  if (!draft.text || draft.share === null) return null;
  return draft.share ? `${Math.round(draft.share * 100)} % of its words stand in the utterance` : "nothing of it stands word for word in the utterance";
}

function counselorStep(turn, said) {
  const spans = said.kept.map((span) => ({ ...span, shade: shadeOf(turn.drafts[span.place].technique), title: words(turn.drafts[span.place].technique) }));
  const from = [...new Set(spans.map((span) => span.place))].sort((one, other) => one - other);
  const note = turn.drafts.length ? (said.closing ? "closing" : "merged from the candidates") : null;
  return step("Counselor’s utterance", note,
    utterance(turn, said, spans),
    from.length ? make("p.note", {}, "Marked: runs of three words or more that also stand in ", from.map((place, index) =>
      [index ? ", " : "", badge(turn, place), ` ${words(turn.drafts[place].technique)}`]), ".") : null,
    callFacts(said.call));
}

function failureStep(failure) {
  return step("Failed", failure.kind.replaceAll("_", " "), make("p.bad", {}, `At ${words(failure.stage)}: ${failure.message}`), callFacts(failure.call));
}

/** What a call took: model, attempts, tokens with the cached apart, time; and what guards and server objected to. */
function callFacts(call) {
  if (!call) return null;
  const retries = call.requests - call.attempts - call.passed_over;
  return [
    facts([
      ["model", call.model], ["time", seconds(call.seconds)], ["tokens", tokensText(call)],
      ["answers", call.attempts === 1 ? null : number(call.attempts)],
      ["passed over", call.passed_over ? number(call.passed_over) : null],
      ["requests made again", retries > 0 ? number(retries) : null],
      ["structured by", call.structured], ["ended by", call.finish_reason === "stop" ? null : call.finish_reason],
      ["endpoint", call.endpoint], ["seed", call.seed === null ? null : String(call.seed)],
    ]),
    call.findings.length ? make("ul.findings", {}, call.findings.map((finding) => make("li", {},
      make("strong", {}, words(finding.kind)), finding.detail ? `: ${finding.detail}` : "",
      finding.repaired ? " (mended)" : " (asked again)"))) : null,
    call.errors.length ? make("ul.findings.bad", {}, call.errors.map((error) => make("li", {}, error))) : null,
  ];
}

function tokensText(call) {
  if (call.prompt_tokens === null && call.completion_tokens === null) return "not reported";
  const cached = call.cached_tokens === null ? "" : ` (${number(call.cached_tokens)} cached)`;
  return `${number(call.prompt_tokens ?? 0)} in${cached}, ${number(call.completion_tokens ?? 0)} out`;
}

/** The calls whose time is known, when the first began and how long they took together, in seconds. */
function scale(calls) {
  const timed = calls.filter((call) => call.offset !== null);
  const start = Math.min(...timed.map((call) => call.offset));
  return { timed, start, length: Math.max(...timed.map((call) => call.offset + call.seconds)) - start || 1 };
}

/** A bar for every call on one scale of time, so that overlaps show. */
function lanes(calls) {
  const { timed, start, length } = scale(calls);
  return make("div.times", { role: "list" }, timed.map((call) => {
    const from = call.offset - start;
    const bar = barOf(call, from, length);
    const told = `${callName(call)}: from ${seconds(from)} to ${seconds(from + call.seconds)}`;
    return [make("span.name", { role: "listitem", "aria-label": told, title: told }, callName(call)),
      make("span.lane", { "aria-hidden": "true" }, bar), make("span", { "aria-hidden": "true" }, seconds(call.seconds))];
  }));
}

function barOf(call, from, length) {
  const bar = make("i", { title: `${callName(call)}, ${seconds(call.seconds)}` });
  if (call.errors.length || call.attempts > 1) bar.classList.add("bad-call");
  bar.style.left = `${(100 * from) / length}%`;
  bar.style.width = `${(100 * call.seconds) / length}%`;
  bar.style.setProperty("--bar", `var(--edge-${shadeOf(call.role)})`);
  return bar;
}
