// The window in a real browser: first run, integration, test call, board, roles, providers. One house for all of it, in
// this order; what every page is at every width is `walk.test.mjs`.
import assert from "node:assert/strict";
import { test } from "node:test";
import "./rooms/first.mjs";
import "./rooms/integration.mjs";
import "./rooms/now.mjs";
import "./rooms/programs.mjs";
import "./rooms/deliveries.mjs";
import "./rooms/reading.mjs";
import "./rooms/people.mjs";
import "./rooms/provider.mjs";
import "./rooms/keyboard.mjs";
import "./rooms/pictures.mjs";
import { olga } from "./rooms/shared.mjs";

test("no page complained", () => assert.deepEqual(olga.complaints, []));
