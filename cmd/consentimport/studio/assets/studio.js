// What the pages do by themselves; without it each of them works by its buttons and reloading.
"use strict";

// A part that changes while a command works is asked for until it says that it is done.
for (const part of document.querySelectorAll("[data-poll]")) {
  let shown = part.innerHTML;
  const ask = async () => {
    try {
      const answer = await fetch(part.dataset.poll);
      const text = await answer.text();
      if (answer.ok && text !== shown) {
        part.innerHTML = shown = text;
      }
      if (answer.headers.get("X-Done")) {
        location.reload();
        return;
      }
    } catch {
      part.textContent = "The studio does not answer any more. What was sent is in the checkpoint; start the studio again and resume.";
      return;
    }
    setTimeout(ask, 1000);
  };
  setTimeout(ask, 500);
}

for (const part of document.querySelectorAll("[data-reload]")) {
  setTimeout(() => location.reload(), Number(part.dataset.reload));
}

// What rows become is shown while the text is typed; an answer that was overtaken is dropped.
for (const text of document.querySelectorAll("[data-live]")) {
  const into = document.getElementById(text.dataset.into);
  let timer, running;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (running) running.abort();
      running = new AbortController();
      const body = new URLSearchParams({ csrf: text.form.elements.csrf.value, text: text.value });
      try {
        const answer = await fetch(text.dataset.live, { method: "POST", body, signal: running.signal });
        if (answer.ok) into.innerHTML = await answer.text();
      } catch {
        return;
      }
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
