// What is open, the address, keys. The sessions come from `source`.

let rows = [];
let session = null;
let view = "overview";
let graphShown = false;
let many = false;

const DEFAULT_VIEW = "overview";
const THEMES = ["device", "light", "dark"];
const field = (event) => event.target.closest("input:not([type=checkbox]), select, textarea");

/** The address of a view of the session: #turn-7, or #session=…&turn=7 where there are many. */
function addressOf(key, id = session?.id) {
  if (many) return `#session=${encodeURIComponent(id)}${key === DEFAULT_VIEW ? "" : `&turn=${key}`}`;
  return key === DEFAULT_VIEW ? "#overview" : `#turn-${key}`;
}

function wanted() {
  const hash = location.hash.slice(1);
  const fields = new URLSearchParams(hash);
  const turn = fields.get("turn") ?? hash.match(/^turn-(\w+)$/)?.[1] ?? DEFAULT_VIEW;
  return { id: fields.get("session"), turn, sought: fields.get("words"), fields };
}

/** Show what the address says. */
async function follow() {
  const { id, turn, sought, fields } = wanted();
  source.leave();
  problem("");
  const other = Object.keys(source.views).find((name) => fields.has(name));
  if (other) return source.views[other](fields.get(other));
  const row = many ? rows.find((one) => one.id === id) ?? source.unlisted(id) : rows[0];
  if (!row) {
    if (id) problem(`There is no session ${id} in this page.`);
    return showList();
  }
  if (session?.id !== row.id) {
    const loaded = await source.session(row);
    if (many && wanted().id !== row.id) return null; // somebody has gone on meanwhile
    if (!loaded) return showList();
    load(loaded);
  }
  show(turn);
  return sought && searchFor(sought);
}

function load(loaded) {
  session = withCalls(loaded);
  query = find("#query").value = "";
  hits = [];
  tellHits();
  find("#title").textContent = `${session.name}, ${session.attitude} attitude`;
  find("#subtitle").textContent = `${session.method} · ${session.ended} · ${session.id.slice(0, 13)}`;
  document.title = `${session.name} · ${session.method}`;
  find("#session").dataset.pane = wanted().turn === DEFAULT_VIEW ? "dialogue" : "steps";
  markPane();
}

/** The calls stand once in the file, in a list: elsewhere is their place in it. */
function withCalls(loaded) {
  for (const turn of loaded.turns) {
    turn.calls = turn.calls.map((place) => loaded.calls[place]);
    for (const item of [turn.plan, turn.pick, turn.failure, ...turn.drafts, ...turn.said]) {
      if (item) item.call = loaded.calls[item.call] ?? null;
    }
  }
  loaded.plan = loaded.turns[0].plan;
  return loaded;
}

/** Show one part of the page, and what the header has for it. */
function showPart(name) {
  document.documentElement.dataset.view = name;
  for (const part of find("main").children) part.hidden = part.id !== name;
  for (const part of all("[data-for]")) part.hidden = part.dataset.for !== name;
  find("#to-list").hidden = name === "list" || !many;
}

function showList() {
  showPart("list");
  find("#title").textContent = document.title = rows.title;
  find("#subtitle").textContent = "Simulated sessions with invented clients. Not for care.";
  const before = session && rows.find((row) => row.id === session.id);
  if (before) find("a", before.element).focus();
}

function show(key) {
  const known = key === DEFAULT_VIEW || session.turns.some((turn) => turn.key === key);
  view = known ? key : DEFAULT_VIEW;
  showPart("session");
  if (find("#dialogue").dataset.session !== session.id) {
    find("#dialogue").dataset.session = session.id;
    renderDialogue();
  }
  markCurrent();
  renderSteps();
  find("#steps").scrollTop = 0;
}

function renderSteps() {
  const turn = session.turns.find((one) => one.key === view);
  const place = session.turns.indexOf(turn);
  find("#steps-title").textContent = turn ? `${turnTitle(turn)}${turnNote(turn) ? ` · ${turnNote(turn)}` : ""}` : "Overview";
  find("[data-do=previous]").disabled = place < 0;
  find("[data-do=next]").disabled = place === session.turns.length - 1;
  find("#steps-body").replaceChildren(...(turn ? renderTurn(turn) : renderOverview()).flat(Infinity).filter(Boolean));
  find("#to-graph").setAttribute("aria-pressed", String(graphShown));
  find("#to-overview").setAttribute("aria-pressed", String(!turn));
}

