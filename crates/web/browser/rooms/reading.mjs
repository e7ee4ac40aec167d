// Exports and keys.
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, goBy, olga } from "./shared.mjs";

test("a report is exported", async () => {
  await olga.goto(at("report"));
  for (const kind of ["CSV", "Excel"]) {
    const [download] = await Promise.all([olga.waitForEvent("download"), olga.click(`a.button >> text=${kind}`)]);
    assert.match(download.suggestedFilename(), /report-.*\.(csv|xlsx)/);
  }
});

test("keys reach search, places and rows", async () => {
  await olga.goto(at("now"));
  await goBy(olga, "gc", /calls/);
  await olga.keyboard.press("ArrowDown");
  await olga.keyboard.press("ArrowDown");
  assert.equal(await olga.evaluate(() => document.activeElement.className), "whole");
  await olga.keyboard.press("Enter");
  await olga.waitForSelector("svg.story");
  await olga.keyboard.press("/");
  assert.equal(await olga.evaluate(() => document.activeElement.id), "q");
});
