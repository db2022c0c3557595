// Search and sorting for the tables that ask for them. Everything on the page can be
// read without this.
(() => {
  "use strict";
  const number = (text) => Number(text.replace(/[^\d.-]/g, ""));
  for (const table of document.querySelectorAll("table[data-find]")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length > 8) {
      const box = document.createElement("p");
      const label = document.createElement("label");
      const input = document.createElement("input");
      const said = document.createElement("span");
      box.className = "find";
      input.type = "search";
      input.autocomplete = "off";
      said.className = "share";
      said.setAttribute("role", "status");
      label.append("Search " + table.dataset.find + " ", input);
      box.append(label, said);
      table.before(box);
      input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const row of rows) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((w) => text.includes(w));
          shown += row.hidden ? 0 : 1;
        }
        said.textContent = words.length ? shown + " of " + rows.length + " lines" : "";
      });
    }
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      const amount = head.classList.contains("num");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") !== "ascending" : !amount;
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column].textContent.trim();
        const compare = amount ? (a, b) => number(key(a)) - number(key(b)) : (a, b) => key(a).localeCompare(key(b));
        body.append(...[...body.rows].sort((a, b) => (up ? compare(a, b) : compare(b, a))));
        table.classList.add("sorted");
      });
    });
  }
  // A print has what is folded on the screen.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((d) => { d.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((d) => { d.open = false; }));
})();