/** Open a turn: the address changes with it. */
function open({ turn }, { focus = true, replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", addressOf(turn));
  show(turn);
  announce(find("#steps-title").textContent);
  if (!focus) return;
  const link = find(`[data-turn="${view}"]`);
  const target = link?.getClientRects().length ? link : find("#steps-title");
  target.focus({ preventScroll: true });
}

function walk(by) {
  const keys = [DEFAULT_VIEW, ...session.turns.map((turn) => turn.key)];
  const next = keys[keys.indexOf(view) + by];
  if (next !== undefined) open({ turn: next });
}

function showPane(name) {
  find("#session").dataset.pane = name;
  markPane();
  if (name === "dialogue") markCurrent();
}

function markPane() {
  for (const name of ["dialogue", "steps"]) {
    find(`[data-do=${name}-pane]`).setAttribute("aria-pressed", String(find("#session").dataset.pane === name));
  }
}

function goToSteps() {
  showPane("steps");
  find("#steps-title").focus({ preventScroll: true });
  find("#steps").scrollTop = 0;
}

function back() {
  if (query) return endSearch(), find(`[data-turn="${view}"]`)?.focus();
  if (document.activeElement.closest("#steps") || find("#session").dataset.pane === "steps") {
    showPane("dialogue");
    const link = find(`[data-turn="${view}"]`);
    if (link && link !== document.activeElement) return link.focus();
  }
  if (many) location.hash = "";
}

function toggleGraph() {
  graphShown = !graphShown;
  if (view === DEFAULT_VIEW && graphShown) open({ turn: session.turns[0].key }, { focus: false });
  renderSteps();
  if (graphShown) showPane("steps");
  announce(graphShown ? "Graph shown" : "Graph hidden");
}

function nextTheme(button) {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "device") + 1) % THEMES.length];
  root.dataset.theme = next;
  button.textContent = `Theme: ${next}`;
}

const DO = {
  list: () => (location.hash = ""),
  overview: () => open({ turn: DEFAULT_VIEW }),
  graph: toggleGraph,
  theme: nextTheme,
  help: () => find("#help").showModal(),
  "dialogue-pane": () => showPane("dialogue"),
  "steps-pane": () => showPane("steps"),
  previous: () => walk(-1),
  next: () => walk(1),
  "previous-hit": () => nextHit(-1),
  "next-hit": () => nextHit(1),
};
const SESSION_KEYS = {
  j: () => walk(1), ArrowRight: () => walk(1), k: () => walk(-1), ArrowLeft: () => walk(-1),
  o: DO.overview, g: toggleGraph, Escape: back, "/": () => find("#query").focus(),
};
const LIST_KEYS = { j: () => walkRows(1), k: () => walkRows(-1), "/": () => find("#row-query").focus() };

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) return DO[button.dataset.do](button);
  const sort = event.target.closest("[data-sort]");
  if (sort) return sortRows(Number(sort.dataset.sort));
  const skip = event.target.closest("[data-skip]");
  if (skip) {
    event.preventDefault(); // the address is the turn's
    showPane(skip.dataset.skip);
    return find(`#${skip.dataset.skip}`).focus();
  }
  const link = event.target.closest("[data-turn]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    open({ turn: link.dataset.turn }, { focus: false });
    goToSteps();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
  if (event.target.id === "query" && event.key === "Enter") return nextHit(event.shiftKey ? -1 : 1);
  const escape = event.key === "Escape";
  if (field(event) && !escape) return;
  if (field(event) && escape && !session) return event.target.blur();
  if (!escape && event.key.length === 1 && !find("#shortcuts").checked) return;
  const onTurn = event.target.closest?.("[data-turn]");
  const key = onTurn ? ({ ArrowDown: "j", ArrowUp: "k" }[event.key] ?? event.key) : event.key;
  const keys = document.documentElement.dataset.view === "session" ? SESSION_KEYS : LIST_KEYS;
  const action = key === "?" ? DO.help : keys[key];
  if (!action) return;
  event.preventDefault();
  action();
});

find("#query").addEventListener("input", (event) => search(event.target.value));
addEventListener("hashchange", follow);

(async () => {
  const answer = await source.rows();
  if (!answer) return;
  rows = answer;
  rows.title = document.title;
  many = source.listed || rows.length > 1;
  if (many) buildList();
  await follow();
  performance.mark("shown");
  source.more();
})();
