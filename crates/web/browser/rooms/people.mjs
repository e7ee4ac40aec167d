// Who may do what: readers, administrators, erasing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { axe, invite, page, welcome } from "../house.mjs";
import { at, browser, house, olga, places, shoot } from "./shared.mjs";

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
