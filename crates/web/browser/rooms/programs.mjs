// What programs get: the receivers the window writes, and the stream of events.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { axe, ended, free, page } from "../house.mjs";
import { at, browser, house, olga } from "./shared.mjs";

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
