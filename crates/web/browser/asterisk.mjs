// A real call in the window: started by the lab's shape `call-seen-in-the-window`, which phones when told.
// Says a line on stdout whenever the window shows the next thing: `ready`, `ringing`, `talking`; then, as the
// account's administrator sees it in English and in the dark, `ready`, `dialling`, `talking`.
import assert from "node:assert/strict";
import { PASSWORD, invite, login, open, page, shots, welcome } from "./house.mjs";

const { RINGBUD_URL: base, RINGBUD_LINK: link, RINGBUD_RECEIVER: receiver, RINGBUD_ACCOUNT: account } = process.env;
const events = { incoming_url: "in", answered_url: "answered", outgoing_url: "out", ended_url: "ended" };
const caller = process.env.RINGBUD_CALLER;

const at = (place) => `${base}/a/${account}/${place}`;
const say = (word) => process.stdout.write(`${word}\n`);
const browser = await open();
const olga = await page(browser);
const shoot = (name) => olga.screenshot({ path: `${shots}/asterisk-${name}.png`, fullPage: true });
olga.setDefaultTimeout(15000);

try {
  if (link) {
    await olga.goto(link);
    await olga.fill("#name", "olga");
    await olga.fill("#password", PASSWORD);
    await olga.fill("#again", PASSWORD);
    await olga.click("button.main");
    await olga.waitForURL(/operator/);
  } else {
    await login(olga, base, "olga");
  }

  await olga.goto(at("integration"));
  for (const [field, path] of Object.entries(events)) await olga.fill(`#${field}`, `${receiver}/${account}/${path}`);
  await olga.click(".savebar button");
  await olga.waitForSelector(".notice.done");
  await shoot("integration");

  await olga.goto(at("now"));
  // The page follows the call by itself from here on: it is not loaded again. It listens once it has loaded.
  await olga.waitForLoadState("load");
  say("ready");
  let leg;
  for (const state of ["ringing", "talking"]) {
    await olga.waitForSelector(`#board .person.${state} .state.${state}`);
    assert.match(await olga.textContent(`#board .person.${state}`), new RegExp(`101[^]*${caller}`));
    leg = (await olga.getAttribute(`#board .person.${state} .doing a`, "href")).split("/").pop();
    await shoot(state);
    say(state);
  }
  await olga.waitForSelector("#board .person.talking", { state: "detached" });

  await olga.goto(at("calls"));
  assert.match(await olga.textContent("main"), new RegExp(caller));
  await shoot("calls");
  await olga.click(`a.whole[href*="${leg}"]`);
  await olga.waitForSelector("svg.story");
  const told = async () => (await olga.textContent("main table")).match(/HTTP 200/g)?.length;
  for (let tries = 0; (await told()) !== 3; tries += 1) {
    assert.ok(tries < 100, "the call's three requests in its story");
    await olga.reload();
  }
  assert.match(await olga.textContent("main"), new RegExp(caller));
  await shoot("story");
  await olga.goto(at("deliveries"));
  assert.ok((await olga.locator("a.whole").count()) >= 3, "the call's three requests");
  await shoot("deliveries");
  await olga.goto(at("report"));
  assert.ok((await olga.locator("main table", { hasText: /101/ }).count()) >= 1, "101 in a table of the report");
  await shoot("report");

  // The account's own administrator, who sees no other place: a call out.
  const address = await invite(olga, base, "mette", "account", account);
  const mette = await page(browser, { locale: "en-GB" });
  mette.setDefaultTimeout(15000);
  await mette.context().addCookies(Object.entries({ ringbud_language: "en", ringbud_theme: "dark" })
    .map(([name, value]) => ({ name, value, url: base })));
  await welcome(mette, address);
  assert.equal((await mette.goto(`${base}/operator/links`)).status(), 404);
  mette.complaints.length = 0;
  await mette.goto(at("now"));
  await mette.waitForLoadState("load");
  say("ready");
  let out;
  for (const state of ["dialling", "talking"]) {
    await mette.waitForSelector(`#board .person.${state} .state.${state}`);
    out = (await mette.getAttribute(`#board .person.${state} .doing a`, "href")).split("/").pop();
    await mette.screenshot({ path: `${shots}/asterisk-out-${state}.png`, fullPage: true });
    say(state);
  }
  await mette.waitForSelector("#board .person.talking", { state: "detached" });
  await mette.goto(at("calls"));
  await mette.click(`a.whole[href*="${out}"]`);
  await mette.waitForSelector("svg.story");
  const sent = async () => (await mette.textContent("main table")).match(/HTTP 200/g)?.length;
  for (let tries = 0; (await sent()) !== 2; tries += 1) {
    assert.ok(tries < 100, "the call's two requests in its story");
    await mette.reload();
  }
  assert.match(await mette.textContent("main table"), /Outgoing call[^]*Ended call/);
  await mette.screenshot({ path: `${shots}/asterisk-out-story.png`, fullPage: true });
  assert.deepEqual(mette.complaints, []);
  assert.deepEqual(olga.complaints, []);
} catch (error) {
  await shoot("failed").catch(() => {});
  throw error;
} finally {
  await browser.close();
}
