// The house that the tests of the window share, with a browser, and an operator who is logged in from the first test on.
import { after, before } from "node:test";
import { open, page, shots, start } from "../house.mjs";

export let house, browser, olga;
export const places = ["now", "calls", "report", "integration", "deliveries", "people", "settings"];

before(async () => {
  house = await start();
  browser = await open();
  olga = await page(browser);
});

after(async () => {
  await browser?.close();
  await house?.stop();
});

/** Goes to a place by two keys; who stands still between them for too long has pressed each alone, and presses both again. */
export async function goBy(page, keys, url) {
  for (let tries = 0; tries < 5; tries += 1) {
    for (const key of keys) await page.keyboard.press(key);
    if (await page.waitForURL(url, { timeout: 5_000 }).then(() => true, () => false)) return;
  }
  throw new Error(`${[...keys].join(" ")} leads to ${page.url()}`);
}

export const at = (place) => `${house.base}/a/1/${place}`;
export const shoot = (page, name) => page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
