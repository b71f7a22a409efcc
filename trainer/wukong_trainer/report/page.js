"use strict";
// Shows the questions that the form asks for. Without this script all of them are there, and the form is not.
const form = document.getElementById("filter");
const cards = [...document.querySelectorAll("article.card")];
const groups = [...document.querySelectorAll(".group")];
const count = document.getElementById("shown");
let texts = null;

function show() {
  const { outcome, level, section, search } = form.elements;
  const wanted = search.value.trim().toLowerCase();
  // Read once, at the first search: that much text takes a moment.
  if (wanted && !texts) texts = cards.map((card) => card.textContent.toLowerCase());
  let shown = 0;
  cards.forEach((card, i) => {
    const { dataset } = card;
    const fits = (!outcome.value || dataset.outcome === outcome.value)
      && (!level.value || dataset.level === level.value)
      && (!section.value || dataset.section === section.value)
      && (!wanted || texts[i].includes(wanted));
    card.hidden = !fits;
    shown += fits;
  });
  for (const group of groups) group.hidden = !group.querySelector("article.card:not([hidden])");
  count.textContent = count.dataset.words.replace("{shown}", shown).replace("{all}", cards.length);
}

if (form) {
  let waiting = 0;
  form.hidden = false;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 80);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  // A reloaded page keeps what stood in the form.
  show();
}
