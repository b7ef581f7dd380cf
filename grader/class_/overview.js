"use strict";
// Sorts and filters the table of students.  The page is complete without it.
const table = document.getElementById("students");
const body = table.tBodies[0];
const rows = [...body.rows];
const words = document.getElementById("words");
const state = document.getElementById("state");
const check = document.getElementById("check");
const outcome = document.getElementById("outcome");
const shown = document.getElementById("shown");

function filter() {
  const text = words.value.trim().toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = (!text || row.textContent.toLowerCase().includes(text))
      && (!state.value || row.dataset.state === state.value)
      && (!check.value || row.dataset.outcomes[check.value] === outcome.value);
    row.hidden = !fits;
    count += fits;
  }
  outcome.disabled = !check.value;
  shown.textContent = count === rows.length ? `${count} students` : `${count} of ${rows.length} students`;
}

function sort(button) {
  const head = button.closest("th");
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const number = button.dataset.kind === "number";
  const value = row => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent.trim();
  const compare = number
    ? (a, b) => (parseFloat(value(a)) || 0) - (parseFloat(value(b)) || 0)
    : (a, b) => value(a).localeCompare(value(b));
  rows.sort((a, b) => down ? compare(b, a) : compare(a, b));
  body.append(...rows);
}

// #check=3&outcome=f and #state=unjudged, which the lists above link to.
function follow() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (!asked.has("check") && !asked.has("state")) return;
  words.value = "";
  state.value = asked.get("state") ?? "";
  check.value = asked.get("check") ?? "";
  if (asked.has("outcome")) outcome.value = asked.get("outcome");
  filter();
  document.getElementById("everybody").scrollIntoView();
}

document.getElementById("filters").hidden = false;
for (const field of [words, state, check, outcome]) field.addEventListener("input", filter);
for (const button of table.querySelectorAll("th button")) button.addEventListener("click", () => sort(button));
document.getElementById("all").addEventListener("click", () => {
  for (const field of [words, state, check]) field.value = "";
  filter();
});
addEventListener("hashchange", follow);
filter();
follow();
