// A failing web service, sending again, pausing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { axe } from "../house.mjs";
import { at, olga, shoot } from "./shared.mjs";

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
  // As if the newest call had come after the page was opened, and a row had changed meanwhile; before the page looks anew, and
  // once more where it has been opened for so long that it did.
  let first, second, alert;
  for (let tries = 0; tries < 3 && !alert; tries += 1) {
    await olga.goto(at("calls"));
    [first, second] = await olga.$$eval("[data-row]", (rows) => rows.slice(0, 2).map((row) => row.dataset.row));
    const found = await olga.evaluateHandle(() => {
      document.querySelector("[data-row]").remove();
      document.querySelector("[data-row] .outcome").textContent = "I gang";
      document.querySelector("[data-row] a.whole").focus();
      return document.querySelector("#alerts [role=alert]");
    });
    alert = found.asElement();
  }
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
