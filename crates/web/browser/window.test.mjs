// The window in a real browser: first run, integration, test call, board, both languages and roles, axe.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PASSWORD, axe, ended, free, invite, login, open, page, root, shots, start, welcome } from "./house.mjs";

let house, browser, olga;
const places = ["now", "calls", "report", "integration", "deliveries", "people", "settings"];
const operator = ["accounts", "links", "health", "users", "tokens", "privacy", "audit"];

before(async () => {
  house = await start();
  browser = await open();
  olga = await page(browser);
});

after(async () => {
  await browser?.close();
  await house?.stop();
});

const at = (place) => `${house.base}/a/1/${place}`;
const shoot = (page, name) => page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });

test("the one-time link makes the first operator", async () => {
  await olga.goto(house.link);
  await shoot(olga, "first");
  assert.deepEqual(await axe(olga), []);
  await olga.fill("#name", "olga");
  await olga.fill("#password", PASSWORD);
  await olga.fill("#again", PASSWORD);
  await olga.click("button.main");
  await olga.waitForURL(/operator/);
  await olga.goto(`${house.base}/operator/links`);
  await olga.selectOption("#product", "freepbx");
  await olga.fill("#secret", "hemmelig");
  await olga.click("text=Prøv nu");
  await olga.waitForSelector("text=Ringbud kan logge ind på centralen");
  assert.match(await olga.textContent("main"), /manager_custom\.conf/);
  assert.match(await olga.textContent("#toml"), /\[\[pbx\]\]/);
  assert.equal((await olga.content()).includes("hemmelig"), false, "the secret is not shown again");
  assert.deepEqual(await axe(olga), []);
  await shoot(olga, "try-a-pbx");
});

test("every page has no violations, in both languages, light and dark, and fits a phone", async () => {
  const pages = [...places.map((place) => [place, at(place)]), ["access", at("access")],
    ...operator.map((place) => [place, `${house.base}/operator/${place}`])];
  await olga.goto(at("calls"));
  pages.push(["story", await olga.getAttribute("a.whole", "href").then((href) => new URL(href, house.base).href)]);
  await olga.goto(at("deliveries") + "?state=failed");
  pages.push(["delivery", await olga.getAttribute("a.whole", "href").then((href) => new URL(href, house.base).href)]);
  const found = [];
  for (const [language, theme] of [["da", "light"], ["da", "dark"], ["en", "light"], ["en", "dark"]]) {
    await olga.context().addCookies([
      { name: "ringbud_language", value: language, url: house.base },
      { name: "ringbud_theme", value: theme, url: house.base },
    ]);
    for (const [name, url] of pages) {
      await olga.setViewportSize({ width: 1360, height: 900 });
      const response = await olga.goto(url);
      assert.equal(response.status(), 200, url);
      assert.equal(await olga.getAttribute("html", "lang"), language);
      // Colours are the same in both languages.
      if (theme === "light" || language === "da") found.push(...(await axe(olga)).map((what) => `${name} ${language} ${theme}: ${what}`));
      await shoot(olga, `${name}-${language}-${theme}`);
      await olga.setViewportSize({ width: 360, height: 780 });
      const wide = await olga.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name} is ${wide} px wider than a phone`);
      if (await pushed(olga) > 0) found.push(`${name}: a list scrolls sideways on a phone`);
      await olga.screenshot({ path: `${shots}/${name}-${language}-${theme}-phone.png`, fullPage: name === "story" });
      if (theme === "light") found.push(...(await axe(olga)).map((what) => `${name} ${language} on a phone: ${what}`));
    }
  }
  assert.deepEqual(found, []);
  await olga.setViewportSize({ width: 1360, height: 900 });
  await olga.context().addCookies([{ name: "ringbud_language", value: "da", url: house.base }]);
});

/** How many lists have something to the right that one has to push in, and no keyboard can. */
const pushed = (page) => page.evaluate(() => [...document.querySelectorAll(".wide:not([tabindex])")]
  .filter((list) => list.scrollWidth > list.clientWidth).length);

/** What of a page is to the right of it and in no place of its own that is pushed in. */
const outside = (page) => page.evaluate(() => [...document.querySelectorAll("header.bar *, main *")]
  .filter((part) => part.getBoundingClientRect().width > 0 && part.getBoundingClientRect().right > innerWidth + 1 &&
    !part.closest(".wide[tabindex], .hidden, pre, svg, option, .cut")).map((part) => `${part.tagName} ${part.textContent.slice(0, 40)}`));

test("every page has no violations at the widths between, each in one language and light", async () => {
  const pages = [...places.map((place) => [place, at(place)]),
    ...operator.map((place) => [place, `${house.base}/operator/${place}`]),
    ...["", "/receive", "/events"].map((page) => [`help${page}`, `${house.base}/help${page}`])];
  const found = [];
  for (const [width, language, theme] of [[390, "da", "dark"], [768, "en", "light"], [1280, "da", "light"], [1366, "en", "dark"]]) {
    await olga.context().addCookies([
      { name: "ringbud_language", value: language, url: house.base },
      { name: "ringbud_theme", value: theme, url: house.base },
    ]);
    await olga.setViewportSize({ width, height: 800 });
    for (const [name, url] of pages) {
      await olga.goto(url);
      const wide = await olga.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name} is ${wide} px wider than ${width}`);
      if (await pushed(olga) > 0) found.push(`${name}: a list scrolls sideways at ${width}`);
      // What is read aloud by itself is short, and nothing that changes all the time is.
      const aloud = await olga.evaluate(() => [...document.querySelectorAll("[aria-live], [role=status], [role=alert]")]
        .filter((region) => region.matches("[data-live], #board, [data-live-rows]") || region.textContent.length > 400).length);
      if (aloud > 0) found.push(`${name}: too much is read aloud`);
      // The manual is long, and the same text at every width.
      if (!name.startsWith("help") || width === 390) found.push(...(await axe(olga)).map((what) => `${name} ${language} ${theme} ${width}: ${what}`));
      // By keyboard: past the way to the content, the first stops are on the page and can be seen.
      for (let stop = 0; stop < 3; stop += 1) await olga.keyboard.press("Tab");
      const seen = await olga.evaluate(() => {
        const at = document.activeElement?.getBoundingClientRect();
        return Boolean(at && at.width > 0 && at.height > 0);
      });
      if (!seen) found.push(`${name} ${width}: the third stop of the keyboard cannot be seen`);
    }
  }
  await olga.setViewportSize({ width: 1360, height: 900 });
  await olga.context().addCookies([
    { name: "ringbud_language", value: "da", url: house.base },
    { name: "ringbud_theme", value: "system", url: house.base },
  ]);
  assert.deepEqual(found, []);
});

