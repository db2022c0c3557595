// What the pages do by themselves; without it each of them works by its buttons and reloading.
"use strict";

// What is shown anew keeps the focus, what was scrolled and what was opened.
const swap = (part, text) => {
  const all = () => [...part.querySelectorAll("[tabindex],summary,a,button")];
  const focus = all().indexOf(document.activeElement);
  const was = all().map((e) => ({ top: e.scrollTop, end: e.matches(".log") && e.scrollTop + e.clientHeight > e.scrollHeight - 8 }));
  const open = [...part.querySelectorAll("details")].map((d) => d.open);
  part.innerHTML = text;
  [...part.querySelectorAll("details")].forEach((d, i) => (d.open = i < open.length ? open[i] : d.open));
  all().forEach((e, i) => {
    if (was[i]) e.scrollTop = was[i].end ? e.scrollHeight : was[i].top;
    if (i === focus) e.focus({ preventScroll: true });
  });
};

// A part that changes while a command works is asked for until it says that it is done; then the
// page is loaded again, unless the part is all that changes.
const poll = (part) => {
  let shown = part.innerHTML;
  const ask = async () => {
    if (!part.isConnected) return;
    try {
      const answer = await fetch(part.dataset.poll);
      const text = await answer.text();
      if (answer.ok && text !== shown) swap(part, (shown = text));
      if (answer.headers.get("X-Done")) {
        if (part.dataset.done !== "stay") location.reload();
        return;
      }
    } catch {
      part.textContent = "The studio does not answer any more. What was sent is in the checkpoint; start the studio again and resume.";
      return;
    }
    setTimeout(ask, 1000);
  };
  setTimeout(ask, 500);
};
for (const part of document.querySelectorAll("[data-poll]")) poll(part);

for (const part of document.querySelectorAll("[data-reload]")) {
  setTimeout(() => location.reload(), Number(part.dataset.reload));
}

// What stood there is of what was filled in before, and must not be taken for an answer.
const unanswered = (into, error) => {
  if (error && error.name === "AbortError") return; // overtaken
  into.textContent = "The studio does not answer, so what stood here is out of date. Copy what you have typed, start the studio again, and open its new address.";
};

// What rows become is shown while the text is typed; an answer that was overtaken is dropped.
for (const text of document.querySelectorAll("[data-live]")) {
  const into = document.getElementById(text.dataset.into);
  const status = document.getElementById(text.dataset.status);
  let timer, running;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    if (running) running.abort();
    timer = setTimeout(async () => {
      running = new AbortController();
      const body = new URLSearchParams({ csrf: text.form.elements.csrf.value, text: text.value });
      try {
        const answer = await fetch(text.dataset.live, { method: "POST", body, signal: running.signal });
        if (!answer.ok) throw new Error(answer.statusText);
        swap(into, await answer.text());
      } catch (error) {
        unanswered(into, error);
        return;
      }
      for (const part of into.querySelectorAll("[data-poll]")) poll(part);
      const said = into.querySelector(".fault") || into.querySelector("[data-said]");
      status.textContent = said ? said.textContent : "";
    }, 400);
  });
}

for (const field of document.querySelectorAll("[data-search]")) {
  const rows = document.getElementById(field.dataset.search).tBodies[0].rows;
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// The command that a form stands for follows what is filled in.
for (const form of document.querySelectorAll("[data-preview]")) {
  const into = document.getElementById(form.dataset.into);
  let timer, running;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    if (running) running.abort();
    timer = setTimeout(async () => {
      running = new AbortController();
      try {
        const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: running.signal });
        if (!answer.ok) throw new Error(answer.statusText);
        swap(into, await answer.text());
      } catch (error) {
        unanswered(into, error);
      }
    }, 300);
  });
}
