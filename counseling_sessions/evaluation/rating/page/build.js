// The showings and lists that the page is made of: text comes in as text only.

const name = (letter) => (letter ? `Session ${letter}` : "Session");

// The parts of a showing that one can jump to, as the beginning of their id and their title.
const parts = [
  ["client", study.words.about],
  ...study.showings[0].sessions.map(({ letter }) => [letter.toLowerCase() || "session", name(letter)]),
  ["questions", "Questions"],
];

function buildSession(parent, session, number) {
  const { letter } = session;
  const root = copy("session");
  root.id = `${letter.toLowerCase() || "session"}-${number}`;
  root.setAttribute("aria-label", name(letter));
  find("h3", root).textContent = name(letter);
  session.messages.forEach(([speaker, text], index) => {
    const item = copy("message");
    item.className = speaker;
    const who = find(".who", item);
    put("span", `${letter}${index + 1}`, who).className = "number";
    put("span", speaker === "counselor" ? "Counselor" : "Client", who);
    const said = find(".text", item);
    said.lang = session.lang;
    said.textContent = text || "(empty message)";
    find("ol", root).append(item);
  });
  parent.insertBefore(root, find(".questions", parent));
}

function buildAnchors(list, points, id) {
  for (const [point, text] of points) {
    put("dt", point, list);
    put("dd", text, list).id = `${id}-means-${point}`;
  }
}

function buildQuestion(parent, number, item, position) {
  const fieldset = copy("question");
  fieldset.dataset.position = position;
  find("details", fieldset).open = item.open;
  find("legend", fieldset).textContent = item.title;
  find(".definition", fieldset).textContent = item.definition;
  find(".look-for", fieldset).textContent = item.note;
  const id = `showing-${number}-${position}`;
  buildAnchors(find(".anchors", fieldset), item.anchors, id);
  const described = new Set(item.anchors.map(([point]) => point));
  for (const { value, unseen, label } of study.choices) {
    const choice = find(".choices", fieldset).appendChild(copy("choice"));
    const input = find("input", choice);
    input.value = value;
    input.name = id;
    input.id = `${id}-${value}`;
    if (described.has(value)) input.setAttribute("aria-describedby", `${id}-means-${value}`);
    const text = find("span", choice);
    if (unseen) put("span", unseen, text).className = "unseen";
    text.append(label);
  }
  parent.append(fieldset);
}

function buildClient(client, lines) {
  client.setAttribute("aria-label", study.words.about);
  for (const [title, value] of lines) {
    const line = find("dl", client).appendChild(document.createElement("div"));
    if (value) put("dt", title, line);
    put("dd", value || title, line).dir = "auto";
  }
  if (!lines.length) put("p", "Nothing is known of the client beyond what is said.", client);
}

function buildShowing(showing) {
  const { number } = showing;
  const section = copy("showing");
  section.id = `showing-${number}`;
  section.dataset.number = number;
  find("h2", section).textContent = `${study.words.Noun} ${number} of ${study.showings.length}`;
  find("p.paper", section).textContent = `Study ${study.study}, ${study.rater}`;
  find("h3 .paper", section).textContent = `${study.words.Noun} ${number}: `;
  const client = find(".about", section);
  client.id = `client-${number}`;
  buildClient(client, showing.client);
  for (const session of showing.sessions) buildSession(section, session, number);
  const questions = find(".questions", section);
  questions.id = `questions-${number}`;
  questions.setAttribute("aria-label", "Questions");
  find(".lead", questions).textContent = study.lead;
  study.questions.forEach((item, position) => buildQuestion(find(".aspects", section), number, item, position));
  find("#showings").append(section);
}

function buildLinks() {
  for (const [part, title] of parts) {
    put("a", `Skip to ${title}`, find(".skips")).dataset.skip = part;
    put("a", title, find(".jumps")).dataset.skip = part;
  }
}

function buildFacts() {
  const hours = Math.round(study.minutes / 30) / 2;
  const each = Math.max(1, Math.round(study.minutes / study.showings.length));
  const shown = study.choices.map(({ key }) => key).filter(Boolean);
  const facts = {
    count: study.showings.length,
    questions: study.questions.length,
    time: `about ${each} min a ${study.words.noun}, ${study.minutes < 90 ? `${study.minutes} minutes` : `${hours} hours`} in all`,
    low: study.choices[0].label,
    high: study.choices.at(-2).label,
    first_key: shown[0],
    last_key: study.kind === "pairs" ? shown.at(-1) : shown.at(-2),
    study: study.study,
    rater: study.rater,
  };
  for (const place of all("[data-fact]")) place.textContent = facts[place.dataset.fact];
  for (const key of shown) {
    put("kbd", key, find("#choice-keys"));
    find("#choice-keys").append(" ");
  }
}

function build() {
  document.documentElement.dataset.kind = study.kind;
  buildLinks();
  study.showings.forEach(buildShowing);
  for (const item of study.questions) {
    put("dt", item.title, find("#definitions"));
    const text = put("dd", "", find("#definitions"));
    put("span", [item.definition, item.note].filter(Boolean).join(" "), text);
    for (const [point, means] of item.anchors) put("span", `${point}: ${means}`, text).className = "point";
  }
  buildFacts();
  document.title = `${study.words.title}: ${study.rater}`;
  for (const showing of study.showings) {
    const button = put("button", "", put("li", "", find("#list")));
    button.type = "button";
    button.dataset.view = showing.number;
  }
}
