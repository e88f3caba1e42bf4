"use strict";
// A practice session: the dialogue, what one says, advice, and the end.

let seat = null;
let state = null;
let stopFollowing = null;
let ending = false;
let shownUntil = 0;

const DRAFT = "draft of ";
const api = (what) => `api/practice/${encodeURIComponent(seat)}${what}`;

function enterPractice(name) {
  [seat, state, ending, shownUntil] = [name, null, false, 0];
  find("#dialogue").replaceChildren();
  find("#advice").replaceChildren();
  find("#review").hidden = true;
  find("#message").value = sessionStorage.getItem(DRAFT + name) ?? "";
  show("practise");
  stopFollowing = followStates(api("/events"), takeState);
}

function leavePractice() {
  stopFollowing?.();
  [stopFollowing, seat, state] = [null, null, null];
}

function takeState(next) {
  if (next.name !== seat || (state && next.number < state.number)) return;
  const first = state === null;
  state = next;
  document.title = `${state.client} · practice`;
  find("#title").textContent = state.client;
  find("#subtitle").textContent = "You are the counselor. The client is simulated, and invented.";
  if (first || state.over) showClient();
  showDialogue(first);
  showTurn();
  if (state.over) showReview(state.over);
}

function showClient() {
  const { exercise } = state;
  find("#exercise").replaceChildren(...(exercise ? [make("h2", {}, exercise.title), make("p.text", {}, exercise.task)] : []));
  for (const [name, help] of [["hint", "hint"], ["why", "why"], ["magnet", "magnet"], ["undo", "back"]]) {
    find(`[data-do=${name}]`).hidden = Boolean(exercise) && !exercise.help.includes(help);
  }
  find("#client").replaceChildren(...(state.reason ? [facts(state.facts), make("p", {}, make("b", {}, "Reason for coming: "), state.reason)] : []));
  find("#about-client").hidden = !state.reason;
  find("#about-client").open = innerWidth > 700;
}

/** The dialogue as it stands: what is new is added, so that a screen reader reads it alone; what was taken back goes. */
function showDialogue(first) {
  const box = find("#dialogue");
  const lines = state.dialogue.map((one) => ({ ...one, key: `${one.turn}/${one.speaker}/${one.text}` }));
  const last = lines.at(-1);
  if (state.pending && !(last?.mine && last.text === state.pending)) {
    lines.push({ turn: state.turn, speaker: "counselor", text: state.pending, mine: true, pending: true, key: `pending/${state.pending}` });
  }
  const there = [...box.children];
  let same = 0;
  while (same < there.length && same < lines.length && there[same].dataset.key === lines[same].key) same += 1;
  there.slice(same).forEach((element) => element.remove());
  box.append(...lines.slice(same).map(utteranceOf));
  for (const button of all("[data-back]", box)) [button.disabled, button.hidden] = [!state.waiting, Boolean(state.over)];
  if (same < lines.length || first) box.scrollTop = box.scrollHeight;
  if (lines.length > shownUntil && lines.length > 2 && box.clientHeight === box.scrollHeight) box.lastElementChild?.scrollIntoView({ block: "nearest" });
  shownUntil = lines.length;
}

function utteranceOf(one) {
  const who = one.speaker === "client" ? state.client : one.mine ? "You" : "Counselor";
  const back = one.mine && !one.pending && (!state.exercise || state.exercise.help.includes("back"))
    ? make("p.back", {}, make("button", { type: "button", "data-back": one.turn }, "Take back from here on")) : null;
  return make(`div.said.${one.speaker}${one.pending ? ".pending" : ""}`, { "data-key": one.key, id: one.mine ? `turn-${one.turn}` : null },
    make("span.who", {}, who), make("span.text", {}, one.text), back);
}

function showTurn() {
  const { over, failure, waiting, busy } = state;
  find("#turn").textContent = over ? "The session is over" : `Turn ${state.turn} of ${state.turns}`;
  find("#say").hidden = Boolean(over || failure);
  find("#failed").hidden = !failure || busy;
  find("#failure").textContent = failure ?? "";
  const said = state.problem ? `That was not said: ${state.problem}.`
    : busy ? `${state.pending ? state.client : "The session"}: ${state.doing.join(", ") || "one moment"} …`
      : state.closing ? `${state.closing} Your next message closes the session.` : "";
  find("#state").textContent = said;
  for (const button of all("#say button")) button.disabled = !waiting || busy;
  const closes = ending || Boolean(state.closing);
  find("[data-do=end]").setAttribute("aria-pressed", String(closes));
  find("#message-label").textContent = closes ? "Your goodbye" : "Your message";
}

async function say() {
  const box = find("#message");
  const text = box.value;
  if (!text.trim() || !state?.waiting || state.busy) return;
  const next = await ask(api("/say"), { text, closing: ending });
  if (!next) return;
  box.value = "";
  sessionStorage.removeItem(DRAFT + seat);
  ending = false;
  find("#advice").replaceChildren();
  takeState(next);
}

async function advise(what, title) {
  const box = find("#advice");
  box.replaceChildren(make("h2", {}, title), make("p.dim", {}, "One moment …"));
  const answer = await ask(api(`/${what}`), {});
  if (!answer) return box.replaceChildren();
  return box.replaceChildren(make("h2", {}, title), ...answer.lines.map((line) => make("p", {}, line)),
    ...(answer.said ? [make("div.told", {}, make("span.who", {}, "MAGneT would say (it is not said)"), make("span.text", {}, answer.said))] : []));
}

async function takeBack(turn) {
  const text = state.dialogue.find((one) => one.mine && one.turn === turn)?.text ?? "";
  const next = await ask(api("/back"), { turn });
  if (!next) return;
  find("#message").value ||= text;
  find("#advice").replaceChildren();
  takeState(next);
  find("#message").focus();
}

const DO = {
  hint: () => advise("hint", "Hint"),
  why: () => advise("why", "Your last message"),
  magnet: () => advise("magnet", "What would MAGneT say?"),
  undo: () => {
    const last = state.dialogue.findLast((one) => one.mine);
    return last ? takeBack(last.turn) : problem("You have said nothing yet.");
  },
  end: () => { ending = !ending; showTurn(); find("#message").focus(); },
  again: async () => { const next = await ask(api("/again"), {}); if (next) { state = null; takeState(next); } },
};

find("#practise").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !state) return;
  if (button.dataset.turn) find(`#turn-${button.dataset.turn}`)?.scrollIntoView({ block: "center" });
  else if (button.dataset.back) takeBack(Number(button.dataset.back));
  else DO[button.dataset.do]?.();
});
find("#say").addEventListener("submit", (event) => { event.preventDefault(); say(); });
find("#message").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
find("#message").addEventListener("input", (event) => sessionStorage.setItem(DRAFT + seat, event.target.value));
setInterval(() => {
  if (!state || state.over) return;
  const passed = Math.max(0, Math.floor((Date.now() - Date.parse(state.started_at)) / 1000));
  find("#timer").textContent = `${Math.floor(passed / 60)}:${String(passed % 60).padStart(2, "0")}`;
}, 1000);
