"use strict";
// A simulated session that grows: what is said, each pick with its reason, how it is for the client, and the graph at work.

let watched = null;
let watchedState = null;
let stopWatching = null;

const NEAR_END = 80;
const STATES = { running: "running", finished: "finished", failed: "failed", unfinished: "stopped" };
const SOURCES = { llm: "picked by the model", rules: "picked by the rules", every: "every technique", human: "picked by a person" };
const watchApi = (what) => `api/watch/${encodeURIComponent(watched)}${what}`;

/** What the start page has of it: a form, and the sessions that run or can go on. */
async function watchPart(data) {
  const { methods, sessions } = await ask("api/watch") ?? { methods: [], sessions: [] };
  const method = make("select", { name: "method" }, methods.map((one) => make("option", { value: one.name }, `${one.name} – ${one.description}`)));
  const rows = sessions.map((one) => make("li", {},
    make("a", { href: `#watch=${encodeURIComponent(one.name)}` }, one.client), make("span", {}, `${STATES[one.state]} · turn ${one.turns} · ${one.name}`)));
  return sessionForm(data, {
    heading: "Watch a simulated session", note: "Both sides are models. You see it grow, and can stop it and go on.",
    button: "begin-watch", address: "api/watch", view: "watch", more: [make("label", {}, "Method", method)],
    after: [make("p", {}, make("a", { href: "#batch", id: "to-batch" }, "Many sessions at once")), ...(rows.length ? [make("h3", {}, "Running, or to go on with"), make("ul", { id: "watchable" }, rows)] : [])],
  });
}

function enterWatch(name) {
  [watched, watchedState] = [name, null];
  find("#watch").replaceChildren(
    make("section.watch-side", { "aria-label": "How it stands" },
      make("p", { id: "watch-state", role: "status" }),
      make("p.bad", { id: "watch-problem", hidden: true }),
      make("div.actions", {},
        make("button", { type: "button", id: "watch-stop", hidden: true }, "Stop"),
        make("button", { type: "button", id: "watch-on", hidden: true }, "Go on"),
        make("a.button", { id: "watch-trace", href: `runs/${encodeURIComponent(name)}`, hidden: true }, "Step by step")),
      make("div", { id: "watch-facts" }),
      make("details", { id: "watch-graph", open: innerWidth > 700 }, make("summary", {}, "The graph"),
        make("div.graph-box", { tabindex: "0", role: "region", "aria-label": "Graph" })),
      make("details", { id: "watch-course", open: innerWidth > 700, hidden: true }, make("summary", {}, "The client’s state"), make("div")),
      make("details", {}, make("summary", {}, "What the counselor is told"), make("div", { id: "watch-client" }))),
    make("section.dialogue", { id: "watch-dialogue", tabindex: "0", role: "region", "aria-label": "What was said and why" }));
  find("#watch-stop").addEventListener("click", () => steer("/stop"));
  find("#watch-on").addEventListener("click", () => steer("/on"));
  show("watch");
  showGraph(name);
  stopWatching = followStates(watchApi("/events"), takeWatched);
}

function leaveWatch() {
  stopWatching?.();
  [stopWatching, watched, watchedState] = [null, null, null];
}

const firstAction = () => find("#watch .actions > :not([hidden])");

async function steer(what) {
  const name = watched;
  for (const button of all("#watch .actions button")) button.disabled = true;
  const next = await ask(watchApi(what), {});
  for (const button of all("#watch .actions button")) button.disabled = false;
  if (name !== watched) return;
  if (next) takeWatched(next);
  firstAction()?.focus();
}

async function showGraph(name) {
  const drawn = await ask(watchApi("/graph"));
  if (!drawn?.svg || name !== watched) return;
  const picture = new DOMParser().parseFromString(drawn.svg, "text/html").querySelector("svg");
  picture.setAttribute("role", "img");
  find("#watch-graph .graph-box").replaceChildren(document.adoptNode(picture));
  if (watchedState) lightGraph();
}

function takeWatched(next) {
  if (next.name !== watched || (watchedState && next.number < watchedState.number)) return;
  const first = watchedState === null;
  watchedState = next;
  document.title = `${next.client_name} · ${STATES[next.state]}`;
  find("#title").textContent = next.client_name;
  find("#subtitle").textContent = `Simulated session · ${next.attitude} · ${next.method}`;
  showStanding();
  lightGraph();
  showCourse();
  if (first) find("#watch-client").replaceChildren(facts(next.client));
  showSteps(first);
}

function showStanding() {
  const { state, turn, turns_at_most: most, doing, ended, problem: trouble } = watchedState;
  const running = state === "running";
  const turns = `Turn ${turn} of at most ${most}`;
  find("#watch-state").textContent = running ? `${turns} · ${doing.join(", ") || "one moment"} …`
    : state === "unfinished" ? `${turns} · stopped. Its finished turns are kept; “Go on” takes it up.` : `${turns} · ${ended}`;
  find("#watch-problem").hidden = !trouble;
  find("#watch-problem").textContent = trouble;
  const held = document.activeElement;
  find("#watch-stop").hidden = !running;
  find("#watch-on").hidden = running || state === "finished";
  find("#watch-trace").hidden = running;
  if (held.hidden && held.closest("#watch")) firstAction()?.focus();
  find("#watch-facts").replaceChildren(facts(watchedState.facts.filter(([name]) => name !== "turns")));
}

