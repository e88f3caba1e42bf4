// The pairs and lists that the page is made of: text comes in as text only.

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
