
"use strict";
(() => {
  const form = document.getElementById("filter");
  const findings = [...document.querySelectorAll(".finding")];
  const texts = new Map(findings.map((finding) => [finding, finding.textContent.toLowerCase()]));
  const apply = () => {
    const wanted = new FormData(form);
    const words = wanted.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const severities = wanted.getAll("severity");
    let shown = 0;
    for (const finding of findings) {
      const { severity, category, set } = finding.dataset;
      const visible =
        severities.includes(severity) &&
        (!wanted.get("category") || wanted.get("category") === category) &&
        (!wanted.get("set") || wanted.get("set") === set) &&
        (wanted.has("exempted") || !finding.classList.contains("exempted")) &&
        words.every((word) => texts.get(finding).includes(word));
      finding.hidden = !visible;
      shown += visible ? 1 : 0;
    }
    for (const list of document.querySelectorAll(".list")) {
      list.hidden = Boolean(list.querySelector(".finding")) && !list.querySelector(".finding:not([hidden])");
    }
    form.elements.shown.textContent = `${shown} of ${findings.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
  // Paper has no triangles to click.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const item of opened) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of opened) item.open = false;
  });
})();
