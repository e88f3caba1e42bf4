// The dialogue of the session that is open: a part for each turn, with a link to its steps.

const speakerName = ({ speaker, author }) =>
  (speaker === "client" ? session.name : "Counselor") + (author === "human" ? " (typed by a person)" : "");

function turnTitle(turn) {
  if (turn.key === "closing") return "Closing";
  return turn.key === "0" ? "Opening" : `Turn ${turn.key}`;
}

/** What was used in a turn, in few words. */
function turnNote(turn) {
  const parts = [turn.key === "0" || turn.key === "closing" ? null : turn.phase, turn.step ? `plan step ${turn.step}` : null, turn.pick?.act];
  if (turn.pick) parts.push(turn.pick.techniques.map(words).join(" + "));
  const findings = turn.calls.reduce((sum, call) => sum + call.findings.length, 0);
  if (findings) parts.push(count(findings, "finding"));
  if (turn.inherited) parts.push("from the session it was forked from");
  if (turn.failure) parts.push("failed here");
  return parts.filter(Boolean).join(" · ");
}

function renderDialogue() {
  const box = find("#dialogue");
  box.replaceChildren(...session.turns.map((turn) =>
    make("article", { id: `turn-${turn.key}`, "aria-label": turnTitle(turn) },
      make("a", { href: addressOf(turn.key), "data-turn": turn.key }, make("b", {}, turnTitle(turn)), make("span", {}, turnNote(turn))),
      turn.said.map((said) =>
        make(`div.said.${said.speaker}`, { "data-place": `${turn.key}/${said.speaker}` },
          make("span.who", {}, speakerName(said)),
          make("span.text", {}, marked(said.text, [], query)))),
      turn.failure ? make("p.bad", {}, `Failed at ${words(turn.failure.stage)}: ${turn.failure.message}`) : null)),
    make("p.note", {}, session.ended));
  markCurrent(false);
}

/** Show which turn is selected, and bring it into sight. */
function markCurrent(scroll = true) {
  for (const article of all("#dialogue article")) {
    const current = article.id === `turn-${view}`;
    article.classList.toggle("current", current);
    const link = find("a", article);
    if (current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (current && scroll) article.scrollIntoView({ block: "nearest" });
  }
}
