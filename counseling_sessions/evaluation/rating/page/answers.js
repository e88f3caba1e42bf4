"use strict";
// The study of this page, and the rater's answers.

const study = JSON.parse(document.getElementById("study").textContent);
const KIND = "counseling-sessions ratings";
const STORED = `counseling-sessions-rating:${study.study}:${study.rater}`;
const PREFERENCES = "counseling-sessions-rating:preferences";
const CHOICES = study.choices.map(({ value }) => value);
const LAST = study.showings.length + 1; // views: 0 is the instructions, then the showings, then the overview
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

let answers = {}; // by the showing's number: {choices: {question: choice}, comment, seconds}
let view = 0;
let question = 0; // the question that keys answer
let preferences = { appearance: "", shortcuts: true };
let unsaved = false; // there are answers that neither the storage nor a file has
let active = Date.now();
let watched = !document.hidden; // the page is in front of the rater

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

const given = (number) => Object.keys(answers[number]?.choices ?? {}).length;
const total = () => study.showings.reduce((sum, showing) => sum + given(showing.number), 0);
const complete = (number) => given(number) === study.questions.length;
const touched = ({ number }) => given(number) > 0 || Boolean(answers[number]?.comment);

function answer(number) {
  answers[number] ??= { choices: {}, comment: "", seconds: 0 };
  return answers[number];
}

// Reading counts while there are signs of the rater; a pause counts for IDLE seconds at most.
function countTime() {
  const now = Date.now();
  if (view >= 1 && view < LAST && watched) {
    answer(view).seconds += Math.min((now - active) / 1000, IDLE);
  }
  active = now;
}

function exported() {
  const rows = study.showings.filter(touched);
  return {
    kind: KIND,
    format: study.format,
    study: study.study,
    rater: study.rater,
    exported_at: new Date().toISOString(),
    answers: rows.map(({ number }) => {
      const { choices, comment, seconds } = answers[number];
      return { showing: number, choices, comment, seconds: Math.round(seconds * 10) / 10 };
    }),
  };
}
