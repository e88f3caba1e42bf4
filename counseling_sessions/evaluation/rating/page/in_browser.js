// Answers are kept in the browser's storage; they leave it as a file only.

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

async function forget() {
  return true; // what is saved next takes their place
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
    const known = study.questions.map(({ id }) => [id, choices?.[id]]).filter(([, choice]) => CHOICES.includes(choice));
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
    const number = Object.values(found).reduce((sum, one) => sum + Object.keys(one.choices).length, 0);
    const text = `You have ${count(total(), "answer")} here, and the file has ${count(number, "answer")}: the file takes their place.`;
    if (study.showings.some(touched) && !(await ask("Replace your answers?", text, "Replace"))) {
      result.textContent = "Nothing was changed.";
      return;
    }
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

function keepInStep() {
  find("#import").addEventListener("change", ({ target }) => importFile(target));
  // The same page in another tab: its answers count here too, so that neither overwrites the other's.
  window.addEventListener("storage", ({ key }) => {
    if (key !== STORED) return;
    answers = read(STORED)?.answers ?? {};
    showAnswers();
    showProgress();
  });
}
