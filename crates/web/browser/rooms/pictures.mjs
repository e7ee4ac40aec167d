// The manual's pictures.
import { test } from "node:test";
import { at, house, olga } from "./shared.mjs";

// `RINGBUD_PICTURES=../../../docs/pictures npm test` draws the manual's pictures anew.
test("the manual's pictures", { skip: !process.env.RINGBUD_PICTURES }, async () => {
  await olga.setViewportSize({ width: 1200, height: 760 });
  await olga.context().addCookies([
    { name: "ringbud_language", value: "en", url: house.base },
    { name: "ringbud_theme", value: "light", url: house.base },
  ]);
  await olga.goto(at("calls"));
  // One that was transferred, and of which nothing had to be assumed.
  const rows = olga.locator("tr[data-row]").filter({ hasText: "transferred" }).filter({ hasNotText: "assumed" });
  const story = new URL(await rows.first().locator("a.whole").getAttribute("href"), house.base).href;
  for (const [name, url] of [["now", at("now")], ["integration", at("integration")], ["call", story], ["report", at("report")]]) {
    await olga.goto(url);
    await olga.waitForTimeout(300);
    // A day without trouble, and nobody whose name is a test of markup.
    await olga.evaluate(() => {
      document.getElementById("alerts")?.remove();
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace("<script>alert(1)</script>", "Lise Vinther");
    });
    // A call's whole table.
    await olga.screenshot({ path: `${process.env.RINGBUD_PICTURES}/window-${name}.png`, fullPage: name === "call" });
  }
});
