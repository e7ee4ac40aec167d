// The first operator, the first PBX, and the places on a phone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, axe } from "../house.mjs";
import { at, house, olga, shoot } from "./shared.mjs";

test("the one-time link makes the first operator", async () => {
  await olga.goto(house.link);
  await shoot(olga, "first");
  assert.deepEqual(await axe(olga), []);
  await olga.fill("#name", "olga");
  await olga.fill("#password", PASSWORD);
  await olga.fill("#again", PASSWORD);
  await olga.click("button.main");
  await olga.waitForURL(/operator/);
  await olga.goto(`${house.base}/operator/links`);
  await olga.selectOption("#product", "freepbx");
  await olga.fill("#secret", "hemmelig");
  await olga.click("text=Prøv nu");
  await olga.waitForSelector("text=Ringbud kan logge ind på centralen");
  assert.match(await olga.textContent("main"), /manager_custom\.conf/);
  assert.match(await olga.textContent("#toml"), /\[\[pbx\]\]/);
  assert.equal((await olga.content()).includes("hemmelig"), false, "the secret is not shown again");
  assert.deepEqual(await axe(olga), []);
  await shoot(olga, "try-a-pbx");
});

test("on a phone every place is two presses away, and the story fits every width", async () => {
  await olga.setViewportSize({ width: 360, height: 780 });
  await olga.goto(at("calls"));
  await olga.click(".morebutton");
  assert.deepEqual(await axe(olga), []);
  await olga.click("#rest >> text=Indstillinger");
  await olga.waitForURL(/settings/);
  await olga.goto(at("calls"));
  const story = new URL(await olga.getAttribute("a.whole", "href"), house.base).href;
  assert.match(await olga.getAttribute("a.whole", "aria-label"), /gående, \d+ .+, .+, .+/);
  for (const width of [360, 390, 768, 900, 1280, 1366]) {
    await olga.setViewportSize({ width, height: 800 });
    await olga.goto(story);
    const outside = await olga.evaluate(() => [...document.querySelectorAll("svg.story *")]
      .filter((part) => part.getBoundingClientRect().right > innerWidth).length);
    assert.equal(outside, 0, `${width} px: parts of the picture are outside`);
    const cut = await olga.evaluate(() => [...document.querySelectorAll(".wide")].filter((box) => box.scrollWidth > box.clientWidth).length);
    assert.equal(cut, 0, `${width} px: the table is wider than its place`);
    assert.deepEqual(await axe(olga), []);
  }
  await olga.focus("svg.story a");
  await olga.keyboard.press("Enter");
  await olga.waitForURL(/deliveries/);
  await olga.setViewportSize({ width: 1360, height: 900 });
});
