"use strict";
// Which view the address names: #start, #practise=NAME, #rate=STUDY (&progress), #reviews, #watch=NAME, #evaluate=NAME or #batch.

const VIEWS = ["start", "practise", "rate", "watch", "batch", "evaluate"];
const day = (moment) => new Date(moment * 1000).toLocaleString();

async function showStart() {
  show("start");
  document.title = find("#title").textContent = "Counseling sessions";
  find("#subtitle").textContent = "Simulated clients, all of them invented";
  const data = await ask("api/start");
  if (!data) return;
  const parts = [exerciseList(data.exercises), beginForm(data), leftList(data.left), data.parts.includes("watch") ? await watchPart(data) : null, runList(data)];
  find("#start").replaceChildren(...parts.filter(Boolean));
  await listStudies(find("#start"));
}

/** Begin a session at an `address`, and go to its view. */
async function begin(button, address, view, asked) {
  const label = button.textContent;
  button.disabled = true;
  announce("The session is being prepared.");
  button.textContent = "Preparing …";
  const begun = await ask(address, asked);
  button.disabled = false;
  button.textContent = label;
  if (begun) location.hash = `${view}=${encodeURIComponent(begun.name)}`;
}

function exerciseList(exercises) {
  if (!exercises.length) return null;
  return make("section", {}, make("h2", {}, "Exercises"), exercises.map((one) => {
    const button = make("button", { type: "button", "data-exercise": one.name }, "Begin");
    button.addEventListener("click", () => begin(button, "api/practice", "practise", { exercise: one.name }));
    return make("div.preview", {}, make("h3", {}, one.title), make("p.text", {}, one.task),
      one.facts ? [facts(one.facts), make("p", {}, make("b", {}, "Reason for coming: "), one.reason)] : null, button);
  }));
}

const beginForm = (data) => sessionForm(data, {
  heading: "Practise as the counselor", note: "You are the counselor. The client is simulated, and invented.",
  button: "begin", address: "api/practice", view: "practise",
});

/** A form that begins a session at an `address` and goes to its view; `more` are further fields, `after` stands below. */
function sessionForm(data, { heading, note, button: id, address, view, more = [], after = [] }) {
  const client = make("select", { name: "client", id: view === "practise" ? "pick-client" : null }, data.clients.map((one) => make("option", { value: one.id }, `${one.client} – ${one.id}`)));
  const attitude = make("select", { name: "attitude" }, data.attitudes.map((one) => make("option", { value: one, selected: one === data.attitude }, one)));
  const turns = make("input", { type: "number", name: "turns", min: "1", max: "100", placeholder: "default" });
  const preview = make("div.preview", { "aria-live": "polite" });
  const button = make("button", { type: "submit", id }, "Begin");
  const form = make("form", {}, make("label", {}, "Client", client), make("label", {}, "Attitude", attitude), more, make("label", {}, "Turns", turns), button);
  const look = () => {
    const one = data.clients.find((each) => each.id === client.value);
    preview.replaceChildren(facts(one.facts), make("p", {}, make("b", {}, "Reason for coming: "), one.reason));
  };
  client.addEventListener("change", look);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await begin(button, address, view, { ...Object.fromEntries(new FormData(form)), turns: turns.value ? Number(turns.value) : null });
  });
  look();
  return make("section", {}, make("h2", {}, heading), make("p", {}, note), form, view === "practise" ? preview : null, after);
}

function leftList(left) {
  if (!left.length) return null;
  return make("section", {}, make("h2", {}, "Sessions to go on with"), make("ul", { id: "left" }, left.map((one) =>
    make("li", {}, make("a", { href: `#practise=${one.name}` }, one.client), make("span", {}, `turn ${one.turns} · ${one.name}`)))));
}

function runList({ sessions, parts }) {
  return make("section", {}, make("h2", {}, "Sessions of this folder"),
    make("p", {}, make("a", { href: "#reviews" }, "Practice sessions side by side")),
    sessions.length ? make("ul", { id: "runs" }, sessions.map((one) =>
      make("li", {}, make("a", { href: `read/${encodeURIComponent(one.name)}` }, one.name), make("span", {}, day(one.changed)),
        parts.includes("evaluate") ? make("a", { href: `#evaluate=${encodeURIComponent(one.name)}`, "aria-label": `Evaluate ${one.name}` }, "Evaluate") : null))) : make("p.dim", {}, "There are none yet."));
}

function show(view) {
  for (const one of VIEWS) find(`#${one}`).hidden = one !== view;
  find("#home").hidden = view === "start" && location.hash.length < 2;
}

/** A run has a page of its own; what the address says besides goes there. */
function openRun(fields) {
  const run = fields.get("run");
  fields.delete("run");
  location.replace(`read/${encodeURIComponent(run)}#${fields}`);
}

async function follow() {
  leavePractice();
  leaveWatch();
  leaveBatch();
  leaveEvaluate();
  problem("");
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has("run")) return openRun(asked);
  const enter = {
    practise: enterPractice, watch: enterWatch, evaluate: enterEvaluate, batch: enterBatch, reviews: showReviews,
    rate: (study) => enterStudy(study, asked.has("progress")),
  };
  const view = Object.keys(enter).find((name) => asked.has(name));
  if (view) await enter[view](asked.get(view));
  else await showStart();
}

for (const link of all("[data-skip]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    find(`#${link.dataset.skip}`)?.focus();
  });
}
addEventListener("hashchange", follow);
follow();
