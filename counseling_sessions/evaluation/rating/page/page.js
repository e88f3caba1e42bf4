// What is shown, and what the rater does.

function announce(text) {
  find("#announcer").textContent = text;
}

function showAnswers() {
  for (const showing of study.showings) {
    const section = find(`#showing-${showing.number}`);
    const kept = answers[showing.number];
    for (const input of all("input[type=radio]", section)) input.checked = false;
    study.questions.forEach((item, position) => {
      const chosen = find(`#showing-${showing.number}-${position}-${kept?.choices[item.id]}`);
      if (chosen) chosen.checked = true;
    });
    find("textarea", section).value = kept?.comment ?? "";
  }
}

function showProgress() {
  const asked = study.showings.length * study.questions.length;
  const progress = find("#progress");
  progress.max = asked;
  progress.value = total();
  find("#answered").textContent = view < LAST && view ? `${given(view)} of ${study.questions.length} answered` : "";
  const done = study.showings.filter((showing) => complete(showing.number)).length;
  find("#summary").textContent =
    `${done} of ${study.showings.length} ${study.words.noun}s are complete; ${total()} of ${asked} questions are answered.`;
  for (const button of all("#list button")) {
    const number = Number(button.dataset.view);
    const state = complete(number) ? "complete" : given(number) ? `${given(number)} of ${study.questions.length}` : "open";
    button.textContent = `${study.words.Noun} ${number}: ${state}`;
    button.className = complete(number) ? "complete" : "";
  }
}

function show(next, focus = true) {
  countTime();
  view = Math.min(Math.max(next, 0), LAST);
  find("#instructions").hidden = view !== 0;
  find("#overview").hidden = view !== LAST;
  for (const section of all(".showing")) section.hidden = Number(section.dataset.number) !== view;
  const showing = view > 0 && view < LAST;
  document.documentElement.dataset.screen = showing ? "showing" : "text";
  find("#bar").hidden = view === 0;
  find("#place").textContent = showing ? `${study.words.Noun} ${view} of ${study.showings.length}` : "Overview";
  find("[data-do=next]").disabled = view === LAST;
  for (const link of all("[data-skip]")) {
    link.parentElement.hidden = !showing;
    link.href = `#${link.dataset.skip}-${view}`;
  }
  const open = study.questions.findIndex((item) => !answers[view]?.choices[item.id]);
  mark(Math.max(open, 0));
  showProgress();
  save();
  if (!focus) return;
  window.scrollTo(0, 0);
  find(showing ? `#showing-${view} h2` : view ? "#overview-title" : "#instructions-title").focus({ preventScroll: true });
}

function mark(position) {
  question = Math.min(Math.max(position, 0), study.questions.length - 1);
  for (const fieldset of all(".showing:not([hidden]) fieldset")) {
    fieldset.classList.toggle("current", Number(fieldset.dataset.position) === question);
  }
}

function goToQuestion(position) {
  mark(position);
  const fieldset = find(".showing:not([hidden]) fieldset.current");
  (find("input:checked", fieldset) ?? find("input", fieldset)).focus({ preventScroll: true });
  fieldset.scrollIntoView({ block: "nearest" });
}

function firstOpen() {
  const open = study.showings.find((showing) => !complete(showing.number));
  return open ? open.number : LAST;
}

function choose(number, position, choice) {
  answer(number).choices[study.questions[position].id] = choice;
  unsaved = true;
  save();
  showProgress();
  const done = complete(number) ? `This ${study.words.noun} is complete.` : `${given(number)} of ${study.questions.length} answered.`;
  const chosen = find(`#showing-${number}-${position}-${choice}`).labels[0].textContent;
  announce(`${study.questions[position].title}: ${chosen}. ${done}`);
}

function download() {
  countTime();
  const link = document.createElement("a");
  const text = JSON.stringify(exported(), null, 1);
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `rating-${study.study}-${study.rater}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  unsaved = false;
  announce(`Exported as ${link.download}.`);
}

async function erase() {
  if (!(await ask("Erase your answers?", `${count(total(), "answer")} ${study.words.erase}`, "Erase"))) return;
  if (!(await forget())) return;
  answers = {};
  showAnswers();
  show(0);
}

function ask(title, text, yes) {
  const dialog = find("#confirm");
  find("#confirm-title").textContent = title;
  find("#confirm-text").textContent = text;
  find("#confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const actions = {
  instructions: () => show(0),
  begin: () => show(firstOpen()),
  overview: () => show(LAST),
  previous: () => show(view - 1),
  next: () => show(view + 1),
  keys: () => find("#keys").showModal(),
  export: download,
  erase,
};

const inShowing = (action) => () => {
  if (view > 0 && view < LAST) action();
};
const keys = {
  n: actions.next,
  p: actions.previous,
  "?": actions.keys,
  j: inShowing(() => goToQuestion(question + 1)),
  k: inShowing(() => goToQuestion(question - 1)),
  c: inShowing(() => find(".showing:not([hidden]) textarea").focus()),
  d: inShowing(() => {
    const details = find(".showing:not([hidden]) fieldset.current details");
    details.open = !details.open;
  }),
};

function chooseByKey(choice) {
  const input = find(`.showing:not([hidden]) fieldset.current input[value="${choice}"]`);
  input.checked = true;
  choose(view, question, input.value);
  goToQuestion(question + 1);
}

function onKey(event) {
  if (event.target.matches("textarea")) {
    if (event.key === "Escape") goToQuestion(question);
    return;
  }
  const elsewhere = event.target.matches("select, input:not([type=radio])") || find("dialog[open]");
  if (elsewhere || !preferences.shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // By place on the keyboard as well: on some layouts a digit needs the shift key.
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1] ?? event.key;
  const choice = study.choices.find(({ key }) => key === digit);
  const action = choice ? inShowing(() => chooseByKey(choice.value)) : keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function onChange({ target }) {
  if (target.matches(".showing input[type=radio]")) {
    choose(view, Number(target.closest("fieldset").dataset.position), target.value);
  } else if (target.id === "appearance" || target.id === "shortcuts") {
    preferences = { appearance: find("#appearance").value, shortcuts: find("#shortcuts").checked };
    write(PREFERENCES, preferences);
    applyPreferences();
  }
}

function applyPreferences() {
  document.documentElement.dataset.appearance = preferences.appearance;
  find("#appearance").value = preferences.appearance;
  find("#shortcuts").checked = preferences.shortcuts;
}

function listen() {
  // Before the rest, so that an answer is saved with the time that led to it.
  for (const sign of ["keydown", "pointerdown", "wheel"]) document.addEventListener(sign, countTime, { passive: true });
  document.addEventListener("scroll", countTime, { passive: true, capture: true });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.do) actions[button.dataset.do]();
    else if (button?.dataset.view) show(Number(button.dataset.view));
  });
  document.addEventListener("change", onChange);
  document.addEventListener("keydown", onKey);
  document.addEventListener("focusin", ({ target }) => {
    const fieldset = target.closest("fieldset");
    if (fieldset) mark(Number(fieldset.dataset.position));
  });
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("textarea")) return;
    answer(view).comment = target.value;
    unsaved = true;
    save();
  });
  document.addEventListener("visibilitychange", () => {
    countTime();
    save();
    watched = !document.hidden;
  });
  window.addEventListener("pagehide", () => {
    countTime();
    save();
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  keepInStep();
}

preferences = { ...preferences, ...read(PREFERENCES) };
load();
build();
applyPreferences();
showAnswers();
listen();
show(view, false);
