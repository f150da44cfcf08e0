// Sends the files of an upload form piece by piece and goes on after a lost connection. The protocol is described in
// secops/evidence/uploads.py; without script the form sends its files itself.
"use strict";
(() => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const token = (form) => form.elements.csrf_token.value;

  async function ask(url, options, say) {
    for (let pause = 1000; ; pause = Math.min(2 * pause, 30000)) {
      try {
        return await fetch(url, { credentials: "same-origin", ...options });
      } catch (error) {
        say(null);
        await wait(pause);
      }
    }
  }

  async function told(answer, fallback) {
    const type = answer.headers.get("Content-Type") || "";
    return type.includes("json") ? (await answer.json()).error || fallback : fallback;
  }

  // Gives the token of the whole file; throws with what the server said.
  async function send(form, base, file, words, say) {
    const headers = { "X-CSRFToken": token(form), Accept: "application/json" };
    const start = new FormData();
    for (const [key, value] of [["system", form.elements.system.value], ["name", file.name], ["size", file.size], ["stamp", file.lastModified]]) start.set(key, value);
    const begun = await ask(base, { method: "POST", body: start, headers }, say);
    if (!begun.ok) throw new Error(await told(begun, words.failed));
    const place = await begun.json();
    let offset = place.received;
    while (offset < file.size) {
      say(offset / file.size);
      let answer = null;
      try {
        answer = await fetch(base + place.token, {
          method: "PATCH", credentials: "same-origin", body: file.slice(offset, offset + place.piece),
          headers: { ...headers, "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" },
        });
      } catch (error) {
        say(null);
        await wait(1000);
      }
      if (answer && answer.ok) {
        offset = Number(answer.headers.get("Upload-Offset"));
      } else if (!answer || answer.status === 409 || answer.status >= 500) {
        if (answer) await wait(1000);
        const where = await ask(base + place.token, { method: "HEAD", headers }, say);
        if (!where.ok) throw new Error(words.failed);
        offset = Number(where.headers.get("Upload-Offset"));
      } else {
        throw new Error(await told(answer, words.failed));
      }
    }
    say(1);
    return place.token;
  }

  async function run(form, box, button) {
    const input = form.querySelector(".dropzone-input");
    const bar = form.querySelector(".dropzone-progress");
    const [meter, text] = [bar.querySelector("progress"), bar.querySelector("span")];
    const words = box.dataset;
    const files = [...input.files];
    const tokens = [];
    button.disabled = true;
    bar.hidden = false;
    try {
      for (const [index, file] of files.entries()) {
        const say = (share) => {
          if (share !== null) meter.value = Math.floor((100 * (index + share)) / files.length);
          const which = files.length > 1 ? `${index + 1}/${files.length} ${file.name} · ` : "";
          text.textContent = which + (share === null ? words.lost : `${Math.floor(100 * share)}%`);
        };
        tokens.push(await send(form, words.chunks, file, words, say));
      }
      text.textContent = words.sealing;
      const data = new FormData(form);
      data.delete("file");
      for (const one of tokens) data.append("upload", one);
      form.removeAttribute("data-guard");
      const answer = await fetch(form.action, { method: "POST", credentials: "same-origin", body: data, headers: { "X-Fragment": "1" } });
      if (answer.ok) { location.href = answer.url; return; }
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!part) throw new Error(words.failed);
      document.querySelector("main#main").replaceChildren(...part.childNodes);
      document.querySelector("[data-focus]")?.focus();
    } catch (error) {
      text.textContent = error.message || words.failed;
      button.disabled = false;
    }
  }

  // Ahead of the page's own handler, which sends all at once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const box = form.querySelector("[data-chunks]");
    if (!box || !form.querySelector(".dropzone-input")?.files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.querySelector(".dropzone-files .bad")) return;
    run(form, box, event.submitter || form.querySelector("[type=submit]"));
  }, true);
})();
