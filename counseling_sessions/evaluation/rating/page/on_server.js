// Answers are kept by the server of this page. What it has not confirmed yet waits in the browser's storage.

const SOON = 2000; // milliseconds until the server is asked again
const NOTHING = { choices: {}, comment: "", seconds: 0 };
const UNANSWERED = find("#storage-warning").textContent;

let confirmed = {}; // the answers that the server said it has
let sending = false;

const newer = (choices, before) => Object.fromEntries(Object.entries(choices).filter(([name, choice]) => before[name] !== choice));

// What changed here since `before` stands; all else is as it is there.
function joinedOne(here, before, there) {
  return {
    choices: { ...there.choices, ...newer(here.choices, before.choices) },
    comment: here.comment === before.comment ? there.comment : here.comment,
    seconds: there.seconds + Math.max(here.seconds - before.seconds, 0),
  };
}

function joined(here, before, there) {
  const numbers = new Set([...Object.keys(here), ...Object.keys(there)]);
  const of = (rows, number) => rows[number] ?? NOTHING;
  return Object.fromEntries([...numbers].map((number) => [number, joinedOne(of(here, number), of(before, number), of(there, number))]));
}

function load() {
  const stored = read(STORED);
  confirmed = study.answers;
  answers = joined(stored?.answers ?? {}, stored?.confirmed ?? {}, confirmed);
  view = Math.min(Math.max(stored?.view ?? 0, 0), LAST);
}

function keep() {
  const kept = write(STORED, { format: study.format, answers, confirmed, view });
  unsaved = !kept && study.showings.some(waits);
}

function save() {
  keep();
  send();
}

// Whether the server has yet to hear of a showing's answers; time alone is told of what was answered, by the second.
function waits({ number }) {
  const [here, there] = [answers[number] ?? NOTHING, confirmed[number] ?? NOTHING];
  if (here.comment !== there.comment || Object.keys(newer(here.choices, there.choices)).length) return true;
  return touched({ number }) && here.seconds >= there.seconds + 1;
}

function showTrouble(text) {
  find("#storage-warning").hidden = !text;
  find("#storage-warning").textContent = text;
}

// The server's answer, or null where it gave none: then what is wrong stands on the page. A request outlives the page.
async function told(address, body = undefined) {
  const options = body === undefined ? {} : {
    method: "POST", keepalive: true, headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    showTrouble(UNANSWERED);
    setTimeout(send, SOON);
    return null;
  }
  const data = await answer.json().catch(() => ({}));
  showTrouble(answer.ok ? "" : data.problem ?? `The server answered with ${answer.status}.`);
  return answer.ok ? data : null;
}

async function send() {
  if (sending) return;
  sending = true;
  for (let next = study.showings.find(waits); next; next = study.showings.find(waits)) {
    const { number } = next;
    const [before, there] = [structuredClone(answers[number]), confirmed[number] ?? NOTHING];
    const comment = before.comment === there.comment ? null : before.comment;
    const choices = newer(before.choices, there.choices);
    const kept = await told(study.server, { showing: number, choices, comment, seconds: before.seconds });
    if (!kept) break;
    if (answers[number]) take({ ...answers, [number]: joinedOne(answers[number], before, kept) });
    confirmed = { ...confirmed, [number]: kept };
    keep();
  }
  sending = false;
}

// Show what the answers have become, where that is something else.
function take(now) {
  const shown = (rows) => JSON.stringify(study.showings.map(({ number }) => [rows[number]?.comment ?? "", study.questions.map(({ id }) => rows[number]?.choices[id])]));
  const same = shown(now) === shown(answers);
  answers = now;
  if (same) return;
  showAnswers();
  showProgress();
}

// Never while answers are on their way: what the server said before it had them would take them back.
async function refresh() {
  if (sending) return;
  sending = true;
  const data = await told(study.server);
  if (data) {
    take(joined(answers, confirmed, data.answers));
    confirmed = data.answers;
  }
  sending = false;
  if (data) save();
}

async function forget() {
  while (sending) await new Promise((resolve) => setTimeout(resolve, 50));
  sending = true;
  const gone = await told(`${study.server}/erase`, {});
  sending = false;
  if (!gone) return false;
  confirmed = {};
  localStorage.removeItem(STORED);
  return true;
}

// Another tab of this browser: what it has not sent yet counts here too, so that neither overwrites the other's. Its time counts once.
function takeFromTab(text) {
  const other = text ? JSON.parse(text) : { answers: {}, confirmed: {} };
  const both = text ? joined(other.answers, other.confirmed, answers) : {};
  for (const [number, row] of Object.entries(both)) {
    row.seconds = Math.max(answers[number]?.seconds ?? 0, other.answers[number]?.seconds ?? 0);
  }
  take(both);
  confirmed = other.confirmed;
}

function keepInStep() {
  window.addEventListener("storage", ({ key, newValue }) => {
    if (key === STORED) takeFromTab(newValue);
  });
  window.addEventListener("focus", refresh);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
}
