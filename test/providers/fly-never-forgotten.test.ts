import { describe, test } from "vitest";
import { type Effort, neverForgets, patience } from "../support/world/never-forgets.ts";
import { flyScenery, sharedFlyScenery } from "./fly-scenery.ts";

const effort: Effort = { runs: 30, longest: 40 };

describe("whatever happens on Fly", () => {
  test.each([
    ["with an app for each compute", flyScenery],
    ["with one shared app", sharedFlyScenery],
  ])(
    "%s, no machine is doubled or forgotten, no app is left, and no secret is printed",
    (_, scenery) => neverForgets(scenery, effort),
    patience(effort),
  );
});
