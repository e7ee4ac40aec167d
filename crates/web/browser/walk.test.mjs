// Every page at every width, in both languages and themes: axe, the keyboard, and nothing beside the page. One browser
// and one login; a page is loaded once a language, and then made as wide, and as dark, as it is to be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, axe, open, page, shots, start } from "./house.mjs";

const WIDTHS = [360, 390, 768, 1280, 1366];
/** So many stops of the keyboard are gone to on a page. */
const STOPS = 40;
const HARD = "/a/region-nordjylland.erhverv_og_sundhed.hovedkontor-2026.test-0001";
const places = ["now", "calls", "report", "integration", "deliveries", "people", "settings", "access"];
const operator = ["accounts", "links", "health", "users", "tokens", "privacy", "audit"];

let house, browser, olga;

before(async () => {
  house = await start();
  browser = await open();
  olga = await page(browser);
  await olga.goto(house.link);
  await olga.fill("#name", "olga");
  await olga.fill("#password", PASSWORD);
  await olga.fill("#again", PASSWORD);
  await olga.click("button.main");
  await olga.waitForURL(/operator/);
});

after(async () => {
  await browser?.close();
  await house?.stop();
});

/** The first row's page of a list. */
async function first(list) {
  await olga.goto(`${house.base}${list}`);
  return olga.getAttribute("a.whole", "href");
}

/** What is wrong with how a page lies there. */
const lies = () => olga.evaluate(() => {
  const found = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`${wide} px wider than the window`);
  // Something to the right that one has to push in, and no keyboard can.
  if ([...document.querySelectorAll(".wide:not([tabindex])")].some((list) => list.scrollWidth > list.clientWidth)) found.push("a list scrolls sideways");
  const outside = [...document.querySelectorAll("header.bar *, main *")].filter((part) => {
    const place = part.getBoundingClientRect();
    return place.width > 0 && place.right > innerWidth + 1 && !part.closest(".wide[tabindex], .hidden, pre, option, .cut");
  });
  found.push(...outside.slice(0, 3).map((part) => `${part.tagName} ${part.textContent.slice(0, 40)} is outside`));
  // What is read aloud by itself is short, and nothing that changes all the time is.
  const aloud = [...document.querySelectorAll("[aria-live], [role=status], [role=alert]")]
    .filter((region) => region.matches("[data-live], #board, [data-live-rows]") || region.textContent.length > 400);
  if (aloud.length > 0) found.push("too much is read aloud");
  return found;
});

/** Goes through a page by Tab, from the link to its content on: every stop is in sight, and one sees that it has the focus. */
async function tabbed() {
  const found = [];
  await olga.focus(".skip");
  let stops = 0;
  for (; stops < STOPS; stops += 1) {
    await olga.keyboard.press("Tab");
    const seen = await olga.evaluate(() => {
      const on = document.activeElement;
      if (on === document.body || on.matches(".skip")) return "over";
      const place = on.getBoundingClientRect();
      const style = getComputedStyle(on.closest("tr:has(.whole:focus-visible)") ?? on);
      const inside = place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.left < innerWidth;
      return inside && style.outlineStyle !== "none" ? "" : `${on.tagName} ${on.id} ${on.textContent.slice(0, 30)} cannot be seen`;
    });
    if (seen === "over") break;
    if (seen) found.push(seen);
  }
  if (stops < 8) found.push(`only ${stops} stops`);
  return found;
}

