// Search in the session that is open: over the dialogue, candidates, reasons and the plan.

let query = "";
let hits = [];
let at = -1;

/** Every hit in the order of the session: the turn it is in, and which text of it. */
function collectHits() {
  hits = [];
  if (!query) return;
  const add = (key, place, text) => {
    hitsIn(text, query).forEach((_, index) => hits.push({ key, place, index }));
  };
  for (const turn of session.turns) {
    if (turn.plan) for (const text of [turn.plan.formulation, turn.plan.reason, turn.plan.goal, ...turn.plan.steps].filter(Boolean)) add(turn.key, null, text);
    if (turn.pick) add(turn.key, null, turn.pick.reason);
    turn.drafts.forEach((draft, index) => add(turn.key, `${turn.key}/draft/${index}`, draft.text));
    for (const said of turn.said) add(turn.key, `${turn.key}/${said.speaker}`, said.text);
  }
}

function search(text) {
  query = text.trim();
  at = -1;
  collectHits();
  renderDialogue();
  renderSteps();
  if (hits.length) nextHit(1, hits.findIndex((hit) => orderOf(hit.key) >= orderOf(view)));
  else tellHits();
}

const orderOf = (key) => (key === "overview" ? -1 : session.turns.findIndex((turn) => turn.key === key));

/** Go to the next hit, or to the one given; around the ends. */
function nextHit(by, to = null) {
  if (!hits.length) return;
  at = to === null ? (at + by + hits.length) % hits.length : Math.max(to, 0);
  const { key, place, index } = hits[at];
  if (key !== view) open({ turn: key }, { focus: false, replace: true });
  for (const mark of all("mark.current")) mark.classList.remove("current");
  const within = place ? all(`[data-place="${place}"]`) : [find("#steps-body")];
  for (const part of within) {
    const marks = all(`mark[data-hit="${index}"]`, part);
    for (const mark of marks) mark.classList.add("current");
    marks[0]?.closest("details")?.setAttribute("open", "");
    marks[0]?.scrollIntoView({ block: "center" });
  }
  tellHits();
}

function tellHits() {
  find("#hits").textContent = !query ? "" : hits.length ? `${at + 1} of ${count(hits.length, "hit")}` : "no hits";
  for (const button of all("[data-do=previous-hit], [data-do=next-hit]")) button.hidden = !hits.length;
}

function searchFor(text) {
  find("#query").value = text;
  search(text);
}

const endSearch = () => searchFor("");
