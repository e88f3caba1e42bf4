"use strict";
// Many sessions at once: what they would be, how they do, and what the whole will take.

let batchNumber = null;
let stopBatch = null;
let batchAsked = null;

async function enterBatch() {
  show("batch");
  document.title = find("#title").textContent = "Many sessions";
  find("#subtitle").textContent = "A batch, as of run.py generate; one at a time";
  batchNumber = null;
  const data = await ask("api/batch/start");
  if (!data) return;
  find("#batch").replaceChildren(make("section", { id: "batch-state", "aria-label": "The batch at work" }), batchForm(data));
  stopBatch?.();
  stopBatch = followStates("api/batch/events", takeBatch);
}

function leaveBatch() {
  stopBatch?.();
  stopBatch = null;
}

function batchForm(data) {
  const some = (name, label, items, size) => make("label", {}, label, make("select", { name, multiple: true, size }, items));
  const preview = make("p", { id: "batch-preview", role: "status" });
  const begin = make("button", { type: "submit", id: "begin-batch" }, "Begin");
  const form = make("form", {},
    some("clients", "Clients (none chosen: all)", data.clients.map((one) => make("option", { value: one.id }, `${one.name} – ${one.id}`)), 6),
    some("methods", "Methods", data.methods.map((one, place) => make("option", { value: one.name, selected: !place }, one.name)), 6),
    some("attitudes", "Attitudes (none: each client’s own)", data.attitudes.map((one) => make("option", { value: one }, one)), Math.min(6, data.attitudes.length)),
    make("label", {}, "Seeds", make("input", { type: "number", name: "seeds", min: "1", max: "500", value: "1" })),
    make("label", {}, "Turns", make("input", { type: "number", name: "turns", min: "1", max: "100", placeholder: "default" })), begin);
  const asked = () => {
    const fields = new FormData(form);
    const turns = fields.get("turns");
    return { clients: fields.getAll("clients"), attitudes: fields.getAll("attitudes"), methods: fields.getAll("methods"),
      seeds: Number(fields.get("seeds") || 1), turns: turns ? Number(turns) : null };
  };
  const look = async () => {
    const mine = batchAsked = asked();
    const seen = mine.methods.length ? await ask("api/batch/preview", mine) : { text: "Choose a method." };
    if (mine === batchAsked) preview.textContent = seen?.text ?? "";
    begin.disabled = !mine.methods.length || !seen;
  };
  form.addEventListener("change", look);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    begin.disabled = true;
    announce("The batch is being prepared.");
    const state = await ask("api/batch", asked());
    begin.disabled = false;
    if (state) showBatch(state);
  });
  look();
  const rows = data.unfinished.map((one) => make("li", {}, make("b", {}, one.name),
    make("span", {}, `${one.finished} of ${one.total} finished${one.failed ? `, ${one.failed} failed` : ""}`),
    make("button", { type: "button", "data-on": one.name, "aria-label": `Go on with ${one.name}` }, "Go on")));
  return make("section", {}, make("h2", {}, "A new batch"),
    make("p", {}, "Every client meets every method, with the same seeds. What it takes is seen once the first sessions have finished."), form, preview,
    rows.length ? [make("h2", {}, "To go on with"), make("ul", { id: "unfinished-batches" }, rows)] : null);
}

function takeBatch(state) {
  if (batchNumber !== null && state.number < batchNumber) return;
  showBatch(state);
}

function showBatch(state) {
  batchNumber = state.number;
  const box = find("#batch-state");
  if (!box) return;
  const ended = state.state === "ended";
  const focused = box.contains(document.activeElement) ? document.activeElement.id : null;
  box.replaceChildren(...(state.state === "none" ? [] : [
    make("h2", {}, state.name),
    make("progress", { max: state.total, value: state.finished, "aria-label": "Finished sessions" }),
    make("p", { id: "batch-line" }, ended ? `Ended: ${state.finished} of ${state.total} finished, ${state.failed} failed.` : state.line),
    state.stopped ? make("p.note", {}, `Stopped: ${state.stopped}.`) : null,
    state.problem ? make("p.bad", {}, state.problem) : null,
    state.warnings.map((text) => make("p.note", {}, text)),
    make("div.actions", {},
      state.state === "running" ? make("button", { type: "button", id: "batch-stop" }, "Stop after the turns in progress") : null,
      state.state === "stopping" ? make("button", { type: "button", id: "batch-stop" }, "Stop at once") : null,
      ended && state.left ? make("button", { type: "button", id: "batch-on", "data-on": state.name }, "Go on") : null,
      ended && state.finished ? make("a.button", { href: `runs/${encodeURIComponent(state.name)}` }, "Read the sessions") : null),
    state.failures.length ? table("Why sessions failed", ["why", "sessions"], state.failures) : null,
    state.forecast.length ? forecastOf(state.forecast) : null,
  ].flat(2).filter(Boolean)));
  if (focused) (find(`#${focused}`) ?? find("button, a", box))?.focus();
}

function forecastOf(rows) {
  const priced = rows.every((row) => row.cost !== null);
  const whole = Math.round;
  return table(`What the whole batch takes, from ${count(rows.reduce((sum, row) => sum + row.sampled, 0), "finished session")}`,
    ["method", "sessions", "calls", "prompt tokens", "answer tokens", "one after another", ...(priced ? ["cost"] : [])],
    rows.map((row) => [row.method, row.sessions, whole(row.calls), whole(row.prompt_tokens), whole(row.completion_tokens), row.lone, ...(priced ? [row.cost.toFixed(2)] : [])]));
}

find("#batch").addEventListener("click", async (event) => {
  const { id, dataset } = event.target.closest("button") ?? { dataset: {} };
  const state = id === "batch-stop" ? await ask("api/batch/stop", {}) : dataset.on ? await ask("api/batch/on", { name: dataset.on }) : null;
  if (state) takeBatch(state);
});
