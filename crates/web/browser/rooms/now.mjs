// The live board, and a real call on it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { axe, ended, page, root } from "../house.mjs";
import { at, browser, olga, shoot } from "./shared.mjs";

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
