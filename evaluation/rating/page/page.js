"use strict";
// A rater's page. The study's texts are in the page; answers are kept in the browser's storage and leave it as a file only.
{
  const study = JSON.parse(document.getElementById("study").textContent);
  const KIND = "counseling-sessions ratings";
  const STORED = `counseling-sessions-rating:${study.study}:${study.rater}`;
  const PREFERENCES = "counseling-sessions-rating:preferences";
  const CHOICES = ["a", "b", "tie", "cannot_say"];
  const LAST = study.showings.length + 1; // views: 0 is the instructions, then the pairs, then the overview
  const IDLE = 120; // seconds without a sign of the rater that still count as reading

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const put = (tag, text, parent) => {
    const element = parent.appendChild(document.createElement(tag));
    element.textContent = text;
    return element;
  };

  let answers = {}; // by the showing's number: {choices: {aspect: choice}, comment, seconds}
  let view = 0;
  let aspect = 0; // the aspect that keys answer
  let preferences = { appearance: "", shortcuts: true };
  let unsaved = false; // there are answers that neither the storage nor a file has
  let active = Date.now();

  // Storage

  function read(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  function write(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  function load() {
    const stored = read(STORED);
    answers = stored?.answers ?? {};
    view = Math.min(Math.max(stored?.view ?? 0, 0), LAST);
  }

  function save() {
    const kept = write(STORED, { format: study.format, answers, view });
    if (kept) unsaved = false;
    find("#storage-warning").hidden = kept;
  }

  // Answers

  const given = (number) => Object.keys(answers[number]?.choices ?? {}).length;
  const total = () => study.showings.reduce((sum, showing) => sum + given(showing.number), 0);
  const complete = (number) => given(number) === study.aspects.length;
  const touched = ({ number }) => given(number) > 0 || Boolean(answers[number]?.comment);

  function answer(number) {
    answers[number] ??= { choices: {}, comment: "", seconds: 0 };
    return answers[number];
  }

  function choose(number, position, choice) {
    answer(number).choices[study.aspects[position].id] = choice;
    unsaved = true;
    save();
    showProgress();
    const done = complete(number) ? "This pair is complete." : `${given(number)} of ${study.aspects.length} answered.`;
    const chosen = find(`#pair-${number}-${position}-${choice}`).labels[0].textContent;
    announce(`${study.aspects[position].title}: ${chosen}. ${done}`);
  }

  // Reading counts while there are signs of the rater; a pause counts for IDLE seconds at most.
  function countTime() {
    const now = Date.now();
    if (view >= 1 && view < LAST && !document.hidden) {
      const pair = answer(view);
      pair.seconds = Math.round((pair.seconds + Math.min((now - active) / 1000, IDLE)) * 10) / 10;
    }
    active = now;
  }

  // Building the page

  function buildSession(root, session, name, id) {
    root.id = id;
    root.setAttribute("aria-label", `Session ${name.toUpperCase()}`);
    session.messages.forEach(([speaker, text], index) => {
      const item = copy("message");
      item.className = speaker;
      const who = find(".who", item);
      put("span", `${name.toUpperCase()}${index + 1}`, who).className = "number";
      put("span", speaker === "counselor" ? "Counselor" : "Client", who);
      const said = find(".text", item);
      said.lang = session.lang;
      said.textContent = text || "(empty message)";
      find("ol", root).append(item);
    });
  }

  function buildAspect(parent, number, item, position) {
    const fieldset = copy("aspect");
    fieldset.dataset.position = position;
    find("legend", fieldset).textContent = item.title;
    find(".definition", fieldset).textContent = item.definition;
    find(".look-for", fieldset).textContent = `Look for: ${item.look_for}`;
    for (const input of all("input", fieldset)) {
      input.name = `pair-${number}-${position}`;
      input.id = `${input.name}-${input.value}`;
    }
    parent.append(fieldset);
  }

  function buildPair(showing) {
    const { number } = showing;
    const section = copy("pair");
    section.id = `pair-${number}`;
    section.dataset.number = number;
    find("h2", section).textContent = `Pair ${number} of ${study.showings.length}`;
    find("p.paper", section).textContent = `Study ${study.study}, ${study.rater}`;
    find("h3 .paper", section).textContent = `Pair ${number}: `;
    const client = find(".about", section);
    client.id = `client-${number}`;
    client.setAttribute("aria-label", "Client");
    for (const [title, value] of showing.client) {
      const line = find("dl", client).appendChild(document.createElement("div"));
      put("dt", title, line);
      put("dd", value, line).dir = "auto";
    }
    if (!showing.client.length) put("p", "Nothing is known of the client beyond the sessions.", client);
    buildSession(find(".a", section), showing.a, "a", `a-${number}`);
    buildSession(find(".b", section), showing.b, "b", `b-${number}`);
    const questions = find(".questions", section);
    questions.id = `questions-${number}`;
    questions.setAttribute("aria-label", "Questions");
    study.aspects.forEach((item, position) => buildAspect(find(".aspects", section), number, item, position));
    find("#pairs").append(section);
  }

  function build() {
    study.showings.forEach(buildPair);
    for (const item of study.aspects) {
      put("dt", item.title, find("#definitions"));
      put("dd", `${item.definition} Look for: ${item.look_for}`, find("#definitions"));
    }
    const hours = Math.round(study.minutes / 30) / 2;
    const each = Math.max(1, Math.round(study.minutes / study.showings.length));
    const facts = {
      count: study.showings.length,
      aspects: study.aspects.length,
      time: `about ${each} min a pair, ${study.minutes < 90 ? `${study.minutes} minutes` : `${hours} hours`} in all`,
      study: study.study,
      rater: study.rater,
    };
    for (const place of all("[data-fact]")) place.textContent = facts[place.dataset.fact];
    document.title = `Comparing sessions: ${study.rater}`;
    for (const showing of study.showings) {
      const button = put("button", "", put("li", "", find("#list")));
      button.type = "button";
      button.dataset.view = showing.number;
    }
  }

  // Showing

  function announce(text) {
    find("#announcer").textContent = text;
  }

  function showAnswers() {
    for (const showing of study.showings) {
      const section = find(`#pair-${showing.number}`);
      const kept = answers[showing.number];
      for (const input of all("input[type=radio]", section)) input.checked = false;
      study.aspects.forEach((item, position) => {
        const chosen = find(`#pair-${showing.number}-${position}-${kept?.choices[item.id]}`);
        if (chosen) chosen.checked = true;
      });
      find("textarea", section).value = kept?.comment ?? "";
    }
  }

  function showProgress() {
    const asked = study.showings.length * study.aspects.length;
    const progress = find("#progress");
    progress.max = asked;
    progress.value = total();
    find("#answered").textContent = view < LAST && view ? `${given(view)} of ${study.aspects.length} answered` : "";
    const done = study.showings.filter((showing) => complete(showing.number)).length;
    find("#summary").textContent =
      `${done} of ${study.showings.length} pairs are complete; ${total()} of ${asked} questions are answered.`;
    for (const button of all("#list button")) {
      const number = Number(button.dataset.view);
      const state = complete(number) ? "complete" : given(number) ? `${given(number)} of ${study.aspects.length}` : "open";
      button.textContent = `Pair ${number}: ${state}`;
      button.className = complete(number) ? "complete" : "";
    }
  }

  function show(next, focus = true) {
    countTime();
    view = Math.min(Math.max(next, 0), LAST);
    find("#instructions").hidden = view !== 0;
    find("#overview").hidden = view !== LAST;
    for (const section of all(".pair")) section.hidden = Number(section.dataset.number) !== view;
    const pair = view > 0 && view < LAST;
    document.documentElement.dataset.screen = pair ? "pair" : "text";
    find("#bar").hidden = view === 0;
    find("#place").textContent = pair ? `Pair ${view} of ${study.showings.length}` : "Overview";
    find("[data-do=next]").disabled = view === LAST;
    for (const link of all("[data-skip]")) {
      link.parentElement.hidden = !pair;
      link.href = `#${link.dataset.skip}-${view}`;
    }
    const open = study.aspects.findIndex((item) => !answers[view]?.choices[item.id]);
    mark(Math.max(open, 0));
    showProgress();
    save();
    if (!focus) return;
    window.scrollTo(0, 0);
    find(pair ? `#pair-${view} h2` : view ? "#overview-title" : "#instructions-title").focus({ preventScroll: true });
  }

  function mark(position) {
    aspect = Math.min(Math.max(position, 0), study.aspects.length - 1);
    for (const fieldset of all(".pair:not([hidden]) fieldset")) {
      fieldset.classList.toggle("current", Number(fieldset.dataset.position) === aspect);
    }
  }

  function goToAspect(position) {
    mark(position);
    const fieldset = find(".pair:not([hidden]) fieldset.current");
    (find("input:checked", fieldset) ?? find("input", fieldset)).focus({ preventScroll: true });
    fieldset.scrollIntoView({ block: "nearest" });
  }

  function firstOpen() {
    const open = study.showings.find((showing) => !complete(showing.number));
    return open ? open.number : LAST;
  }

  // Export, import, erase

  function exported() {
    const rows = study.showings.filter(touched);
    return {
      kind: KIND,
      format: study.format,
      study: study.study,
      rater: study.rater,
      exported_at: new Date().toISOString(),
      answers: rows.map((showing) => ({ showing: showing.number, ...answers[showing.number] })),
    };
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

  // The answers of a file, or an error that tells the rater what is wrong with it.
  function imported(text) {
    let file;
    try {
      file = JSON.parse(text);
    } catch {
      throw new Error("This file is not what the page exports; perhaps it was cut off. Nothing was changed.");
    }
    if (file?.kind !== KIND || !Array.isArray(file.answers)) {
      throw new Error("This file holds no answers of such a page. Nothing was changed.");
    }
    if (file.study !== study.study || file.rater !== study.rater || file.format !== study.format) {
      throw new Error(`These are answers of ${file.rater} in study ${file.study}, not of this page. Nothing was changed.`);
    }
    const found = {};
    for (const { showing, choices, comment, seconds } of file.answers) {
      if (!study.showings.some(({ number }) => number === showing)) continue;
      const known = study.aspects.map(({ id }) => [id, choices?.[id]]).filter(([, choice]) => CHOICES.includes(choice));
      found[showing] = { choices: Object.fromEntries(known), comment: String(comment ?? ""), seconds: Number(seconds) || 0 };
    }
    return found;
  }

  async function importFile(input) {
    const result = find("#import-result");
    result.textContent = "";
    try {
      const [file] = input.files;
      if (!file) return;
      const found = imported(await file.text());
      const number = Object.values(found).reduce((sum, pair) => sum + Object.keys(pair.choices).length, 0);
      const text = `You have ${count(total(), "answer")} here, and the file has ${count(number, "answer")}: the file takes their place.`;
      if (study.showings.some(touched) && !(await ask("Replace your answers?", text, "Replace"))) return;
      answers = found;
      showAnswers();
      showProgress();
      save();
      result.textContent = `Imported: ${count(number, "answer")}.`;
    } catch (error) {
      result.textContent = error.message;
    } finally {
      input.value = "";
    }
  }

  async function erase() {
    const text = `${count(total(), "answer")} and all comments go from this browser. Export them first if they are still needed.`;
    if (!(await ask("Erase your answers here?", text, "Erase"))) return;
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

  // What the rater does

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

  const inPair = (action) => () => {
    if (view > 0 && view < LAST) action();
  };
  const keys = {
    n: actions.next,
    p: actions.previous,
    "?": actions.keys,
    j: inPair(() => goToAspect(aspect + 1)),
    k: inPair(() => goToAspect(aspect - 1)),
    c: inPair(() => find(".pair:not([hidden]) textarea").focus()),
    d: inPair(() => {
      const details = find(".pair:not([hidden]) fieldset.current details");
      details.open = !details.open;
    }),
  };

  function chooseByKey(position) {
    const input = all(".pair:not([hidden]) fieldset.current input")[position];
    input.checked = true;
    choose(view, aspect, input.value);
    goToAspect(aspect + 1);
  }

  function onKey(event) {
    if (event.target.matches("textarea")) {
      if (event.key === "Escape") goToAspect(aspect);
      return;
    }
    const elsewhere = event.target.matches("select, input:not([type=radio])") || find("dialog[open]");
    if (elsewhere || !preferences.shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    // By place on the keyboard as well: on some layouts a digit needs the shift key.
    const digit = /^(?:Digit|Numpad)([1-4])$/.exec(event.code)?.[1] ?? (/^[1-4]$/.test(event.key) ? event.key : null);
    const action = digit ? inPair(() => chooseByKey(digit - 1)) : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  function onChange({ target }) {
    if (target.matches(".pair input[type=radio]")) {
      choose(view, Number(target.closest("fieldset").dataset.position), target.value);
    } else if (target.id === "import") {
      importFile(target);
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
    for (const sign of ["keydown", "pointerdown", "wheel"]) document.addEventListener(sign, countTime, { passive: true });
    document.addEventListener("scroll", countTime, { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) save();
      active = Date.now();
    });
    window.addEventListener("pagehide", () => {
      countTime();
      save();
    });
    window.addEventListener("beforeunload", (event) => {
      if (unsaved) event.preventDefault();
    });
    // The same page in another tab: its answers count here too, so that neither overwrites the other's.
    window.addEventListener("storage", ({ key }) => {
      if (key !== STORED) return;
      answers = read(STORED)?.answers ?? {};
      showAnswers();
      showProgress();
    });
  }

  preferences = { ...preferences, ...read(PREFERENCES) };
  load();
  build();
  applyPreferences();
  showAnswers();
  listen();
  show(view, false);
}