/** Looks at pages in a language: axe in both themes, the keyboard in one of them. Themes differ in nothing but colours. */
async function walk(language, pages, widths) {
  await olga.context().addCookies([{ name: "ringbud_language", value: language, url: house.base }]);
  const found = [];
  for (const [name, path] of pages) {
    const response = await olga.goto(`${house.base}${path}`);
    assert.equal(response.status(), 200, path);
    assert.equal(await olga.getAttribute("html", "lang"), language);
    await olga.keyboard.press("Tab");
    if (!(await olga.evaluate(() => document.activeElement.matches(".skip")))) found.push(`${name}: the way to the content is not the first stop`);
    for (const width of widths) {
      await olga.setViewportSize({ width, height: width < 700 ? 780 : 900 });
      const dark = WIDTHS.indexOf(width) % 2 === (language === "da" ? 0 : 1);
      for (const theme of dark ? ["light", "dark"] : ["dark", "light"]) {
        await olga.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
        const rules = (theme === "dark") === dark ? undefined : ["color-contrast"];
        const told = (what) => `${name} ${language} ${theme} ${width}: ${what}`;
        found.push(...(await axe(olga, rules)).map(told));
        await olga.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
        if (width === 390 || width === 1366) await olga.screenshot({ path: `${shots}/${name}-${language}-${theme}${width < 700 ? "-phone" : ""}.png`, fullPage: width > 700 || name === "story" });
      }
      const told = (what) => `${name} ${language} ${width}: ${what}`;
      found.push(...(await lies()).map(told), ...(await tabbed()).map(told));
    }
  }
  return found;
}

for (const language of ["da", "en"]) {
  test(`every page at every width has no violations and is gone through by keyboard, in ${language}`, async () => {
    const pages = [...places.map((place) => [place, `/a/1/${place}`]), ...operator.map((place) => [place, `/operator/${place}`]),
      ["story", await first("/a/1/calls")], ["delivery", await first("/a/1/deliveries?state=failed")],
      ["receivers", "/a/1/integration/receivers"], ["sink", "/a/1/integration/sink"]];
    assert.deepEqual(await walk(language, pages, WIDTHS), []);
  });
}

test("the manual has no violations, and fits every width", async () => {
  const pages = ["", "/receive", "/events"].map((part) => [`help${part.replace("/", "-")}`, `/help${part}`]);
  // The same long text at every width: its colours and words are looked at once.
  assert.deepEqual(await walk("da", pages, [390]), []);
  for (const [, path] of pages) {
    await olga.goto(`${house.base}${path}`);
    for (const width of WIDTHS) {
      await olga.setViewportSize({ width, height: 800 });
      assert.deepEqual(await lies(), [], `${path} ${width}`);
    }
  }
});

test("names, numbers and addresses as long as may be, and forty phones in a call, break no page", async () => {
  const pages = [...places, "integration/receivers", "integration/sink"].map((place) => [place, `${HARD}/${place}`]);
  pages.push(["accounts", "/operator/accounts"], ["audit", "/operator/audit"],
    ["story", await first(`${HARD}/calls`)], ["delivery", await first(`${HARD}/deliveries`)]);
  const found = [];
  for (const [name, path] of pages) {
    await olga.goto(`${house.base}${path}`);
    for (const width of [360, 768, 1366]) {
      await olga.setViewportSize({ width, height: 800 });
      found.push(...(await lies()).map((what) => `${name} ${width}: ${what}`));
    }
  }
  assert.deepEqual(found, []);
});

test("phones that only rang are folded away, and one press shows them", async () => {
  await olga.context().addCookies([{ name: "ringbud_language", value: "da", url: house.base }]);
  await olga.setViewportSize({ width: 390, height: 844 });
  await olga.goto(`${house.base}${await first(`${HARD}/calls`)}`);
  const high = () => olga.evaluate(() => document.documentElement.scrollHeight);
  const [rows, all] = [olga.locator("main tbody tr:visible"), olga.locator("main tbody tr")];
  assert.ok(await high() < 4_000, `${await high()} px`);
  assert.equal(await all.count(), 81, "the table has them all");
  assert.equal(await rows.count(), 13);
  await olga.focus("#others summary");
  assert.match(await olga.textContent("#others summary"), /Det ringede også på 34 andre telefoner/);
  await olga.keyboard.press("Enter");
  await olga.waitForSelector("#others[open] svg.story .leg");
  assert.equal(await rows.count(), 81);
  assert.deepEqual(await axe(olga), []);
  assert.deepEqual(await lies(), []);
});

test("no page complained", () => assert.deepEqual(olga.complaints, []));
