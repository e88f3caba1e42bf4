"use strict";
// A study with raters: who one is (#rate=STUDY), or how far it has come (#rate=STUDY&progress). Rating itself has a page of its own.

/** The studies of the folder, and what is wrong with others, below what the start page has. */
async function listStudies(start) {
  const data = await ask("api/rate");
  if (!data || !(data.studies.length || data.problems.length)) return;
  start.append(make("section", {}, make("h2", {}, "Rate sessions"),
    make("ul", { id: "studies" }, data.studies.map((one) =>
      make("li", {}, make("a", { href: `#rate=${one.name}` }, `${one.title} (${one.name})`), make("span", {}, sizeOf(one))))),
    troubles(data.problems)));
}

const sizeOf = (study) => `${count(study.count, study.noun)}, ${count(study.raters.length, "rater")}`;

function troubles(problems) {
  return problems.length ? make("ul.bad", {}, problems.map((one) => make("li", {}, one))) : null;
}

async function enterStudy(name, progress) {
  show("rate");
  const [place, address] = [find("#rate"), `api/rate/${encodeURIComponent(name)}`];
  place.replaceChildren();
  const study = await ask(progress ? `${address}/progress` : address);
  if (!study) return;
  document.title = find("#title").textContent = study.title;
  find("#subtitle").textContent = `Study ${study.name}: ${sizeOf(study)}`;
  place.replaceChildren(...(progress ? progressOf(study) : ratersOf(study)));
  find("#title").focus({ preventScroll: true });
}

function ratersOf(study) {
  const links = study.raters.map((rater) =>
    make("li", {}, make("a.button", { href: `rate/${study.name}/${encodeURIComponent(rater)}` }, rater)));
  return [
    make("h2", {}, "Who are you?"),
    make("p", {}, "Choose the name that you were given. Another one has other sessions, and would take another rater's place."),
    make("ul.raters", { id: "raters" }, links),
    make("p", {}, make("a", { href: `#rate=${study.name}&progress` }, "How far the study has come"), " – for who leads it; raters had better not look."),
  ];
}

function progressOf(study) {
  const rows = study.progress.map((one) => [one.rater, `${one.complete} of ${one.showings}`, `${one.answered} of ${one.asked}`]);
  const rated = study.table;
  return [
    make("p", {}, make("a", { href: `#rate=${study.name}` }, "To the raters"), ` · folder ${study.folder}`),
    make("h2", {}, "Progress"),
    table("What was answered so far", ["Rater", `Complete ${study.noun}s`, "Questions answered"], rows),
    troubles(study.problems),
    make("h2", {}, "Agreement so far"),
    ...(study.progress.some((one) => one.answered) ? study.agreement : ["Nobody has answered yet."]).map((one) => make("p", {}, one)),
    ...(rated ? [table(rated.caption, [capital(study.question), ...rated.columns.slice(1)], rated.rows), ...rated.notes.map((note) => make("p.note", {}, note))] : []),
  ].filter(Boolean);
}
