"use strict";
// Which view the address names: #start, #practise=NAME, #watch=NAME, #evaluate=NAME or #batch.

const day = (moment) => new Date(moment * 1000).toLocaleString();

async function showStart() {
  show("start");
  document.title = find("#title").textContent = "Counseling sessions";
  find("#subtitle").textContent = "Simulated clients, all of them invented";
  const data = await ask("api/start");
  if (!data) return;
  find("#start").replaceChildren(...[beginForm(data), leftList(data.left), await watchPart(data), runList(data.sessions)].filter(Boolean));
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
    button.disabled = true;
    announce("The session is being prepared.");
    button.textContent = "Preparing …";
    const begun = await ask(address, { ...Object.fromEntries(new FormData(form)), turns: turns.value ? Number(turns.value) : null });
    button.disabled = false;
    button.textContent = "Begin";
    if (begun) location.hash = `${view}=${encodeURIComponent(begun.name)}`;
  });
  look();
  return make("section", {}, make("h2", {}, heading), make("p", {}, note), form, preview, after);
}

function leftList(left) {
  if (!left.length) return null;
  return make("section", {}, make("h2", {}, "Sessions to go on with"), make("ul", { id: "left" }, left.map((one) =>
    make("li", {}, make("a", { href: `#practise=${one.name}` }, one.client), make("span", {}, `turn ${one.turns} · ${one.name}`)))));
}

function runList(sessions) {
  return make("section", {}, make("h2", {}, "Sessions of this folder"),
    sessions.length ? make("ul", { id: "runs" }, sessions.map((one) =>
      make("li", {}, make("a", { href: `runs/${encodeURIComponent(one.name)}` }, one.name), make("span", {}, day(one.changed)),
        make("a", { href: `#evaluate=${encodeURIComponent(one.name)}`, "aria-label": `Evaluate ${one.name}` }, "Evaluate")))) : make("p.dim", {}, "There are none yet."));
}

function show(view) {
  for (const one of ["start", "practise", "watch", "batch", "evaluate"]) find(`#${one}`).hidden = one !== view;
  find("#home").hidden = view === "start";
}

async function follow() {
  leavePractice();
  leaveWatch();
  leaveBatch();
  leaveEvaluate();
  problem("");
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.get("practise")) enterPractice(asked.get("practise"));
  else if (asked.get("watch")) enterWatch(asked.get("watch"));
  else if (asked.get("evaluate")) enterEvaluate(asked.get("evaluate"));
  else if (asked.has("batch")) await enterBatch();
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
