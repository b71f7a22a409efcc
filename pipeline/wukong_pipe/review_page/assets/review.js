// Keys, focus and messages of the page; what changes is asked for by htmx, see the templates.
"use strict";

const find = (selector) => document.querySelector(selector);
const isWide = window.matchMedia("(min-width: 64rem)");
const isOnDemand = find("main.answers") !== null;
let isSectionOpen = !isOnDemand;

function say(text, isProblem = false) {
  const message = find("#message");
  message.textContent = text;
  message.classList.toggle("problem", isProblem);
}

// --- the pair ------------------------------------------------------------------------------------------------------

// On a narrow screen the source stands where it is needed: behind what is to be compared with it.
function placeSection() {
  const section = find("#section");
  if (!section || isOnDemand) return;
  if (isWide.matches) find("#panes").append(section);
  else find(isEditing() ? ".editing" : ".about").after(section);
}

function showPanes() {
  bringDrafts();
  placeSection();
  const fold = find("#section details.fold");
  if (fold) {
    fold.open = isSectionOpen || (isWide.matches && !isOnDemand);
    fold.addEventListener("toggle", () => { isSectionOpen = fold.open; });
  }
  const mark = find("#section mark");
  if (mark && isWide.matches) {
    const pane = find("#section");
    pane.scrollTop += mark.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
  }
}

// What was typed stays in the fields, until they are left as they were.
function edit(isEditing) {
  const form = find(".editing");
  if (!form) return;
  form.hidden = !isEditing;
  find(".reading").hidden = isEditing;
  find("#draft").hidden = fieldsOf(form).every((field) => field.value === field.defaultValue);
  placeSection();
  if (isEditing) form.querySelector("textarea").focus();
  else find("#question").focus();
}

// What is typed is kept for this tab by what it is typed about, until it is saved or left as it was.
const draftOf = (form) => `draft ${form.getAttribute("hx-post")}`;
const fieldsOf = (form) => [...form.elements].filter((field) => field.matches("textarea, input:not([type=hidden])"));

function keepDraft(form) {
  const typed = fieldsOf(form).filter((field) => field.value !== field.defaultValue);
  if (!typed.length) { sessionStorage.removeItem(draftOf(form)); return; }
  sessionStorage.setItem(draftOf(form), JSON.stringify(typed.map((field) => [field.name, field.value])));
}

function bringDrafts() {
  for (const form of document.querySelectorAll(".editing, form.rescue")) {
    const draft = JSON.parse(sessionStorage.getItem(draftOf(form)) ?? "[]");
    for (const [name, text] of draft) if (form.elements[name]) form.elements[name].value = text;
    if (draft.length && form.matches(".editing")) find("#draft").hidden = false;
  }
}

function isEditing() {
  const form = find(".editing");
  return form !== null && !form.hidden;
}

function rescue() {
  if (document.activeElement?.matches("[data-rescues]")) { document.activeElement.click(); return; }
  const first = find("[data-rescues]");
  const rejects = find("#rejects");
  if (!first && rejects) { rejects.open = true; rejects.querySelector("summary").focus(); }
  if (!first) { say(find("#section")?.dataset.nothing ?? ""); return; }
  for (let fold = first.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  first.focus();
}

// --- keys ----------------------------------------------------------------------------------------------------------

function press(key) {
  if (key === "r") { rescue(); return true; }
  if (key === "f" && find("#filter-fold")) {
    find("#filter-fold").open = true;
    find("#filter-fold :is(select, input)").focus();
    return true;
  }
  if (key === "s") {
    if (isOnDemand) find("#section summary")?.click();
    find("#section summary")?.focus();
    find("#section")?.scrollIntoView();
    return true;
  }
  const target = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key.split(" ").includes(key));
  if (!target) return false;
  if (target.matches("input")) { target.focus(); target.select(); }
  else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const field = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape") {
    if (find("dialog[open]")) return;
    if (isEditing()) edit(false);
    // A browser would empty a search field, and with it the filter that one goes on in.
    else if (field) { event.preventDefault(); field.blur(); find("#question")?.focus(); }
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (isEditing()) { event.preventDefault(); find("[data-saves]").click(); }
    else field?.closest("form.rescue")?.querySelector("[data-rescues]").click();
  } else if (event.key === "Enter" && field?.matches("#filters input")) {
    event.preventDefault();
    htmx.ajax("GET", "/pair/first?to=first", { source: "#filters", target: "#panes", swap: "outerHTML" });
  } else if (!field && !isEditing() && !event.ctrlKey && !event.metaKey && !event.altKey && !find("dialog[open]")) {
    if (!event.repeat && press(event.key)) event.preventDefault();
  }
});

// A browser asks for an empty field in its own language, not in that of the page.
document.addEventListener("invalid", ({ target }) => {
  if (target.validity.valueMissing) target.setCustomValidity(document.body.dataset.emptyField);
}, true);
document.addEventListener("input", ({ target }) => { target.setCustomValidity?.(""); });

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-edits]")) edit(true);
  if (event.target.closest("[data-leaves]")) { find(".editing").reset(); keepDraft(find(".editing")); find("#findings").replaceChildren(); edit(false); }
  const opener = event.target.closest("[data-shows]");
  if (opener) document.getElementById(opener.dataset.shows).showModal();
});

document.addEventListener("input", (event) => {
  const form = event.target.closest(".editing, form.rescue");
  if (form) keepDraft(form);
});

// --- what comes from the server ------------------------------------------------------------------------------------

// The progress asks for what other windows decided. While this window waits for an answer it does not ask, and what it
// asked before is let go: either would tell of this window's own decision, and of a pair that it has left.
const waiting = new Set();

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, xhr } = event.detail;
  if (elt.id === "progress") { if (waiting.size) event.preventDefault(); return; }
  const saved = elt.matches(".editing, form.rescue") ? draftOf(elt) : "";
  waiting.add(xhr);
  xhr.addEventListener("loadend", () => waiting.delete(xhr));
  // Before the answer is shown, which may show the same pair again.
  xhr.addEventListener("readystatechange", () => {
    if (saved && xhr.readyState === XMLHttpRequest.DONE && xhr.status === 200) sessionStorage.removeItem(saved);
  });
  const progress = find("#progress");
  if (progress) htmx.trigger(progress, "htmx:abort");
});

document.addEventListener("htmx:afterSwap", (event) => {
  const { elt } = event.detail;
  if (elt.id === "panes") {
    history.replaceState(null, "", elt.dataset.url);
    showPanes();
    find("#question").focus({ preventScroll: true });
    if (!isWide.matches) find("#pair").scrollIntoView();
  }
  if (elt.id?.startsWith("reject-")) find(`#${elt.id} .state`)?.focus();
  if (elt.id !== "findings") find("#message").classList.remove("problem");
});

document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.responseText.slice(0, 500), true));
document.addEventListener("htmx:sendError", () => say(document.body.dataset.serverGone, true));

isWide.addEventListener("change", placeSection);
showPanes();
find("#question")?.focus({ preventScroll: true });
