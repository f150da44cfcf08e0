// Enhances pages that work without it. Parts: fetching, tables, live progress, dialogs, side panel, upload,
// menus, keyboard, small helpers. No framework, no inline style, nothing from another host.
"use strict";
(() => {
  const root = document.documentElement;
  const words = () => document.body.dataset;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  // ---- fetching ------------------------------------------------------------------------------------------
  // Gives the parsed main part of a page. An answer from the log-in page means that the session is over.
  async function fetchPart(url, options = {}) {
    const answer = await fetch(url, { credentials: "same-origin", ...options, headers: { "X-Fragment": "1", ...(options.headers || {}) } });
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/login")) {
      location.reload();
      await new Promise(() => {});
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function toast(text) {
    const line = one("#toast");
    if (!line) return;
    line.textContent = text;
    line.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { line.hidden = true; }, 2400);
  }

  // ---- tables --------------------------------------------------------------------------------------------
  const running = new Map();

  // Fetches *url* and puts the table's parts in place; the form stays while somebody types in it.
  async function refresh(box, url, { push = true, keepForm = false } = {}) {
    running.get(box.id)?.abort();
    const control = new AbortController();
    running.set(box.id, control);
    box.classList.add("busy");
    box.setAttribute("aria-busy", "true");
    try {
      const fresh = one(`#${CSS.escape(box.id)}`, await fetchPart(url, { signal: control.signal }));
      if (!fresh) { location.href = url; return; }
      const held = document.activeElement && box.contains(document.activeElement) ? keyOf(document.activeElement) : "";
      const opened = one("details[open][data-key]", box)?.dataset.key;
      for (const part of all("[data-part]", fresh)) {
        if (keepForm && part.dataset.part === "toolbar") continue;
        one(`[data-part="${part.dataset.part}"]`, box)?.replaceWith(part);
      }
      box.className = fresh.className;
      const again = opened && all("details[data-key]", box).find((item) => item.dataset.key === opened);
      if (again) again.open = true;
      if (held) one(held, box)?.focus({ preventScroll: true });
      if (push) {
        history.pushState({ table: box.id }, "", url);
        shown = location.pathname + location.search;
      }
      rememberLanguageLinks();
    } catch (error) {
      if (error.name !== "AbortError") toast(words().failed);
    } finally {
      if (running.get(box.id) === control) {
        box.classList.remove("busy");
        box.removeAttribute("aria-busy");
        running.delete(box.id);
      }
    }
  }

  function keyOf(element) {
    if (element.dataset.key) return `[data-key="${CSS.escape(element.dataset.key)}"]`;
    if (element.name) {
      const value = element.type === "checkbox" ? `[value="${CSS.escape(element.value)}"]` : "";
      return `[name="${CSS.escape(element.name)}"]${value}`;
    }
    return "";
  }

  // Address of a table's form: empty fields and the remembered columns stay out of it.
  function formUrl(form) {
    const data = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (value !== "" && !name.endsWith("cols")) data.append(name, value);
    }
    const text = data.toString();
    return location.pathname + (text ? `?${text}` : "");
  }

  const remember = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  };

  function rememberColumns(list) {
    const boxes = all("input[type=checkbox]", list);
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const usual = boxes.every((box) => box.checked === (box.dataset.default === "1"));
    remember(`cols_${list.dataset.cols}`, usual || !chosen.length ? "" : chosen.join("."));
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form.toolbar");
    if (!form) return;
    event.preventDefault();
    refresh(form.closest("[data-table]"), formUrl(form));
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.toolbar");
    if (form && !event.target.matches("[data-search]")) {
      const list = event.target.closest("[data-cols]");
      if (list) rememberColumns(list);
      refresh(form.closest("[data-table]"), formUrl(form), { push: !list });
    }
    if (event.target.matches("[data-pick-all]")) {
      for (const box of all("input[name=ids]", event.target.closest("table"))) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-pick-all], input[name=ids]")) showPicked(event.target.closest("[data-table]"));
  });

  function showPicked(box) {
    const bar = one("[data-bulk]", box);
    if (!bar) return;
    const picked = all("input[name=ids]:checked", box).length;
    bar.classList.toggle("on", picked > 0);
    const number = one("[data-bulk-count] b", bar);
    if (number) number.textContent = String(picked);
  }

  let typing;
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-search]")) return;
    clearTimeout(typing);
    typing = setTimeout(() => {
      const form = event.target.form;
      const box = form?.closest("[data-table]");
      if (!box) return;
      const url = formUrl(form);
      refresh(box, url, { keepForm: true, push: false }).then(() => {
        history.replaceState({ table: box.id }, "", url);
        shown = url;
      });
    }, 250);
  });

  // A jump within the page is no change of the list.
  let shown = location.pathname + location.search;
  window.addEventListener("popstate", async () => {
    const now = location.pathname + location.search;
    if (now === shown) return;
    shown = now;
    const boxes = all("[data-table]");
    if (!boxes.length) { location.reload(); return; }
    for (const box of boxes) await refresh(box, location.href, { push: false });
  });

  // The language links lead back to the page as it is now, filters included.
  function rememberLanguageLinks() {
    for (const link of all(".language a")) {
      const url = new URL(link.href);
      url.searchParams.set("next", location.pathname + location.search);
      link.href = url.href;
    }
  }

  // ---- live progress -------------------------------------------------------------------------------------
  const INTERVAL = 1500;
  const LONGEST = 30000;

  // Asks until the answer carries no data-poll any more; waits longer after each error and says so.
  async function follow(box) {
    let pause = INTERVAL;
    box.dataset.following = "1";
    while (box.isConnected && box.dataset.poll) {
      await wait(pause);
      if (document.hidden) continue;
      try {
        const fresh = one(`#${CSS.escape(box.id)}`, await fetchPart(box.dataset.poll));
        if (!fresh) return;
        const after = box.dataset.after;
        box.innerHTML = fresh.innerHTML;
        if (!fresh.dataset.poll) {
          delete box.dataset.poll;
          if (after === "reload") location.reload();
          return;
        }
        box.dataset.poll = fresh.dataset.poll;
        pause = INTERVAL;
      } catch {
        pause = Math.min(pause * 2, LONGEST);
        const lost = one(".progress-lost", box);
        if (lost) lost.hidden = false;
      }
    }
  }
  const followAll = (from = document) => {
    for (const box of all("[data-poll]", from)) if (!box.dataset.following && box.id) follow(box);
  };

  // ---- dialogs and the side panel ------------------------------------------------------------------------
  function openDialog(dialog) {
    dialog.showModal();
    (one("textarea, input:not([type=hidden]), select", dialog) || one("[data-close]", dialog))?.focus();
  }

  async function openPanel(link) {
    const panel = one("#panel");
    const main = one("[data-panel-main]", panel);
    one("[data-panel-link]", panel).href = link.href;
    one("[data-panel-title]", panel).textContent = link.textContent.trim();
    main.textContent = words().loading;
    if (!panel.open) panel.showModal();
    try {
      const part = await fetchPart(link.href);
      main.replaceChildren(...one("main", part).childNodes);
      one("[data-panel-title]", panel).textContent = part.title || link.textContent.trim();
      followAll(main);
      main.focus();
    } catch {
      main.textContent = words().failed;
    }
  }

  // ---- upload --------------------------------------------------------------------------------------------
  const size = (bytes) => {
    let number = bytes;
    for (const unit of ["B", "KB", "MB"]) {
      if (number < 1024) return `${unit === "B" ? number : number.toFixed(1)} ${unit}`;
      number /= 1024;
    }
    return `${number.toFixed(1)} GB`;
  };

  function showFiles(zone) {
    const list = one(".dropzone-files", zone);
    const limit = Number(zone.dataset.limit || 0) * 1024 * 1024;
    list.replaceChildren(...[...one(".dropzone-input", zone).files].map((file) => {
      const line = document.createElement("p");
      const name = document.createElement("span");
      const note = document.createElement("span");
      name.textContent = file.name;
      note.textContent = size(file.size);
      if (limit && file.size > limit) {
        line.className = "bad";
        note.textContent += ` · ${zone.dataset.tooLarge}`;
      }
      line.append(name, note);
      return line;
    }));
  }

  // Sends a form with files and shows how far it is; goes where the server leads, or shows its form again.
  function send(form, submitter) {
    const zone = one("[data-dropzone]", form);
    if (!zone || one(".dropzone-files .bad", zone)) return;
    const bar = one(".dropzone-progress", zone);
    const button = submitter || one("[type=submit]", form);
    const request = new XMLHttpRequest();
    const fail = () => {
      button.disabled = false;
      bar.hidden = true;
      toast(words().failed);
    };
    request.open("POST", form.action);
    request.setRequestHeader("X-Fragment", "1");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      const percent = Math.floor((100 * event.loaded) / event.total);
      one("progress", bar).value = percent;
      one("span", bar).textContent = `${percent}%`;
    });
    request.addEventListener("error", fail);
    request.addEventListener("load", () => {
      form.removeAttribute("data-guard");
      if (request.status < 400) { location.href = request.responseURL; return; }
      const part = one("main", new DOMParser().parseFromString(request.responseText, "text/html"));
      if (!part) { fail(); return; }
      one("main#main").replaceChildren(...part.childNodes);
      one("[data-focus]")?.focus();
    });
    button.disabled = true;
    bar.hidden = false;
    request.send(new FormData(form));
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-upload]") && one(".dropzone-input", form)?.files.length) {
      event.preventDefault();
      send(form, event.submitter);
    } else if (form.method === "post" && !event.defaultPrevented) {
      form.removeAttribute("data-guard");
      // A second press must not send twice; the browser takes the lock away when the page is shown again.
      const button = event.submitter;
      setTimeout(() => { if (button) button.disabled = true; });
    }
  });
  window.addEventListener("pageshow", () => { for (const button of all("[type=submit]:disabled")) button.disabled = false; });

  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const zone = event.target.closest?.("[data-dropzone]");
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        one(".dropzone-input", zone).files = event.dataTransfer.files;
        showFiles(zone);
      }
    });
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches(".dropzone-input")) showFiles(event.target.closest("[data-dropzone]"));
    event.target.closest("form[data-guard]")?.classList.add("dirty");
  });

  // ---- unsaved changes -----------------------------------------------------------------------------------
  window.addEventListener("beforeunload", (event) => {
    if (one("form.dirty[data-guard]")) event.preventDefault();
  });

  // ---- one listener for what is pressed -------------------------------------------------------------------
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(words().copied);
    } catch {
      toast(text);
    }
  }

  const presses = {
    "[data-copy]": (button) => copy(button.dataset.copy),
    "[data-dialog]": (button) => openDialog(document.getElementById(button.dataset.dialog)),
    "[data-close]": (button) => button.closest("dialog").close(),
    "[data-dismiss]": (button) => button.closest(".notice").remove(),
    "[data-peek]": (button) => {
      const field = document.getElementById(button.dataset.peek);
      field.type = field.type === "password" ? "text" : "password";
      button.setAttribute("aria-pressed", String(field.type === "text"));
    },
    "[data-fold]": (button) => {
      root.classList.toggle("folded");
      button.setAttribute("aria-expanded", String(!root.classList.contains("folded")));
      remember("side", root.classList.contains("folded") ? "folded" : "");
    },
    "[data-side]": () => root.classList.toggle("side-shown"),
    "[data-density]": (button) => {
      remember("density", button.closest("[data-table]").classList.contains("compact") ? "roomy" : "");
      refresh(button.closest("[data-table]"), location.href, { push: false });
    },
  };

  document.addEventListener("click", (event) => {
    for (const menu of all("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
    if (root.classList.contains("side-shown") && !event.target.closest(".side, [data-side]")) root.classList.remove("side-shown");
    for (const [selector, act] of Object.entries(presses)) {
      const found = event.target.closest(selector);
      if (found) { event.preventDefault(); act(found); return; }
    }
    if (event.target.matches("dialog")) { event.target.close(); return; }
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    const link = event.target.closest("a");
    if (link && plain && link.matches("[data-refresh]")) {
      event.preventDefault();
      refresh(link.closest("[data-table]"), link.href);
    } else if (link && plain && link.matches("[data-panel]")) {
      event.preventDefault();
      openPanel(link);
    } else if (!link && plain && !event.target.closest("button, input, label, summary, dialog, select, textarea") && !String(getSelection())) {
      const row = event.target.closest("tr[data-href]");
      if (row) location.href = row.dataset.href;
    }
  });

  // ---- keyboard ------------------------------------------------------------------------------------------
  function moveRow(step) {
    const rows = all("[data-table] tbody tr, .matrix tbody tr[tabindex]").filter((row) => row.offsetParent);
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement.closest?.("tr"));
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details[data-menu][open]") || one("details[data-menu][open]");
      if (menu) { menu.open = false; one("summary", menu).focus(); }
      root.classList.remove("side-shown");
      if (event.target.matches?.("[data-search]")) event.target.blur();
      return;
    }
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    if (event.target.matches?.("[data-search]") && event.key === "ArrowDown") {
      event.preventDefault();
      moveRow(1);
      return;
    }
    if (event.target.matches?.("input, textarea, select, [contenteditable]")) return;
    const onRow = event.target.matches?.("tr");
    if (event.key === "/" && one("[data-search], .top-search input")) {
      event.preventDefault();
      const field = one("[data-search]") || one(".top-search input");
      field.focus();
      field.select();
    } else if (event.key === "j" || (onRow && event.key === "ArrowDown")) {
      event.preventDefault();
      moveRow(1);
    } else if (event.key === "k" || (onRow && event.key === "ArrowUp")) {
      event.preventDefault();
      moveRow(-1);
    } else if (onRow && event.key === "Enter") {
      const link = one("a[href]", event.target);
      if (event.target.dataset.href) location.href = event.target.dataset.href;
      else if (link) link.click();
    } else if (onRow && event.key === "x") {
      one("input[name=ids]", event.target)?.click();
    }
  });

  // ---- start ---------------------------------------------------------------------------------------------
  followAll();
  rememberLanguageLinks();
  if (!one("[autofocus]")) one("[data-focus]")?.focus();

  // A field that names one of thousands: the server suggests the first that fit what was typed.
  let waiting = 0;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches("[data-suggest]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const address = new URL(field.dataset.suggest, location.href);
      address.searchParams.set("q", field.value.replace(/[（(][^（）()]*[）)]?$/, ""));
      const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
      if (!answer || !answer.ok) return;
      const options = (await answer.json()).map((words) => new Option("", words));
      field.list.replaceChildren(...options);
    }, 150);
  });
})();
