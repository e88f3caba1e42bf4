"use strict";
// A class's sessions side by side: a line for each review of the folder.

async function showReviews() {
  show("start");
  document.title = find("#title").textContent = "Practice sessions side by side";
  find("#subtitle").textContent = "Counts and cues, and no grades";
  const data = await ask("api/reviews");
  if (!data) return;
  const cells = (one) => [
    one.name ? make("a", { href: `#practise=${one.name}` }, one.who) : one.who,
    ...(one.problem ? [one.problem] : [
      `${one.client}, ${one.attitude}`, one.messages, one.words, one.share === null ? "–" : `${Math.round(100 * one.share)}%`,
      one.asked.open, one.asked.closed, one.counts.stacked, one.counts.missed, one.counts.early, one.counts.pressed, one.moved ?? "–",
    ]),
  ];
  const heads = ["Session", "Client", "Messages", "Words", "Share of words", "Open questions", "Closed questions", "Several at once",
    "Moments passed over", "Early advice", "Advice pressed on", "The client’s trust"];
  find("#start").replaceChildren(make("section", {}, make("h2", {}, "Reviews of this folder"),
    data.reviews.length ? table("A line for each review; put the files that trainees hand in (.review.json) into the folder", heads, data.reviews.map(cells))
      : make("p.dim", {}, "There are none yet. Each finished practice session has one, and files that trainees hand in (.review.json) may be put into the folder.")));
}