/** The nodes at work stand out, and the way that this turn has taken. */
function lightGraph() {
  const picture = find("#watch-graph svg");
  if (!picture) return;
  const { nodes, path, doing, state } = watchedState;
  for (const node of all(".node", picture)) node.classList.toggle("taken", nodes.includes(node.dataset.node));
  for (const arrow of all(".arrow", picture)) {
    arrow.classList.toggle("taken", path.some(([from, to]) => from === arrow.dataset.from && to === arrow.dataset.to));
  }
  picture.setAttribute("aria-label", `The session’s graph. ${state === "running" && doing.length ? `At work: ${doing.join(", ")}` : "Nothing is at work"}`);
}

function showCourse() {
  const points = watchedState.course;
  const box = find("#watch-course");
  const drawn = JSON.stringify(points);
  if (box.dataset.drawn === drawn) return;
  box.dataset.drawn = drawn;
  box.hidden = !points.length;
  const open = find("details", box)?.open ?? false;
  find("div", box).replaceChildren(...(points.length ? curves(points, watchedState.texts) : []));
  if (points.length) find("details", box).open = open;
}

/** What is new is added, so that a place in the text stays; what was taken back goes. New words are read out, the rest is not. */
function showSteps(first) {
  const box = find("#watch-dialogue");
  const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
  const lines = watchedState.turns.flatMap(linesOf).map(({ key, ...one }) => ({ ...one, key: JSON.stringify(key) }));
  const there = [...box.children];
  let same = 0;
  while (same < there.length && same < lines.length && there[same].dataset.key === lines[same].key) same += 1;
  there.slice(same).forEach((element) => element.remove());
  for (const { key, element } of lines.slice(same)) {
    element.dataset.key = key;
    box.append(element);
  }
  if (near || first) box.scrollTop = box.scrollHeight;
  const spoken = lines.slice(same).filter((one) => one.spoken).at(-1);
  if (spoken && !first) announce(spoken.spoken);
}

const line = (key, element, spoken = null) => ({ key, element, spoken });
const who = (said) => (said.speaker === "client" ? watchedState.client_name : "Counselor");

function linesOf(turn) {
  const at = [turn.key, turn.phase, turn.step];
  const lines = [line([...at, "title"], make("h2", {}, turn.label, make("small", {}, [turn.phase, turn.step ? `plan step ${turn.step}` : null].filter(Boolean).join(" · "))))];
  const said = (speaker) => turn.said.filter((one) => one.speaker === speaker).map((one) => line([turn.key, speaker, one.text],
    make(`div.said.${speaker}`, {}, make("span.who", {}, who(one)), make("span.text", {}, one.text)), `${who(one)}: ${one.text}`));
  const opening = turn.key === "0";
  if (opening) lines.push(...said("counselor"), ...said("client"));
  if (turn.plan) lines.push(line([turn.key, "plan", turn.plan.goal], planOf(turn.plan, opening)));
  if (turn.risk) lines.push(line([turn.key, "risk", turn.risk], make("p.note", {}, `Risk: ${turn.risk}`)));
  if (turn.pick) lines.push(line([turn.key, "pick", turn.pick], pickOf(turn)));
  else if (turn.progress) lines.push(line([turn.key, "progress", turn.progress], make("p.note", {}, `${capital(turn.phase)}: ${turn.progress}`)));
  if (turn.drafts.length) lines.push(line([turn.key, "drafts", turn.drafts.map((one) => one.technique)], draftsOf(turn.drafts)));
  if (!opening) {
    lines.push(...said("counselor"));
    if (turn.client_state) lines.push(line([turn.key, "state", turn.client_state], make("details", { open: true }, make("summary", {}, "How it is for the client"), facts(turn.client_state))));
    lines.push(...said("client"));
  }
  if (turn.failure && turn.failure.kind !== "unfinished") lines.push(line([turn.key, "failure", turn.failure.message], make("p.bad", {}, `${capital(turn.failure.message)}.`)));
  return lines;
}

const planOf = (plan, first) => make("div.why", {},
  make("p", {}, make("b", {}, `${first ? "Plan" : "The plan no longer fits; the new one"}: ${plan.technique}`), plan.reason ? ` – ${plan.reason}` : ` – ${plan.goal}`),
  make("ol.plan", {}, plan.steps.map((text) => make("li", {}, text))));

const pickOf = ({ pick, progress }) => make("div.why", {},
  make("p", {}, make("b", {}, pick.techniques.map(words).join(" + ")), pick.reason ? ` – ${pick.reason}` : null,
    make("span.dim", {}, ` (${pick.fallback ? "picked by the rules, as the model gave no pick" : SOURCES[pick.source] ?? words(pick.source)})`)),
  progress ? make("p.note", {}, capital(progress)) : null);

const draftsOf = (drafts) => make("details", {}, make("summary", {}, count(drafts.length, "draft")),
  drafts.map((draft) => make("p", {}, make("b", {}, `${capital(words(draft.technique))}: `), draft.error ? make("span.bad", {}, draft.error) : draft.text)));
