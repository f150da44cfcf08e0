// The grid of an assessment: only what is in view is drawn, cells come a window of targets at a time, every key has
// a meaning, and nothing typed is lost. The server decides; this shows.
"use strict";
(() => {
  const work = document.getElementById("work");
  if (!work) return;
  const data = JSON.parse(document.getElementById("grid-data").textContent);
  const words = JSON.parse(work.dataset.words);
  const base = work.dataset.base.replace(/\/$/, "");
  const get = (id) => document.getElementById(id);
  const grid = get("work-grid");
  const space = get("work-space");
  const panel = get("work-panel-main");
  const token = get("work-token").elements.csrf_token.value;
  const ROW = 44, COLUMN = 104, HEAD = 60, SIDE = 252, WINDOW = 100;
  const VERDICTS = { c: "compliant", p: "partial", n: "non_compliant", a: "na", k: "dak" };
  const KEYS = { 1: "compliant", 2: "partial", 3: "non_compliant", 4: "na" };

  // ---- what is known -------------------------------------------------------------------------------------
  const units = data.units.map((unit, number) => ({ ...unit, number, words: `${unit.id} ${unit.clause} ${unit.text} ${unit.point}`.toLowerCase() }));
  const targets = data.targets.map((target, position) => ({ ...target, position }));
  const cells = new Map();      // "unit:position" → [verdict, state, flags, version]
  const proposed = new Map();   // "unit:position" → letter
  const loaded = new Set();     // numbers of windows that were fetched
  let revision = data.revision;
  let rows = units, columns = targets;
  let at = { row: 0, column: 0 };
  let anchor = null;
  const picked = new Set();
  const undo = [];
  const key = (unit, position) => `${unit}:${position}`;
  const applies = (unit, position) => unit.at.some(([first, last]) => position >= first && position <= last);
  const here = () => (rows.length && columns.length ? { unit: rows[at.row], target: columns[at.column] } : null);

  async function ask(url, options = {}) {
    const answer = await fetch(url, { credentials: "same-origin", ...options, headers: { "X-Fragment": "1", Accept: "application/json, text/html", ...(options.headers || {}) } });
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/login")) {
      keep();
      location.reload();
      await new Promise(() => {});
    }
    return answer;
  }

  function toast(text) {
    const line = get("toast");
    line.textContent = text;
    line.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { line.hidden = true; }, 2600);
  }

  // ---- filters -------------------------------------------------------------------------------------------
  const fields = { q: get("work-find"), class: get("work-class"), layer: get("work-layer"), mark: get("work-mark"), show: get("work-show"), kind: get("work-kind") };
  for (const kind of [...new Set(targets.map((target) => target.kind))]) fields.kind.append(new Option(kind, kind));

  function cellsOf(unit) { return unit.at.reduce((sum, [first, last]) => sum + last - first + 1, 0); }
  const shows = {
    open: (unit) => (unit.decided || 0) < cellsOf(unit),
    decided: (unit) => (unit.decided || 0) - (unit.accepted || 0) - (unit.submitted || 0) > 0,
    submitted: (unit) => unit.submitted > 0,
    accepted: (unit) => unit.accepted > 0,
    returned: (unit) => unit.returned > 0,
    draft: (unit) => unit.draft > 0,
    differs: (unit) => unit.differs > 0,
    gaps: (unit) => unit.gaps > 0,
    risk: (unit) => unit.risk > 0,
    mine: (unit) => data.mine.some(([part, value]) => (part === "class" && value === unit.class) || (part === "unit" && value === unit.id)
      || (part === "target" && targets.some((target) => String(target.id) === value && applies(unit, target.position)))),
  };

  function filter() {
    const held = here();
    const terms = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = units.filter((unit) => terms.every((term) => unit.words.includes(term))
      && (!fields.class.value || unit.class === fields.class.value) && (!fields.layer.value || unit.layer === fields.layer.value)
      && (!fields.mark.value || unit.mark === fields.mark.value) && (!fields.show.value || shows[fields.show.value](unit)));
    columns = targets.filter((target) => !fields.kind.value || target.kind === fields.kind.value)
      .filter((target) => rows.some((unit) => applies(unit, target.position)));
    at = {
      row: Math.max(0, held ? rows.indexOf(held.unit) : 0),
      column: Math.max(0, held ? columns.indexOf(held.target) : 0),
    };
    const address = new URL(location.href);
    for (const [name, field] of Object.entries(fields)) {
      if (field.value) address.searchParams.set(name, field.value); else address.searchParams.delete(name);
    }
    history.replaceState(history.state, "", address);
    picked.clear();
    measure();
    draw();
    bar();
  }

  const asked = new URL(location.href).searchParams;
  for (const [name, field] of Object.entries(fields)) {
    if (asked.get(name)) field.value = asked.get(name);
    field.addEventListener(name === "q" ? "input" : "change", filter);
  }

  // ---- saved views: kept in this browser -----------------------------------------------------------------
  const VIEWS = "secops-grid-views";
  const views = () => { try { return JSON.parse(localStorage.getItem(VIEWS)) || {}; } catch { return {}; } };
  function listViews() {
    const list = get("work-view-list");
    list.replaceChildren();
    for (const [name, values] of Object.entries(views())) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "menu-item";
      button.textContent = name;
      button.addEventListener("click", () => {
        for (const [field, control] of Object.entries(fields)) control.value = values[field] || "";
        filter();
        get("work-views").open = false;
      });
      list.append(button);
    }
    const form = document.createElement("form");
    form.className = "menu-about";
    const input = document.createElement("input");
    input.className = "form-control";
    input.placeholder = words.view;
    input.setAttribute("aria-label", words.view);
    input.maxLength = 40;
    form.append(input);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      const known = views();
      known[input.value.trim()] = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
      localStorage.setItem(VIEWS, JSON.stringify(known));
      listViews();
    });
    list.append(form);
  }

  // ---- drawing -------------------------------------------------------------------------------------------
  const drawn = new Map();
  const heads = new Map();
  const sides = new Map();
  const lines = new Map();      // one element per row, without a box of its own, so that a screen reader meets rows
  const line = (row) => {
    let element = lines.get(row);
    if (!element) {
      element = document.createElement("div");
      element.className = "wg-row";
      element.setAttribute("role", "row");
      element.setAttribute("aria-rowindex", String(row + 2));
      lines.set(row, element);
      space.append(element);
    }
    return element;
  };
  const corner = document.createElement("div");
  corner.className = "wg-corner";
  corner.setAttribute("role", "columnheader");
  corner.textContent = words.corner;
  line(-1).append(corner);

  function measure() {
    space.style.width = `${SIDE + columns.length * COLUMN}px`;
    space.style.height = `${HEAD + rows.length * ROW}px`;
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    grid.setAttribute("aria-colcount", String(columns.length + 1));
    for (const pool of [drawn, heads, sides]) {
      for (const element of pool.values()) element.remove();
      pool.clear();
    }
    for (const [row, element] of lines) if (row >= 0) { element.remove(); lines.delete(row); }
    get("work-count").textContent = `${rows.length} ${words.units}`;
  }

  function place(element, left, top) { element.style.transform = `translate(${left}px, ${top}px)`; }

  function head(column) {
    const target = columns[column];
    const element = document.createElement("div");
    element.className = "wg-head";
    element.setAttribute("role", "columnheader");
    element.title = [target.kind, target.name, target.address].filter(Boolean).join(" · ");
    const name = document.createElement("b");
    const kind = document.createElement("small");
    name.textContent = target.name;
    kind.textContent = target.kind;
    element.append(name, kind);
    return element;
  }

  function side(row) {
    const unit = rows[row];
    const element = document.createElement("div");
    element.className = "wg-side";
    element.setAttribute("role", "rowheader");
    element.title = `${unit.id} ${unit.clause}\n${unit.text}`;
    const id = document.createElement("b");
    const text = document.createElement("span");
    const part = document.createElement("i");
    id.textContent = unit.id;
    text.textContent = unit.text;
    part.textContent = `${unit.decided || 0}/${cellsOf(unit)}`;
    if ((unit.decided || 0) >= cellsOf(unit)) part.className = "full";
    element.append(id, part, text);
    return element;
  }

  function look(element, row, column) {
    const unit = rows[row], target = columns[column];
    const id = key(unit.number, target.position);
    const known = cells.get(id);
    const letter = known?.[0] || "";
    let kind = "wg-cell";
    let mark = "";
    if (!applies(unit, target.position)) kind += " off";
    else if (letter) {
      kind += ` v-${letter}`;
      mark = { c: "✓", p: "◐", n: "✕", a: "—", k: "D·A·K" }[letter];
      kind += ` s-${known[1]}`;
      if (known[2] & 1) kind += " draft";
      if (known[2] & 4) kind += " differs";
      if (known[2] & 8) kind += " settled";
    } else if (proposed.has(id)) {
      kind += ` sug-${proposed.get(id)}`;
      mark = { c: "✓", p: "◐", n: "✕", a: "—" }[proposed.get(id)];
    } else if (known) kind += " noted";
    if (picked.has(id)) kind += " picked";
    if (row === at.row && column === at.column) kind += " now";
    element.className = kind;
    element.textContent = mark;
    element.setAttribute("aria-label", [unit.id, target.name, letter ? words.verdicts[letter] || letter : "", known?.[2] & 1 ? words.draft : ""].filter(Boolean).join(" "));
    element.setAttribute("aria-selected", String(picked.has(id)));
    element.setAttribute("aria-colindex", String(column + 2));
  }

  let waiting = false;
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; paint(); });
  }

  function paint() {
    const top = grid.scrollTop, left = grid.scrollLeft;
    const firstRow = Math.max(0, Math.floor(top / ROW) - 2), lastRow = Math.min(rows.length - 1, Math.ceil((top + grid.clientHeight - HEAD) / ROW) + 2);
    const firstColumn = Math.max(0, Math.floor(left / COLUMN) - 1), lastColumn = Math.min(columns.length - 1, Math.ceil((left + grid.clientWidth - SIDE) / COLUMN) + 1);
    place(corner, left, top);
    const wanted = new Set();
    for (let row = firstRow; row <= lastRow; row += 1) {
      for (let column = firstColumn; column <= lastColumn; column += 1) {
        const name = `${row}.${column}`;
        wanted.add(name);
        let element = drawn.get(name);
        if (!element) {
          element = document.createElement("div");
          element.setAttribute("role", "gridcell");
          element.id = `c-${row}-${column}`;
          element.dataset.row = row;
          element.dataset.column = column;
          place(element, SIDE + column * COLUMN, HEAD + row * ROW);
          drawn.set(name, element);
          line(row).append(element);
        }
        look(element, row, column);
      }
    }
    for (const [name, element] of drawn) if (!wanted.has(name)) { element.remove(); drawn.delete(name); }
    for (const [row, element] of lines) if (row >= 0 && (row < firstRow || row > lastRow)) { element.remove(); lines.delete(row); }
    keepEdge(heads, firstColumn, lastColumn, head, () => line(-1), (element, column) => place(element, SIDE + column * COLUMN, top));
    keepEdge(sides, firstRow, lastRow, side, line, (element, row) => place(element, left, HEAD + row * ROW));
    grid.setAttribute("aria-activedescendant", `c-${at.row}-${at.column}`);
    need(firstColumn, lastColumn);
  }

  function keepEdge(pool, first, last, make, home, put) {
    for (const [number, element] of pool) if (number < first || number > last) { element.remove(); pool.delete(number); }
    for (let number = first; number <= last; number += 1) {
      if (!pool.has(number)) { pool.set(number, make(number)); home(number).prepend(pool.get(number)); }
      put(pool.get(number), number);
    }
  }

  // Fetch the windows of targets that are in view.
  const fetching = new Set();
  function need(firstColumn, lastColumn) {
    for (let column = firstColumn; column <= lastColumn; column += 1) {
      const window = Math.floor(columns[column].position / WINDOW);
      if (loaded.has(window) || fetching.has(window)) continue;
      fetching.add(window);
      ask(`${base}/grid/cells?from=${window * WINDOW}&to=${(window + 1) * WINDOW - 1}`).then((answer) => answer.json()).then((part) => {
        for (const one of part.cells) cells.set(key(one[0], one[1]), one.slice(2));
        for (const one of part.proposed) proposed.set(key(one[0], one[1]), one[2]);
        loaded.add(window);
        draw();
      }).catch(() => toast(words.lost)).finally(() => fetching.delete(window));
    }
  }

  grid.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(grid);

  // ---- moving --------------------------------------------------------------------------------------------
  function show() {
    const top = at.row * ROW, left = at.column * COLUMN;
    if (top < grid.scrollTop) grid.scrollTop = top;
    if (top + ROW > grid.scrollTop + grid.clientHeight - HEAD) grid.scrollTop = top + ROW - grid.clientHeight + HEAD;
    if (left < grid.scrollLeft) grid.scrollLeft = left;
    if (left + COLUMN > grid.scrollLeft + grid.clientWidth - SIDE) grid.scrollLeft = left + COLUMN - grid.clientWidth + SIDE;
    draw();
  }

  function go(row, column, choose = false) {
    if (!rows.length || !columns.length) return;
    if (choose && !anchor) anchor = { ...at };
    at = { row: Math.max(0, Math.min(rows.length - 1, row)), column: Math.max(0, Math.min(columns.length - 1, column)) };
    if (choose) {
      picked.clear();
      for (let r = Math.min(anchor.row, at.row); r <= Math.max(anchor.row, at.row); r += 1) {
        for (let c = Math.min(anchor.column, at.column); c <= Math.max(anchor.column, at.column); c += 1) {
          if (applies(rows[r], columns[c].position)) picked.add(key(rows[r].number, columns[c].position));
        }
      }
    } else anchor = null;
    show();
    bar();
    later();
  }

  // The next column, in the direction of travel, on which the unit is judged at all.
  function step(direction) {
    let column = at.column + direction;
    while (column > 0 && column < columns.length - 1 && !applies(rows[at.row], columns[column].position)) column += direction;
    return column;
  }

  function bar() {
    get("work-bulk").hidden = !picked.size;
    get("work-picked").textContent = String(picked.size);
  }

  let pause;
  function later() {
    clearTimeout(pause);
    pause = setTimeout(() => open(false), 180);
  }

  // ---- the panel -----------------------------------------------------------------------------------------
  let shown = "";
  const address = (unit, target) => `${base}/cells/${encodeURIComponent(unit.id)}/${target.id}`;
  const draftKey = (unit, target) => `secops-cell-${data.id}-${unit}-${target}`;

  // What was typed and not saved waits in this tab: over a reload, the back button and a new log-in.
  function keep() {
    const form = panel.querySelector("[data-cell-form]");
    const box = panel.querySelector("[data-cell]");
    if (!form || !box || !form.classList.contains("dirty")) return;
    const values = [...new FormData(form)].filter(([name]) => name !== "csrf_token");
    sessionStorage.setItem(draftKey(box.dataset.unit, box.dataset.target), JSON.stringify(values));
  }

  function forget(unit, target) { sessionStorage.removeItem(draftKey(unit, target)); }

  function restore() {
    const form = panel.querySelector("[data-cell-form]");
    const box = panel.querySelector("[data-cell]");
    const text = box && form && sessionStorage.getItem(draftKey(box.dataset.unit, box.dataset.target));
    if (!text) return;
    const values = JSON.parse(text);
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden") continue;
      const given = values.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "radio" || field.type === "checkbox") field.checked = given.includes(field.value);
      else if (given.length) [field.value] = given;
    }
    form.classList.add("dirty");
    note(words.restored);
  }

  function note(text) {
    const line = panel.querySelector("[data-cell-note]");
    if (line) line.textContent = text;
  }

  function put(text) {
    const part = new DOMParser().parseFromString(text, "text/html").querySelector("[data-cell]");
    if (!part) return false;
    panel.replaceChildren(part);
    panel.scrollTop = 0;
    return true;
  }

  async function open(focus) {
    const spot = here();
    if (!spot) return;
    if (!applies(spot.unit, spot.target.position)) {
      keep();
      panel.textContent = words.outside;
      shown = "";
      return;
    }
    const url = address(spot.unit, spot.target);
    if (shown !== url) {
      keep();
      shown = url;
      try {
        const answer = await ask(url);
        if (shown !== url) return;
        if (!answer.ok || !put(await answer.text())) throw new Error(String(answer.status));
        restore();
      } catch {
        shown = "";
        toast(words.lost);
        return;
      }
    }
    if (focus) (panel.querySelector(focus === "text" ? "#cell-text" : "input[name=verdict]:checked, input[name=verdict], select") || panel).focus();
  }

  panel.addEventListener("input", (event) => {
    event.target.closest("[data-cell-form]")?.classList.add("dirty");
    keep();
  });
  panel.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]");
    const accept = event.target.closest("[data-accept]");
    const form = panel.querySelector("[data-cell-form]");
    if (fill && form) {
      form.elements.text.value = fill.dataset.fill;
      form.elements.text.focus();
    } else if (accept && form) {
      const radio = form.querySelector(`input[name=verdict][value="${accept.dataset.accept}"]`);
      if (radio) radio.checked = true;
      if (!form.elements.text.value.trim()) form.elements.text.value = accept.dataset.draft;
    } else return;
    form.classList.add("dirty");
    keep();
  });
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.matches("[data-review-form]")) review(event.target, event.submitter);
    else if (event.target.matches("[data-cell-form]")) save(event.target);
  });

  async function review(form, button) {
    const body = new FormData(form);
    body.set("action", button?.value || "accept");
    try {
      const answer = await ask(form.action, { method: "POST", body });
      const done = await answer.json();
      if (!answer.ok) { form.querySelector("[data-review-note]").textContent = done.error; return; }
      shown = "";
      await refresh();
      await open(false);
      grid.focus();
      toast(words.saved);
    } catch { toast(words.lost); }
  }

  async function save(form) {
    const box = panel.querySelector("[data-cell]");
    const { unit, target } = box.dataset;
    note("…");
    keep();
    try {
      const answer = await ask(form.action, { method: "POST", body: new FormData(form) });
      if (answer.status === 409 || answer.status === 400 || answer.status === 403) {
        put(await answer.text());
        panel.querySelector("[data-cell-form]")?.classList.add("dirty");
        if (answer.status === 409) toast(words.conflict);
        refresh();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const done = await answer.json();
      forget(unit, target);
      take([done.cell]);
      shown = "";
      await open(false);
      note(words.saved);
      grid.focus();
      refresh();
    } catch {
      note(words.lost);
      toast(words.lost);
    }
  }

  // ---- deciding by a key ---------------------------------------------------------------------------------
  function take(list) {
    for (const one of list) {
      cells.set(key(one[0], one[1]), one.slice(2));
      if (one[2]) proposed.delete(key(one[0], one[1]));
    }
    draw();
  }

  async function quick(verdict) {
    const spot = here();
    if (!data.decide || !spot) return;
    if (!applies(spot.unit, spot.target.position)) { toast(words.outside); return; }
    if (spot.unit.dak && verdict !== "na") { toast(words.crypto); open("panel"); return; }
    const id = key(spot.unit.number, spot.target.position);
    const known = cells.get(id);
    if (known?.[2] & 8) { toast(words.locked); return; }
    if (verdict === "partial" && !spot.unit.partial) { toast(words.partial); return; }
    if (verdict === "na") {
      await open("text");
      const radio = panel.querySelector("input[name=verdict][value=na]");
      if (radio) { radio.checked = true; panel.querySelector("[data-cell-form]").classList.add("dirty"); }
      note(words.naReason);
      return;
    }
    const form = new FormData();
    form.set("csrf_token", token);
    form.set("version", String(known?.[3] || 0));
    form.set("verdict", verdict);
    try {
      const answer = await ask(address(spot.unit, spot.target), { method: "POST", body: form });
      if (answer.status === 409) { toast(words.conflict); shown = ""; await refresh(); open(false); return; }
      if (!answer.ok) { toast(words.failed); return; }
      const done = await answer.json();
      undo.push({ unit: spot.unit, target: spot.target, before: VERDICTS[known?.[0]] || "", version: done.cell[5] });
      take([done.cell]);
      shown = "";
      refresh();
      go(at.row, at.column);
    } catch { toast(words.lost); }
  }

  async function back() {
    const last = undo.pop();
    if (!last) return;
    const form = new FormData();
    form.set("csrf_token", token);
    form.set("version", String(last.version));
    form.set("verdict", last.before);
    const answer = await ask(address(last.unit, last.target), { method: "POST", body: form }).catch(() => null);
    if (!answer || !answer.ok) { toast(words.failed); return; }
    take([(await answer.json()).cell]);
    shown = "";
    toast(words.undone);
    refresh();
    open(false);
  }

  async function next() {
    const spot = here();
    const answer = await ask(`${base}/grid/next?unit=${encodeURIComponent(spot?.unit.id || "")}&target=${spot?.target.id || 0}`).then((found) => found.json()).catch(() => null);
    if (!answer) { toast(words.lost); return; }
    if (!answer.cell) { toast(words.none); return; }
    let row = rows.findIndex((unit) => unit.number === answer.cell[0]);
    let column = columns.findIndex((target) => target.position === answer.cell[1]);
    if (row < 0 || column < 0) {
      for (const field of Object.values(fields)) field.value = "";
      filter();
      row = rows.findIndex((unit) => unit.number === answer.cell[0]);
      column = columns.findIndex((target) => target.position === answer.cell[1]);
    }
    go(row, column);
  }

  // ---- many at once --------------------------------------------------------------------------------------
  const sure = get("work-sure");
  let bulkVerdict = "";
  async function bulk(preview) {
    const list = (picked.size ? [...picked] : [key(here().unit.number, here().target.position)]).map((id) => id.split(":").map(Number));
    const form = new FormData();
    form.set("csrf_token", token);
    form.set("cells", JSON.stringify(list));
    form.set("verdict", bulkVerdict);
    form.set("text", get("work-bulk-text").value);
    if (get("work-overwrite").checked) form.set("overwrite", "1");
    if (preview) form.set("preview", "1");
    const answer = await ask(`${base}/bulk`, { method: "POST", body: form }).catch(() => null);
    if (!answer) { toast(words.lost); return null; }
    return answer.json();
  }

  async function preview() {
    const done = await bulk(true);
    if (!done) return;
    get("work-sure-text").textContent = done.error || words.preview.replace("%1", done.changed).replace("%2", done.overwritten).replace("%3", done.skipped);
    get("work-sure-why").replaceChildren(...(done.why || []).map((text) => { const line = document.createElement("li"); line.textContent = text; return line; }));
    get("work-go").disabled = !done.error && !done.changed;
  }

  function askBulk(verdict) {
    bulkVerdict = verdict;
    get("work-overwrite").checked = false;
    get("work-bulk-text").value = "";
    preview();
    sure.showModal();
  }
  get("work-overwrite").addEventListener("change", preview);
  get("work-bulk-text").addEventListener("change", preview);
  get("work-go").addEventListener("click", async () => {
    const done = await bulk(false);
    if (!done) return;
    if (done.error) { get("work-sure-text").textContent = done.error; return; }
    sure.close();
    picked.clear();
    shown = "";
    bar();
    await refresh();
    open(false);
    grid.focus();
    toast(`${words.saved}: ${done.changed} ${words.cells}`);
  });
  for (const button of work.querySelectorAll("[data-bulk]")) button.addEventListener("click", () => askBulk(button.dataset.bulk));
  get("work-unpick").addEventListener("click", () => { picked.clear(); bar(); draw(); grid.focus(); });

  // ---- what others do ------------------------------------------------------------------------------------
  let down = false;
  async function refresh() {
    try {
      const answer = await ask(`${base}/grid/changes?since=${revision}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const part = await answer.json();
      if (down) { down = false; toast(words.back); }
      revision = part.revision;
      if (part.cells.length) {
        take(part.cells);
        const spot = here();
        const box = panel.querySelector("[data-cell]");
        const mine = spot && part.cells.find((one) => one[0] === spot.unit.number && one[1] === spot.target.position);
        if (mine && box && String(mine[5]) !== box.dataset.version) {
          if (panel.querySelector("[data-cell-form].dirty")) note(words.conflict);
          else { shown = ""; open(false); }
        }
      }
      if (part.figures) {
        for (const unit of units) Object.assign(unit, { decided: 0, submitted: 0, accepted: 0, returned: 0, draft: 0, differs: 0, gaps: 0 }, part.figures[unit.id]);
        for (const element of sides.values()) element.remove();
        sides.clear();
        draw();
      }
    } catch { if (!down) { down = true; toast(words.lost); } }
  }
  setInterval(() => { if (!document.hidden) refresh(); }, 4000);

  // ---- keyboard and pointer ------------------------------------------------------------------------------
  grid.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const page = Math.max(1, Math.floor((grid.clientHeight - HEAD) / ROW) - 1);
    const moves = {
      ArrowDown: () => go(at.row + 1, at.column, event.shiftKey), ArrowUp: () => go(at.row - 1, at.column, event.shiftKey),
      ArrowRight: () => go(at.row, event.shiftKey ? at.column + 1 : step(1), event.shiftKey), ArrowLeft: () => go(at.row, event.shiftKey ? at.column - 1 : step(-1), event.shiftKey),
      PageDown: () => go(at.row + page, at.column, event.shiftKey), PageUp: () => go(at.row - page, at.column, event.shiftKey),
      Home: () => go(event.ctrlKey ? 0 : at.row, 0, event.shiftKey), End: () => go(event.ctrlKey ? rows.length - 1 : at.row, columns.length - 1, event.shiftKey),
      Enter: () => open("panel"), Escape: () => { picked.clear(); bar(); draw(); },
      " ": () => {
        const spot = here();
        const id = spot && key(spot.unit.number, spot.target.position);
        if (!spot || !applies(spot.unit, spot.target.position)) return;
        if (picked.has(id)) picked.delete(id); else picked.add(id);
        bar();
        draw();
      },
    };
    if (event.ctrlKey && event.key.toLowerCase() === "a") {
      event.preventDefault();
      for (const target of columns) if (applies(rows[at.row], target.position)) picked.add(key(rows[at.row].number, target.position));
      bar();
      draw();
      return;
    }
    if (moves[event.key]) { event.preventDefault(); event.stopPropagation(); moves[event.key](); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const letter = event.key.toLowerCase();
    if (KEYS[letter]) { event.preventDefault(); if (picked.size > 1) askBulk(KEYS[letter]); else quick(KEYS[letter]); }
    else if (letter === "a") { event.preventDefault(); acceptHere(); }
    else if (letter === "n") { event.preventDefault(); next(); }
    else if (letter === "m") { event.preventDefault(); open("text"); }
    else if (letter === "u") { event.preventDefault(); back(); }
    else if (letter === "?") { event.preventDefault(); get("work-keys").showModal(); }
    if ("jk/x".includes(letter)) event.stopPropagation();
  });

  async function acceptHere() {
    if (!data.decide) return;
    bulkVerdict = "";
    get("work-bulk-text").value = "";
    get("work-overwrite").checked = false;
    if (picked.size > 1) { askBulk(""); return; }
    const done = await bulk(false);
    if (!done || done.error || !done.changed) { toast(done?.error || done?.why?.[0] || words.none_suggested); return; }
    shown = "";
    await refresh();
    open(false);
  }

  document.addEventListener("keydown", (event) => {
    if (!panel.contains(event.target) && event.target !== panel) return;
    const form = panel.querySelector("[data-cell-form]");
    if (event.key === "Escape") { event.preventDefault(); grid.focus(); }
    else if (event.key === "Enter" && event.ctrlKey && form) { event.preventDefault(); save(form); }
    else if (event.altKey && event.key.toLowerCase() === "a") { event.preventDefault(); panel.querySelector("[data-accept]")?.click(); }
  });

  space.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-row]");
    if (!cell) return;
    grid.focus();
    const row = Number(cell.dataset.row), column = Number(cell.dataset.column);
    if (event.ctrlKey || event.metaKey) {
      at = { row, column };
      const id = key(rows[row].number, columns[column].position);
      if (applies(rows[row], columns[column].position)) { if (picked.has(id)) picked.delete(id); else picked.add(id); }
      bar();
      draw();
    } else go(row, column, event.shiftKey);
  });
  window.addEventListener("beforeunload", keep);
  window.addEventListener("pagehide", keep);

  // ---- start ---------------------------------------------------------------------------------------------
  listViews();
  filter();
  const row = rows.findIndex((unit) => unit.id === asked.get("unit"));
  const column = columns.findIndex((target) => String(target.id) === asked.get("target"));
  let first = row >= 0 && column >= 0 ? [row, column] : null;
  if (!first && rows.length) first = [0, Math.max(0, columns.findIndex((target) => applies(rows[0], target.position)))];
  if (first) go(...first);
  grid.focus({ preventScroll: true });
})();
