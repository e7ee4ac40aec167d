// Logging in through a provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, axe, page } from "../house.mjs";
import { at, browser, house, olga, shoot } from "./shared.mjs";

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
