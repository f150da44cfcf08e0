// Narrows a long list of choices while one types; what is checked always stays in sight. Works on any
// [data-pick-list] named by a [data-pick-search]; without script all choices stand in their groups.
"use strict";
(() => {
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");

  function narrow(search) {
    const list = document.getElementById(search.dataset.pickSearch);
    const terms = plain(search.value).trim().split(" ").filter(Boolean);
    let shown = 0;
    for (const group of list.querySelectorAll("details")) {
      let inside = 0;
      for (const choice of group.querySelectorAll("label")) {
        const text = plain(choice.textContent);
        const fits = choice.querySelector("input").checked || terms.every((term) => text.includes(term));
        choice.hidden = !fits;
        inside += fits ? 1 : 0;
      }
      group.hidden = inside === 0;
      group.open = terms.length ? inside > 0 : Boolean(group.querySelector("input:checked"));
      shown += inside;
    }
    const none = list.parentElement.querySelector("[data-pick-none]");
    if (none) none.hidden = shown > 0;
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-pick-search]")) narrow(event.target);
  });
  document.addEventListener("keydown", (event) => {
    // Enter in the search box must not send the whole form.
    if (event.key === "Enter" && event.target.matches("[data-pick-search]")) event.preventDefault();
  });
})();
