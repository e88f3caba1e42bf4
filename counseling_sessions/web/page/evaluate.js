"use strict";
// The evaluation of a run: begun by a button, followed while it works, and read on a page of its own.

let evaluated = null;
let stopEvaluating = null;

const evaluateApi = (what) => `api/evaluate/${encodeURIComponent(evaluated)}${what}`;

function enterEvaluate(name) {
  evaluated = name;
  document.title = find("#title").textContent = "Evaluation";
  find("#subtitle").textContent = name;
  find("#evaluate").replaceChildren();
  show("evaluate");
  stopEvaluating = followStates(evaluateApi("/events"), showEvaluation);
}

function leaveEvaluate() {
  stopEvaluating?.();
  [stopEvaluating, evaluated] = [null, null];
}

function showEvaluation(state) {
  if (state.name !== evaluated) return;
  const { at_work: working, stage, done, of, problem: trouble, report } = state;
  const box = find("#evaluate");
  const held = box.contains(document.activeElement);
  box.replaceChildren(make("section", { "aria-label": "Evaluation" }, ...[
    make("p", {}, "What its sessions are like, by every measure that needs no judge; the same as run.py evaluate."),
    working ? make("progress", { max: of || 1, value: of ? done : null, "aria-label": "Sessions measured" }) : null,
    make("p", { id: "evaluate-state", role: "status" }, working ? `${capital(stage || "beginning")} … ${of ? `${done} of ${count(of, "session")}` : ""}` : report ? "There is a report." : "There is no report yet."),
    trouble ? make("p.bad", { id: "evaluate-problem" }, trouble) : null,
    make("div.actions", {},
      working ? make("button", { type: "button", "data-evaluate": "/stop" }, "Stop") : make("button", { type: "button", "data-evaluate": "" }, report ? "Evaluate again" : "Evaluate"),
      report && !working ? make("a.button", { href: `reports/${encodeURIComponent(evaluated)}`, id: "report" }, "Read the report") : null,
      make("a.button", { href: `runs/${encodeURIComponent(evaluated)}` }, "Read the sessions")),
  ].filter(Boolean)));
  if (held) find("button", box).focus();
}

find("#evaluate").addEventListener("click", async (event) => {
  const what = event.target.closest("button")?.dataset.evaluate;
  if (what === undefined) return;
  const state = await ask(evaluateApi(what), {});
  if (state) showEvaluation(state);
});
