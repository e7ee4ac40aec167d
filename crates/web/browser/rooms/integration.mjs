// The employee integration: preview, refusals, test calls, drafts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, axe, login, page } from "../house.mjs";
import { at, browser, house, olga, shoot } from "./shared.mjs";

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
  // Another answer that says the same does not take it away under a finger.
  const offer = await olga.waitForSelector("#e-outgoing_url button");
  const answered = olga.evaluate(() => new Promise((done) => addEventListener("htmx:afterSettle", done, { once: true })));
  await olga.dispatchEvent("#outgoing_url", "change");
  await answered;
  await offer.click();
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
  // Who stands still for a second has missed how they came, and looks once more.
  let came = false;
  for (let tries = 0; tries < 3 && !came; tries += 1) {
    await olga.goto(at("integration"));
    await olga.click("#test button");
    await olga.waitForSelector("#answer-Incoming.ok");
    assert.equal(await olga.locator("#answers li").count(), 4);
    came = await olga.locator("#answer-Ended.waits").count() === 1;
  }
  assert.ok(came, "one after the other");
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
