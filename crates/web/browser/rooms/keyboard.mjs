// By keyboard alone, on a phone: a receptionist's way, and an integrator's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, invite, page, welcome } from "../house.mjs";
import { at, browser, goBy, house, olga } from "./shared.mjs";

/** Presses Tab until what has the focus is meant; says where it was lost. */
async function tabTo(page, selector, most = 120) {
  for (let stops = 0; stops < most; stops += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
  }
  assert.fail(`${selector} is no stop of the keyboard at ${page.url()}`);
}

const phone = { viewport: { width: 390, height: 844 } };

test("a receptionist logs in, finds a colleague, a missed call and its story by keyboard alone, on a phone", async () => {
  const rita = await page(browser, phone);
  await welcome(rita, await invite(olga, house.base, "rita", "read-only", "1"));
  // The page that is open would ask for its stream once more, as nobody.
  await rita.goto("about:blank");
  await rita.context().clearCookies({ name: "ringbud_session" });
  await rita.goto(at("now"));
  await tabTo(rita, "#name");
  await rita.keyboard.type("rita");
  await tabTo(rita, "#password");
  await rita.keyboard.type(PASSWORD);
  await rita.keyboard.press("Enter");
  await rita.waitForURL(at("now"));
  await tabTo(rita, "#who");
  await rita.keyboard.type("ida");
  assert.deepEqual(await rita.$$eval(".person:not([hidden]) .who strong", (names) => names.map((name) => name.textContent)), ["Ida Kruse"]);
  await tabTo(rita, ".places a[href$='/calls']", 200);
  await rita.keyboard.press("Enter");
  await rita.waitForURL(at("calls"));
  await tabTo(rita, "#outcome");
  await rita.keyboard.type("Ikke besvaret");
  await tabTo(rita, "form.filter > button");
  await rita.keyboard.press("Enter");
  await rita.waitForURL(/outcome=missed/);
  await tabTo(rita, "main a.whole");
  await rita.keyboard.press("Enter");
  await rita.waitForSelector("svg.story");
  await tabTo(rita, "svg.story a");
  await rita.keyboard.press("Enter");
  await rita.waitForURL(/deliveries\/./);
  assert.deepEqual(rita.complaints, []);
  await rita.context().close();
});

test("an integrator enters a web service, sees the request, saves and sends a test call by keyboard alone, on a phone", async () => {
  const ivan = await page(browser, phone);
  await welcome(ivan, await invite(olga, house.base, "ivan", "account", "1"));
  await ivan.goto(at("now"));
  await goBy(ivan, "gi", at("integration"));
  await tabTo(ivan, "#outgoing_url");
  await ivan.keyboard.press("Control+a");
  await ivan.keyboard.type("https://crm.nordlys.example/keys");
  await ivan.waitForSelector("#preview .request >> text=/keys/");
  await ivan.waitForSelector("#changes >> text=udgående");
  await tabTo(ivan, ".savebar button");
  await ivan.keyboard.press("Enter");
  await ivan.waitForSelector(".notice.done");
  await tabTo(ivan, "#test button", 200);
  await ivan.keyboard.press("Enter");
  await ivan.waitForSelector("#answer-Incoming.ok");
  await ivan.waitForSelector("#answer-Outgoing.ok");
  assert.deepEqual(ivan.complaints, []);
  await ivan.context().close();
});
