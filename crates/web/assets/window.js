// What htmx does not do: clocks, keys, copying, questions before leaving, drafts. Pages work without it.
(() => {
  "use strict";
  const words = document.getElementById("words")?.dataset ?? {};
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Durations that run.
  const tick = () => all("time[data-since]").forEach((time) => {
    const secs = Math.max(0, Math.floor((Date.now() - Number(time.dataset.since)) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(secs / 3600), Math.floor(secs / 60) % 60];
    time.textContent = hours ? `${hours}:${two(minutes)}:${two(secs % 60)}` : `${minutes}:${two(secs % 60)}`;
  });
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
  document.addEventListener("htmx:sseMessage", tick);
  tick();

  // Copying.
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      copy(document.getElementById(button.dataset.copy).textContent);
      const before = button.textContent;
      button.textContent = words.copied;
      setTimeout(() => { button.textContent = before; }, 1500);
    }
    const offer = event.target.closest("[data-fill]");
    if (offer) {
      const field = document.getElementById(offer.dataset.fill);
      field.value = offer.dataset.value;
      field.focus();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const tab = event.target.closest("[data-show]");
    const focus = document.getElementById("focus");
    if (tab && focus) {
      event.preventDefault();
      focus.value = tab.dataset.show;
      htmx.trigger("#integration", "change");
    }
  });

  // What says the same stays where it is: a press on it is not lost while the answer comes, and it is not read aloud again.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const fresh = detail.fragment.firstElementChild;
    if (fresh?.id === detail.target.id && fresh.innerHTML === detail.target.innerHTML) detail.shouldSwap = false;
  });

  // The preview follows the field that has the focus.
  document.addEventListener("focusin", (event) => {
    const kind = event.target.dataset?.kind;
    const focus = document.getElementById("focus");
    if (kind && focus && focus.value !== kind) {
      focus.value = kind;
      htmx.trigger("#integration", "change");
    }
  });

  // Questions before what cannot be undone.
  document.addEventListener("submit", (event) => {
    const sure = event.submitter?.dataset.sure;
    if (sure && !confirm(sure)) event.preventDefault();
  }, true);

  // Unsaved changes: asked about, and kept should the session end in the middle.
  const read = (form) => JSON.stringify(
    [...new FormData(form)].filter(([name]) => !["_csrf", "version", "focus", "password", "bearer_token"].includes(name)));
  all("form[data-guard]").forEach((form) => {
    const saved = read(form);
    const key = `draft:${location.pathname}`;
    let leaving = false;
    const draft = sessionStorage.getItem(key);
    if (draft && draft !== saved && new URLSearchParams(location.search).get("done") === null) {
      fill(form, JSON.parse(draft));
      const note = document.createElement("p");
      note.className = "notice waiting";
      note.setAttribute("role", "status");
      note.textContent = words.restored;
      document.getElementById("main").prepend(note);
    } else {
      sessionStorage.removeItem(key);
    }
    form.addEventListener("input", () => sessionStorage.setItem(key, read(form)));
    form.addEventListener("submit", () => { leaving = true; });
    // The session is over: to the login and back, with what was typed.
    document.addEventListener("htmx:beforeOnLoad", (event) => {
      if (event.detail.xhr.getResponseHeader("HX-Redirect")) leaving = true;
    });
    addEventListener("beforeunload", (event) => {
      if (!leaving && read(form) !== saved) event.preventDefault();
    });
    addEventListener("pagehide", () => { if (!leaving && !document.hidden) sessionStorage.removeItem(key); });
  });
  function fill(form, pairs) {
    const values = new Map();
    pairs.forEach(([name, value]) => values.set(name, [...(values.get(name) ?? []), value]));
    [...form.elements].forEach((field) => {
      if (!field.name || !values.has(field.name) && field.type !== "checkbox") return;
      const wanted = values.get(field.name) ?? [];
      if (field.type === "radio" || field.type === "checkbox") field.checked = wanted.includes(field.value);
      else field.value = wanted[0];
    });
  }

  // The board: filtered by name; a ring shows in the title and is heard if wanted; said aloud now and then only.
  const board = document.getElementById("board");
  if (board) {
    const [who, bell, said] = ["who", "bell", "said"].map((id) => document.getElementById(id));
    const title = document.title;
    let rang = null, last = "";
    const chime = () => {
      const audio = new AudioContext();
      [880, 1174.7].forEach((tone, at) => {
        const [source, volume] = [audio.createOscillator(), audio.createGain()];
        source.frequency.value = tone;
        volume.gain.setValueAtTime(0.15, audio.currentTime + at * 0.25);
        volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at * 0.25 + 0.24);
        source.connect(volume).connect(audio.destination);
        source.start(audio.currentTime + at * 0.25);
        source.stop(audio.currentTime + at * 0.25 + 0.25);
      });
      setTimeout(() => audio.close(), 1000);
    };
    const heed = () => {
      const wanted = who.value.trim().toLowerCase();
      all(".person", board).forEach((card) => {
        card.hidden = !card.querySelector(".who").textContent.toLowerCase().includes(wanted);
      });
      const rings = new Set(all(".ringing + a", board).map((link) => link.href));
      document.title = rings.size ? `${board.dataset.rings.replace("{count}", rings.size)} · ${title}` : title;
      if (rang && bell.getAttribute("aria-pressed") === "true" && [...rings].some((one) => !rang.has(one))) chime();
      rang = rings;
    };
    const press = (on) => bell.setAttribute("aria-pressed", String(on));
    press(localStorage.getItem("ringbud-bell") === "on");
    bell.addEventListener("click", () => {
      const on = bell.getAttribute("aria-pressed") !== "true";
      press(on);
      localStorage.setItem("ringbud-bell", on ? "on" : "off");
      if (on) chime();
    });
    document.querySelector(".tools").hidden = false;
    who.addEventListener("input", heed);
    document.addEventListener("htmx:sseMessage", heed);
    setInterval(() => {
      const now = board.querySelector(".sums").textContent.replace(/\s+/g, " ").trim();
      if (now !== last) said.textContent = last = now;
    }, 10000);
    heed();
  }

  // What happens meanwhile: the page is asked for again now and then, and what differs is put in its place. A row
  // that is new is only counted above its list, so that nothing one reads moves. Asking is no use of the session.
  const LOOK_EVERY = 5000;
  const plain = (node) => {
    const copy = node.cloneNode(true);
    all("[name=_csrf]", copy).forEach((field) => field.remove());
    all("time[data-since]", copy).forEach((time) => { time.textContent = ""; });
    all("[role=alert]", copy).forEach((alert) => alert.removeAttribute("role"));
    return copy.innerHTML;
  };
  const differs = (here, fresh) => fresh && plain(here) !== plain(fresh);
  const busy = (place) => place.contains(document.activeElement) || place.querySelector("details[open]");
  const put = (place, fresh) => {
    // What has been read aloud is not read again because the time in it is another.
    const bare = (alert) => alert.textContent.replace(/\d+/g, "");
    const read = all("#alerts > .notice").map(bare);
    all("[role=alert]", fresh).filter((one) => read.includes(bare(one))).forEach((one) => one.removeAttribute("role"));
    place.replaceChildren(...document.importNode(fresh, true).childNodes);
    // What is shared by all who look at the same has no secret of a form; this page has one.
    const secret = document.querySelector("header [name=_csrf]")?.value ?? "";
    all("[name=_csrf]", place).forEach((field) => { field.value = secret; });
    tick();
  };
  function renew(fresh) {
    all("[data-live]").forEach((place) => {
      const now = fresh.getElementById(place.id);
      if (differs(place, now) && !busy(place)) put(place, now);
    });
    all("[data-live-rows]").forEach((list) => {
      const rows = all("[data-row]", fresh.getElementById(list.id) ?? fresh.createElement("p"));
      const known = new Map(all("[data-row]", list).map((row) => [row.dataset.row, row]));
      rows.forEach((row) => {
        const here = known.get(row.dataset.row);
        if (!here || !differs(here, row)) return;
        const focused = here.contains(document.activeElement);
        put(here, row);
        if (focused) here.querySelector("a.whole")?.focus();
      });
      const first = rows.findIndex((row) => known.has(row.dataset.row));
      const count = new URLSearchParams(location.search).has("before") ? 0 : first < 0 ? rows.length : first;
      const note = document.getElementById(list.dataset.liveRows);
      const text = count === 1 ? note.dataset.one : note.dataset.many.replace("{count}", count);
      if (!count || note.textContent === text) return;
      const link = document.createElement("a");
      link.href = location.href;
      link.className = "button";
      link.textContent = text;
      note.replaceChildren(link);
    });
  }
  if (document.querySelector("[data-live], [data-live-rows]")) {
    const look = setInterval(async () => {
      if (document.hidden) return;
      const answer = await fetch(location.href, { headers: { "x-ringbud-live": "1" }, redirect: "manual" }).catch(() => null);
      if (answer?.ok) renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
      else if (answer) clearInterval(look);
    }, LOOK_EVERY);
  }

  // A date is typed as the page's language writes it; a calendar is at hand beside it.
  all(".date").forEach((place) => {
    const field = place.querySelector("input");
    const [button, calendar] = [document.createElement("button"), document.createElement("input")];
    button.type = "button";
    button.className = "pick";
    button.setAttribute("aria-label", words.pick);
    calendar.type = "date";
    calendar.tabIndex = -1;
    calendar.setAttribute("aria-hidden", "true");
    button.addEventListener("click", () => {
      const [day, month, year] = field.value.split(/\D+/);
      calendar.value = year ? `${year.padStart(4, "20")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}` : "";
      calendar.showPicker();
    });
    calendar.addEventListener("change", () => {
      const between = document.documentElement.lang === "da" ? "." : "/";
      field.value = calendar.value.split("-").reverse().join(between);
      field.focus();
    });
    place.append(button, calendar);
  });

  // A file goes into the text beside it.
  all("input[data-into]").forEach((input) => input.addEventListener("change", async () => {
    if (input.files[0]) document.getElementById(input.dataset.into).value = await input.files[0].text();
  }));

  // Keys.
  let going = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (going) {
      going = false;
      const place = document.querySelector(`.places a[data-key="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); }
      return;
    }
    if (event.key === "/") { event.preventDefault(); document.getElementById("q")?.focus(); }
    else if (event.key === "g") { going = true; setTimeout(() => { going = false; }, 1500); }
    else if (event.key === "?") document.getElementById("keys")?.showModal();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const rows = all("[data-list] a.whole");
      if (!rows.length) return;
      const at = rows.indexOf(document.activeElement);
      const next = event.key === "ArrowDown" ? at + 1 : at - 1;
      if (rows[next]) { event.preventDefault(); rows[next].focus(); }
    }
  });
})();
