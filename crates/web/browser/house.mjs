// Starts the window's example (or uses RINGBUD_WINDOW) and a Chromium to look at it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));
export const shots = process.env.RINGBUD_SHOTS ?? `${here}shots`;
mkdirSync(shots, { recursive: true });
export const PASSWORD = "en lille sætning";

/** The program, and the one-time link it prints. */
export async function start() {
  const listen = `127.0.0.1:${process.env.RINGBUD_PORT ?? await free()}`;
  const [command, ...args] = (process.env.RINGBUD_WINDOW ?? "cargo run -q -p web --example window --").split(" ");
  const program = spawn(command, [...args, listen, process.env.RINGBUD_PATH ?? ""].filter(Boolean), {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: program.stdout });
  const link = await new Promise((found, failed) => {
    lines.on("line", (line) => line.includes("/first?key=") && found(line.trim()));
    program.on("exit", (code) => failed(new Error(`the program ended with ${code}`)));
    setTimeout(() => failed(new Error("the program says no link")), 600_000).unref();
  });
  for (let tries = 0; ; tries += 1) {
    const up = await fetch(link).then(() => true, () => false);
    if (up) break;
    if (tries > 300) throw new Error("the program does not answer");
    await new Promise((later) => setTimeout(later, 100));
  }
  return { link, base: link.slice(0, link.indexOf("/first?")), stop: () => ended(program) };
}

/** A port that nobody listens on, nor is given by the system: another's answers would be taken for this program's. */
export async function free() {
  for (let tries = 0; tries < 1000; tries += 1) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, "127.0.0.1");
    const listens = await new Promise((is) => server.once("listening", () => is(true)).once("error", () => is(false)));
    if (!listens) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("no port is free");
}

/** Ends a program, and says so where it does not end when it is told to: one that lives on keeps the tests from ending. */
export async function ended(program) {
  if (program.pid === undefined || program.exitCode !== null || program.signalCode !== null) return;
  const gone = new Promise((gone) => program.once("exit", gone));
  program.kill();
  const deaf = setTimeout(() => program.kill("SIGKILL"), 20_000);
  await gone;
  clearTimeout(deaf);
  if (program.signalCode === "SIGKILL") throw new Error(`${program.spawnfile} did not end when it was told to`);
}

/** A browser whose every complaint is an error. */
export async function open() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Where the programs are started: the folder of the repository. */
export const root = `${here}../../..`;

/** A preview that the next keystroke overtakes is given up, and htmx says so aloud; so it is when a page is left. */
const BROKEN_OFF = /^htmx:(afterRequest|sendAbort),/;

/** A page of its own, with its complaints. */
export async function page(browser, options = {}) {
  const context = await browser.newContext({ locale: "da-DK", viewport: { width: 1360, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !BROKEN_OFF.test(message.text())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(error.message));
  return page;
}

export async function login(page, base, name, password = PASSWORD) {
  await page.goto(`${base}/login`);
  await page.fill("#name", name);
  await page.fill("#password", password);
  await page.click("button.main");
  await page.waitForURL((url) => !url.pathname.endsWith("/login"));
}

/** The address of the one-time link for somebody an operator invites. */
export async function invite(operator, base, name, scope, account) {
  await operator.goto(`${base}/operator/users`);
  await operator.fill("#name", name);
  await operator.check(`input[name=scope][value=${scope}]`);
  if (account) await operator.selectOption("#account", account);
  await operator.click("section.card button.main");
  const address = await operator.textContent("#link");
  return address.startsWith("http") ? address : new URL(address, base).href;
}

/** Opens it, and chooses the password. */
export async function welcome(page, address, password = PASSWORD) {
  await page.goto(address);
  await page.fill("#password", password);
  await page.fill("#again", password);
  await page.click("button.main");
  await page.waitForURL((url) => !url.pathname.endsWith("/welcome"));
}

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong, by all of its rules or by some; one line a finding. Run beside the page's policy, which lets no
 *  other script in. */
export async function axe(page, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    const session = await page.context().newCDPSession(page);
    await session.send("Page.setBypassCSP", { enabled: true });
    await page.evaluate(AXE);
  }
  const only = rules ? { type: "rule", values: rules } : { type: "tag", values: TAGS };
  const result = await page.evaluate((only) => globalThis.axe.run(document, { runOnly: only, resultTypes: ["violations"] }), only);
  if (result.passes.length < (rules ? 1 : 5)) throw new Error("axe looked at nothing");
  return result.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")} ${node.failureSummary.split("\n")[1] ?? ""}`));
}
