"use strict";


// The day's list asks now and then whether it has changed, and offers to show
// it: nothing moves under the finger.
{
  const note = document.querySelector("[data-watch]");
  const ask = async () => {
    if (!note.hidden || document.hidden) return;
    try {
      const answer = await fetch(note.dataset.watch, { cache: "no-store" });
      if (answer.ok && !answer.redirected && (await answer.text()) !== note.dataset.version) note.hidden = false;
    } catch { /* the next time */ }
  };
  if (note) setInterval(ask, 20000);
}

// What was just pressed counts down while it can be taken back, then it goes.
for (const form of document.querySelectorAll("form.undo[data-left]")) {
  const button = form.querySelector("button"), count = document.createElement("span");
  const row = form.closest("li") ?? form;
  count.setAttribute("aria-hidden", "true");
  button.append(" ", count);
  let left = Number(form.dataset.left);
  const tick = () => {
    if (left < 1) {
      const list = row.parentElement;
      row.remove();
      if (!list.childElementCount) list.closest("section")?.remove();
      return;
    }
    count.textContent = `(${left--})`;
    setTimeout(tick, 1000);
  };
  tick();
}

// After a press the list comes back where it was.
{
  const key = "scroll " + location.pathname;
  const was = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  if (was !== null) scrollTo({ top: Number(was), behavior: "instant" });
  addEventListener("submit", (event) => {
    if (event.target.closest(".rows")) sessionStorage.setItem(key, String(scrollY));
  });
}

// A text shows what becomes of it while it is being written.
for (const form of document.querySelectorAll("form[data-preview]")) {
  const shown = document.getElementById(form.dataset.preview);
  let waiting, asked = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++asked, body = new URLSearchParams(new FormData(form));
      body.set("do", "preview");
      try {
        const answer = await fetch(form.action, { method: "POST", body });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(shown.id);
        if (answer.ok && mine === asked && fresh) shown.replaceChildren(...fresh.childNodes);
      } catch { /* the button shows it too */ }
    }, 600);
  });
}

// A file of any size goes straight to where files are kept, and the page says how
// far it has come. Without this script the form itself sends what is small.
for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("[type=file]"), button = form.querySelector("button");
  const busy = form.querySelector("[data-busy]"), wrong = form.querySelector("[data-wrong]");
  const put = (to, type, file) => new Promise((done, failed) => {
    const sent = new XMLHttpRequest(), bar = busy.querySelector("progress");
    sent.open("PUT", to);
    sent.setRequestHeader("Content-Type", type);
    sent.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = 100 * event.loaded / event.total; });
    sent.addEventListener("load", () => (sent.status < 300 ? done() : failed(new Error(String(sent.status)))));
    sent.addEventListener("error", () => failed(new Error("network")));
    sent.send(file);
  });
  form.addEventListener("submit", async (event) => {
    const file = input.files[0];
    if (!file || file.size <= Number(form.dataset.most) * 1e6) return;
    event.preventDefault();
    button.disabled = true;
    wrong.hidden = true;
    busy.hidden = false;
    try {
      const body = new URLSearchParams({ id: form.elements.id.value, name: file.name, size: file.size, system: form.elements.system?.value ?? "", head: await file.slice(0, 4096).text() });
      const answer = await fetch(form.dataset.upload, { method: "POST", body });
      if (!answer.ok) throw new Error(String(answer.status));
      const { upload, type, page } = await answer.json();
      await put(upload, type, file);
      location.assign(page);
    } catch {
      wrong.hidden = false;
      busy.hidden = true;
      button.disabled = false;
    }
  });
}
