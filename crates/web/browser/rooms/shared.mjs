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

export const at = (place) => `${house.base}/a/1/${place}`;
export const shoot = (page, name) => page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