test("names, numbers and addresses as long as may be, and forty phones in a call, break no page", async () => {
  const hard = (place) => `${house.base}/a/region-nordjylland.erhverv_og_sundhed.hovedkontor-2026.test-0001/${place}`;
  const pages = [...places, "access", "integration/receivers", "integration/sink"].map((place) => [place, hard(place)]);
  pages.push(["accounts", `${house.base}/operator/accounts`], ["audit", `${house.base}/operator/audit`]);
  await olga.goto(hard("calls"));
  pages.push(["story", new URL(await olga.getAttribute("a.whole", "href"), house.base).href]);
  await olga.goto(hard("deliveries"));
  pages.push(["delivery", new URL(await olga.getAttribute("a.whole", "href"), house.base).href]);
  const found = [];
  for (const width of [360, 1366]) {
    await olga.setViewportSize({ width, height: 800 });
    for (const [name, url] of pages) {
      await olga.goto(url);
      const wide = await olga.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name} is ${wide} px wider than ${width}`);
      if (await pushed(olga) > 0) found.push(`${name}: a list scrolls sideways at ${width}`);
      found.push(...(await outside(olga)).map((part) => `${name} ${width}: ${part} is outside`));
    }
  }
  assert.deepEqual(found, []);
  await olga.setViewportSize({ width: 1360, height: 900 });
});

test("every stop of the keyboard is in sight, and one sees that it has the focus", async () => {
  const found = [];
  for (const [name, url] of [...places.map((place) => [place, at(place)]), ["access", at("access")],
    ...operator.map((place) => [place, `${house.base}/operator/${place}`])]) {
    await olga.goto(url);
    let stops = 0;
    for (; stops < 60; stops += 1) {
      await olga.keyboard.press("Tab");
      const seen = await olga.evaluate(() => {
        const on = document.activeElement;
        if (on === document.body) return "over";
        const place = on.getBoundingClientRect();
        const style = getComputedStyle(on.closest("tr:has(.whole:focus-visible)") ?? on);
        const inside = place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.left < innerWidth;
        return inside && style.outlineStyle !== "none" ? "" : `${on.tagName} ${on.id} ${on.textContent.slice(0, 30)}`;
      });
      if (seen === "over") break;
      if (seen) found.push(`${name}: ${seen}`);
    }
    if (stops < 15) found.push(`${name}: only ${stops} stops`);
  }
  assert.deepEqual(found, []);
});

test("on a phone every place is two presses away, and the story fits every width", async () => {
  await olga.setViewportSize({ width: 360, height: 780 });
  await olga.goto(at("calls"));
  await olga.click(".morebutton");
  assert.deepEqual(await axe(olga), []);
  await olga.click("#rest >> text=Indstillinger");
  await olga.waitForURL(/settings/);
  await olga.goto(at("calls"));
  const story = new URL(await olga.getAttribute("a.whole", "href"), house.base).href;
  assert.match(await olga.getAttribute("a.whole", "aria-label"), /gående, \d+ .+, .+, .+/);
  for (const width of [360, 390, 768, 900, 1280, 1366]) {
    await olga.setViewportSize({ width, height: 800 });
    await olga.goto(story);
    const outside = await olga.evaluate(() => [...document.querySelectorAll("svg.story *")]
      .filter((part) => part.getBoundingClientRect().right > innerWidth).length);
    assert.equal(outside, 0, `${width} px: parts of the picture are outside`);
    const cut = await olga.evaluate(() => [...document.querySelectorAll(".wide")].filter((box) => box.scrollWidth > box.clientWidth).length);
    assert.equal(cut, 0, `${width} px: the table is wider than its place`);
    assert.deepEqual(await axe(olga), []);
  }
  await olga.focus("svg.story a");
  await olga.keyboard.press("Enter");
  await olga.waitForURL(/deliveries/);
  await olga.setViewportSize({ width: 1360, height: 900 });
});

test("the preview follows the focus, a refused address is told at once, and saving says what changed", async () => {
  await olga.goto(at("integration"));
  await olga.focus("#ended_url");
  await olga.waitForSelector("#preview .request >> text=Duration");
  await olga.fill("#outgoing_url", "http://10.1.2.3/x");
  await olga.waitForSelector("#e-outgoing_url >> text=/privat/");
  await olga.fill("#outgoing_url", "https://crm.nordlys.example/pbx/out?who={EmployeeLocalNumber}");
  await olga.waitForSelector("#preview .request >> text=/who=101/");
  await olga.waitForSelector("#changes >> text=udgående");
  assert.equal(await olga.textContent("#e-outgoing_url"), "");
  await olga.click(".savebar button");
  await olga.waitForSelector(".notice.done");
  assert.match(await olga.inputValue("#outgoing_url"), /EmployeeLocalNumber/);
});

test("an address without its scheme is mended with one press, and only the fields of the choice show", async () => {
  await olga.goto(at("integration"));
  await olga.click("details.big > summary");
  assert.equal(await olga.isVisible("#username"), false);
  // While nothing is changed: the bar to save with lies over what is below it afterwards.
  assert.deepEqual(await axe(olga), []);
  await olga.fill("#outgoing_url", "crm.nordlys.example/pbx/out");
  await olga.click("#e-outgoing_url button");
  assert.equal(await olga.inputValue("#outgoing_url"), "https://crm.nordlys.example/pbx/out");
  await olga.waitForFunction(() => document.getElementById("e-outgoing_url").textContent.trim() === "");
  await olga.check("input[name=credentials][value=basic]");
  assert.equal(await olga.isVisible("#username") && !(await olga.isVisible("#bearer_token")), true);
  await olga.check("input[name=extras][value=some]");
  assert.match(await olga.textContent(".ticks"), /Køen, opkaldet kom igennem/);
  await shoot(olga, "more-settings");
  assert.deepEqual(await axe(olga), []);
  // What the keyboard comes to is never under the bar to save with.
  const covered = [];
  for (const width of [390, 1360]) {
    await olga.setViewportSize({ width, height: 800 });
    await olga.focus("input[name=method]:checked");
    for (let steps = 0; steps < 60; steps += 1) {
      await olga.keyboard.press("Tab");
      covered.push(...(await olga.evaluate((width) => {
        const [one, bar] = [document.activeElement, document.querySelector(".savebar")];
        if (!one.closest("#integration") || bar.contains(one)) return [];
        const [own, over] = [one.getBoundingClientRect(), bar.getBoundingClientRect()];
        return own.bottom > over.top && own.top < over.bottom ? [`${width}: ${one.name || one.tagName}`] : [];
      }, width)));
    }
  }
  assert.deepEqual(covered, []);
  await olga.setViewportSize({ width: 1360, height: 900 });
  olga.once("dialog", (dialog) => dialog.accept());
  await olga.goto(at("calls"));
  await olga.fill("#from", "i går");
  await olga.press("#from", "Enter");
  await olga.waitForSelector("main > .problem >> text=Skriv datoer som 28.11.2026.");
  assert.equal(await olga.inputValue("#from"), "i går");
});

test("a test call fills its four rows one by one", async () => {
  await olga.goto(at("integration"));
  await olga.click("#test button");
  await olga.waitForSelector("#answers li.waits");
  assert.equal(await olga.locator("#answers li").count(), 4);
  await olga.waitForSelector("#answer-Incoming.ok");
  assert.equal(await olga.locator("#answer-Ended.waits").count(), 1, "one after the other");
  await olga.waitForSelector("#answer-Ended.bad >> text=no such customer");
  await olga.waitForSelector("#answer-Outgoing.ok");
  await shoot(olga, "test-call");
});

test("what was typed survives a session that ends", async () => {
  const mine = await page(browser);
  await login(mine, house.base, "olga");
  await mine.goto(at("integration"));
  await mine.fill("#incoming_url", "https://typed.example/ring");
  await mine.context().clearCookies({ name: "ringbud_session" });
  mine.on("dialog", (dialog) => dialog.accept());
  await mine.click(".savebar button").catch(() => {});
  await mine.waitForURL(/\/login/);
  await mine.fill("#name", "olga");
  await mine.fill("#password", PASSWORD);
  await mine.click("button.main");
  await mine.waitForSelector("#main > .notice.waiting");
  assert.equal(await mine.inputValue("#incoming_url"), "https://typed.example/ring");
  await mine.context().close();
});

test("what was typed survives a session that ends while one types", async () => {
  const mine = await page(browser);
  await login(mine, house.base, "olga");
  await mine.goto(at("integration"));
  await mine.fill("#incoming_url", "https://typing.example/rin");
  await mine.waitForSelector("#preview .request >> text=typing.example");
  await mine.context().clearCookies({ name: "ringbud_session" });
  await mine.press("#incoming_url", "g");
  await mine.waitForURL(/\/login/);
  await mine.fill("#name", "olga");
  await mine.fill("#password", PASSWORD);
  await mine.click("button.main");
  await mine.waitForSelector("#main > .notice.waiting");
  assert.equal(await mine.inputValue("#incoming_url"), "https://typing.example/ring");
  await mine.context().close();
});

test("the board changes by itself", async () => {
  await olga.goto(at("now"));
  const before = await olga.textContent("#board");
  await olga.waitForFunction((text) => document.getElementById("board").textContent !== text, before, { timeout: 15000 });
});

test("the board is filtered by name, and a ring shows in the title", async () => {
  await olga.goto(at("now"));
  await olga.fill("#who", "mette");
  assert.deepEqual(await olga.$$eval(".person:not([hidden]) .who strong", (names) => names.map((name) => name.textContent)), ["Mette Holm"]);
  await olga.fill("#who", "");
  await olga.waitForFunction(() => /^\(?\d+ ringer · /.test(document.title), null, { timeout: 15000 });
  assert.match(await olga.textContent(".queued"), /salg.*\+45 70 20 12 99/s);
  await olga.click("#bell");
  assert.equal(await olga.getAttribute("#bell", "aria-pressed"), "true");
  await olga.click("#bell");
  assert.match(await olga.textContent("#missed"), /Ikke besvaret i dag/);
  assert.deepEqual(await axe(olga), []);
});

test("what a number would be sent as follows what is typed, and is no change to save", async () => {
  await olga.goto(at("integration"));
  await olga.click("details.big > summary");
  // One question at a time, so that none is broken off by the next.
  const asks = (country, number) => olga.evaluate(([country, number]) => {
    const [of, tried] = ["e164_country", "e164_try"].map((name) => document.getElementById(name));
    [of.value, tried.value] = [country, number];
    tried.dispatchEvent(new Event("change", { bubbles: true }));
  }, [country, number]);
  await asks("", "44 13 42");
  await olga.waitForSelector("#e164-sent >> text=44 13 42 sendes uændret");
  assert.equal((await olga.textContent("#changes")).trim(), "");
  await asks("DK", "44 13 42 10");
  await olga.waitForSelector("#e164-sent >> text=44 13 42 10 sendes som +4544134210");
  await asks("", "44 13 42 10");
  await olga.waitForSelector("#e164-sent >> text=44 13 42 10 sendes uændret");
  await olga.goto(at("calls"));
});

test("a call on a FreeSWITCH rings, is answered and is listed", { skip: !process.env.RINGBUD_PROGRAM }, async (t) => {
  const demo = spawn(process.env.RINGBUD_PROGRAM, ["demo", "--pbx", "freeswitch", "--json", "--speed", "2",
    "--only", "inbound-answered", "--listen", "127.0.0.1:0"], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => ended(demo));
  const stage = await new Promise((found, failed) => {
    createInterface({ input: demo.stdout }).on("line", (line) => {
      const said = JSON.parse(line);
      if (said.type === "stage") found(said);
    });
    demo.on("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
  });
  const anna = await page(browser);
  anna.setDefaultTimeout(60000);
  await anna.goto(stage.login);
  await anna.waitForSelector("#board .person.ringing .state.ringing");
  await anna.waitForSelector("#board .person.talking .state.talking");
  await shoot(anna, "freeswitch-now");
  await anna.waitForSelector("#board .person.talking", { state: "detached" });
  await anna.goto(`${stage.http}/a/${stage.accounts[0].id}/calls`);
  await anna.click("a.whole >> nth=-1");
  await anna.waitForSelector("svg.story");
  assert.deepEqual(await axe(anna), []);
  assert.deepEqual(anna.complaints, []);
  await anna.context().close();
});

test("the receivers run: they take what was sent and refuse what was tampered with", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringbud-receivers-"));
  await olga.goto(at("integration"));
  olga.once("dialog", (dialog) => dialog.accept());
  await olga.click("button[form=secret]");
  const secret = await olga.textContent("#new-secret");
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const body = "EmployeeLocalNumber=101&ANumber=%2B4570201234&UniqueCallId=pbx1-1.1";
  for (const [language, file, command] of [["python", "receiver.py", "python3"], ["node", "receiver.mjs", "node"]]) {
    await olga.goto(`${at("integration/receivers")}?as=${language}`);
    assert.deepEqual(await axe(olga), []);
    const port = await free();
    const code = (await olga.textContent("#code")).replaceAll("9000", port);
    writeFileSync(join(folder, file), code);
    const receiver = spawn(command, [join(folder, file)], { env: { ...process.env, RINGBUD_SECRET: secret }, stdio: ["ignore", "ignore", "inherit"] });
    t.after(() => ended(receiver));
    const send = async (sent, signed) => {
      const stamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac("sha256", key).update(`pbx1-1-1-incoming.${stamp}.${signed}`).digest("base64");
      const headers = { "content-type": "application/x-www-form-urlencoded", "webhook-id": "pbx1-1-1-incoming", "webhook-timestamp": stamp, "webhook-signature": `v1,${signature}` };
      for (let tries = 0; ; tries += 1) {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: sent }).catch(() => null);
        if (answer) return answer.status;
        if (tries > 100) throw new Error(`${file} does not answer`);
        await new Promise((done) => setTimeout(done, 100));
      }
    };
    assert.equal(await send(body, body), 204, file);
    assert.equal(await send(`${body}x`, body), 401, file);
    await ended(receiver);
  }
  rmSync(folder, { recursive: true });
  await olga.goto(at("integration/sink"));
  assert.equal(await olga.locator("main .state.talking").count(), 4, "all four are signed rightly");
  assert.deepEqual(await axe(olga), []);
});

test("a browser's EventSource follows an account's events, and goes on where it was", async (t) => {
  await olga.goto(`${house.base}/operator/tokens`);
  const made = await olga.evaluate(async () => {
    const csrf = document.querySelector("[name=_csrf]").value;
    const body = new URLSearchParams({ _csrf: csrf, name: "stream", scope: "read-only", account: "2" });
    return (await fetch(location.href, { method: "POST", body })).text();
  });
  const token = made.match(/rb_[A-Za-z0-9_-]+/)?.[0] ?? assert.fail(made);
  // A server of the integrator's own between: it adds the token, and breaks the connection when it is told to.
  const asked = [];
  let break_off = () => {};
  const between = createServer(async (request, response) => {
    if (request.url !== "/stream") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>own</title>");
    asked.push(request.headers["last-event-id"]);
    const headers = { authorization: `Bearer ${token}` };
    if (request.headers["last-event-id"]) headers["last-event-id"] = request.headers["last-event-id"];
    const stop = new AbortController();
    break_off = () => { stop.abort(); response.destroy(); };
    try {
      const answer = await fetch(`${house.base}/api/v1/accounts/2/events/stream`, { headers, signal: stop.signal });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
      for await (const part of answer.body) response.write(part);
    } catch {
      response.destroy(); // broken off, here or by the browser
    }
  });
  await new Promise((up) => between.listen(0, "127.0.0.1", up));
  t.after(() => {
    break_off();
    between.closeAllConnections();
    between.close();
  });
  const own = await page(browser);
  await own.goto(`http://127.0.0.1:${between.address().port}/`);
  await own.evaluate(() => {
    globalThis.told = [];
    const source = new EventSource("/stream");
    for (const name of ["Incoming", "gap"]) source.addEventListener(name, (message) =>
      told.push([name, message.lastEventId, JSON.parse(message.data).seq]));
  });
  await own.waitForFunction(() => told.length >= 2, null, { timeout: 60_000 });
  const before = await own.evaluate(() => told.length);
  break_off();
  await own.waitForFunction((many) => told.length >= many + 3, before, { timeout: 60_000 });
  const told = await own.evaluate(() => globalThis.told);
  assert.equal(asked[0], undefined);
  assert.ok(told.some(([, id]) => id === asked[1]), `it asks with the last it has: ${asked}`);
  assert.ok(told.every(([name]) => name === "Incoming"), JSON.stringify(told));
  // Only this account's events are kept while the browser looks on: their places have no gaps.
  assert.deepEqual(told.map(([, , seq]) => seq), told.map((_, at) => told[0][2] + at));
  await own.context().close();
});

test("how many would be sent again is asked before", async () => {
  await olga.goto(at("deliveries"));
  await olga.click("text=/Send alle mislykkede igen/");
  await olga.waitForURL(/deliveries\/again/);
  assert.match(await olga.textContent("main"), /\d+ mislykkede eller udløbne/);
  assert.deepEqual(await axe(olga), []);
  await olga.click("main form button.main");
  await olga.waitForSelector(".notice.done");
});

test("a failing web service is announced everywhere, and pages follow what happens", async () => {
  await olga.goto(at("report"));
  assert.match(await olga.textContent("#alerts .notice.failed"), /Afsluttet kald.* fejler.*HTTP 503.*venter/s);
  await olga.goto(at("calls"));
  // As if the newest call had come after the page was opened, and a row had changed meanwhile.
  const [first, second] = await olga.$$eval("[data-row]", (rows) => rows.slice(0, 2).map((row) => row.dataset.row));
  await olga.evaluate(() => {
    document.querySelector("[data-row]").remove();
    document.querySelector("[data-row] .outcome").textContent = "I gang";
  });
  await olga.focus("[data-row] a.whole");
  const alert = await olga.$("#alerts [role=alert]");
  await olga.waitForSelector("#fresh a >> text=1 nyt opkald", { timeout: 15000 });
  // When it is tried again is another time by now: the alert says so, and is not read aloud once more.
  assert.equal(await alert.evaluate((one) => one.isConnected), false);
  assert.equal(await olga.locator("#alerts [role=alert]").count(), 0);
  assert.equal(await olga.locator("#alerts .notice.failed").count(), 1);
  assert.notEqual(await olga.textContent(`[data-row="${second}"] .outcome`), "I gang");
  assert.equal(await olga.evaluate(() => document.activeElement.className), "whole", "the focus stays");
  assert.equal(await olga.locator(`[data-row="${first}"]`).count(), 0, "nothing moves by itself");
  await shoot(olga, "new-call");
  assert.deepEqual(await axe(olga), []);
  await olga.click("#fresh a");
  await olga.waitForSelector(`[data-row="${first}"]`);
});

test("a webhook is paused, announced on every page, and resumed", async () => {
  await olga.goto(at("deliveries"));
  await olga.click(".hooks li:first-child form button");
  await olga.goto(at("report"));
  assert.match(await olga.textContent(".notice.waiting"), /på pause/);
  await olga.goto(at("deliveries"));
  await olga.click(".hooks button.main");
  await olga.waitForSelector(".notice.done");
  assert.equal(await olga.locator(".notice.waiting").count(), 0);
});

test("a report is exported", async () => {
  await olga.goto(at("report"));
  for (const kind of ["CSV", "Excel"]) {
    const [download] = await Promise.all([olga.waitForEvent("download"), olga.click(`a.button >> text=${kind}`)]);
    assert.match(download.suggestedFilename(), /report-.*\.(csv|xlsx)/);
  }
});

test("keys reach search, places and rows", async () => {
  await olga.goto(at("now"));
  await olga.keyboard.press("g");
  await olga.keyboard.press("c");
  await olga.waitForURL(/calls/);
  await olga.keyboard.press("ArrowDown");
  await olga.keyboard.press("ArrowDown");
  assert.equal(await olga.evaluate(() => document.activeElement.className), "whole");
  await olga.keyboard.press("Enter");
  await olga.waitForSelector("svg.story");
  await olga.keyboard.press("/");
  assert.equal(await olga.evaluate(() => document.activeElement.id), "q");
});

test("a reader sees and cannot change; without JavaScript too", async () => {
  const address = await invite(olga, house.base, "rolf", "read-only", "1");
  assert.deepEqual(await axe(olga), []);
  await shoot(olga, "users-invited");
  const rolf = await page(browser, { javaScriptEnabled: false });
  await welcome(rolf, address);
  for (const place of places) {
    const response = await rolf.goto(at(place));
    assert.equal(response.status(), 200);
    assert.equal(await rolf.locator("main form[method=post]:not([action$=password]) button:not(:disabled)").count(), 0, place);
  }
  assert.equal((await rolf.goto(`${house.base}/operator/accounts`)).status(), 404);
  await rolf.context().close();
});

test("an account's administrator invites, and is asked before somebody is removed by name", async () => {
  const mette = await page(browser);
  await welcome(mette, await invite(olga, house.base, "mette", "account", "1"));
  await mette.goto(at("access"));
  await mette.fill("#name", "freja");
  await mette.check("section.card:has(#name) input[value='read-only']");
  await mette.click("section.card:has(#name) button.main");
  await mette.waitForSelector("#link");
  assert.deepEqual(await axe(mette), []);
  await mette.fill("#token_name", "crm");
  await mette.click("section.card:has(#token_name) button.main");
  await mette.waitForSelector("#made");
  await shoot(mette, "access-made");
  const asked = [];
  mette.on("dialog", (dialog) => { asked.push(dialog.message()); return asked.length > 1 ? dialog.accept() : dialog.dismiss(); });
  await mette.click("button[aria-label='Fjern freja']");
  assert.match(await mette.textContent("main"), /freja/, "not before it was agreed to");
  await mette.click("button[aria-label='Fjern freja']");
  await mette.waitForURL(/done=removed/);
  assert.doesNotMatch(await mette.textContent("main table"), /freja/);
  assert.match(asked[0], /Fjern freja\? Brugeren logges ud/);
  assert.deepEqual(mette.complaints, []);
  await mette.context().close();
});

test("an operator looks at what is kept about a number and erases it", async () => {
  await olga.goto(`${house.base}/operator/privacy`);
  await olga.selectOption("#account", "1");
  await olga.fill("#employee", "101");
  await olga.click("section.card button.main");
  await olga.waitForSelector("button.danger");
  assert.deepEqual(await axe(olga), []);
  await shoot(olga, "privacy-found");
  await olga.fill("#employee", "");
  await olga.fill("#number", "+4500000000");
  await olga.click("section.card button.main");
  assert.match(await olga.textContent("main"), /ikke gemt noget/);
});

test("one logs in through the provider by keyboard, comes back to where one wanted to go, and logs out", async () => {
  const mine = await page(browser, { locale: "en-GB" });
  await mine.goto(at("report"));
  await mine.waitForURL(/\/login\?next=/);
  assert.deepEqual(await axe(mine), []);
  await shoot(mine, "login-provider");
  await mine.focus("button.main");
  await mine.keyboard.press("Tab");
  assert.equal(await mine.evaluate(() => document.activeElement.textContent), "Log in with Nordlys");
  await mine.keyboard.press("Enter");
  await mine.waitForURL(/authorize/);
  assert.notEqual(new URL(mine.url()).origin, new URL(house.base).origin);
  await mine.click("#yes");
  await mine.waitForURL(at("report"));
  assert.match(await mine.textContent("header.bar .name"), /Mette Holm/);
  await mine.goto(at("settings"));
  assert.match(await mine.textContent("main"), /You log in with Nordlys/);
  await shoot(mine, "settings-provider");
  await olga.goto(`${house.base}/operator/users`);
  assert.match(await olga.textContent("main"), /Mette Holm.*gennem Nordlys/s);
  assert.deepEqual(await axe(olga), []);
  await shoot(olga, "users-provider");
  await mine.click("details.menu summary");
  await mine.click("form[action$='/logout'] button");
  await mine.waitForURL(/\/login\?left/);
  assert.deepEqual(await axe(mine), []);
  await shoot(mine, "login-left");
  await mine.click(".notice a");
  await mine.waitForURL(/realms\/company\/logout/);
  await mine.goto(at("now"));
  await mine.waitForURL(/\/login/);
  assert.deepEqual(mine.complaints, []);
  await mine.context().close();
});

test("who is refused at the provider reads why, and may log in by password", async () => {
  const mine = await page(browser);
  await mine.goto(at("report"));
  await mine.click("a.through");
  await mine.click("#no");
  await mine.waitForSelector(".notice.failed >> text=afviste dit login");
  assert.deepEqual(await axe(mine), []);
  await mine.setViewportSize({ width: 390, height: 844 });
  await shoot(mine, "login-refused-phone");
  await mine.fill("#name", "olga");
  await mine.fill("#password", PASSWORD);
  await mine.click("button.main");
  await mine.waitForURL(at("report"));
  await mine.context().close();
});

// `RINGBUD_PICTURES=../../../docs/pictures npm test` draws the manual's pictures anew.
test("the manual's pictures", { skip: !process.env.RINGBUD_PICTURES }, async () => {
  await olga.setViewportSize({ width: 1200, height: 760 });
  await olga.context().addCookies([
    { name: "ringbud_language", value: "en", url: house.base },
    { name: "ringbud_theme", value: "light", url: house.base },
  ]);
  await olga.goto(at("calls"));
  // One that was transferred, and of which nothing had to be assumed.
  const rows = olga.locator("tr[data-row]").filter({ hasText: "transferred" }).filter({ hasNotText: "assumed" });
  const story = new URL(await rows.first().locator("a.whole").getAttribute("href"), house.base).href;
  for (const [name, url] of [["now", at("now")], ["integration", at("integration")], ["call", story], ["report", at("report")]]) {
    await olga.goto(url);
    await olga.waitForTimeout(300);
    // A day without trouble, and nobody whose name is a test of markup.
    await olga.evaluate(() => {
      document.getElementById("alerts")?.remove();
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace("<script>alert(1)</script>", "Lise Vinther");
    });
    // A call's whole table.
    await olga.screenshot({ path: `${process.env.RINGBUD_PICTURES}/window-${name}.png`, fullPage: name === "call" });
  }
});

test("no page complained", () => assert.deepEqual(olga.complaints, []));
