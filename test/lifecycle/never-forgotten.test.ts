import { describe, it } from "vitest";
import { type Effort, neverForgets, patience } from "../support/world/never-forgets.ts";
import { mockScenery } from "./mock-scenery.ts";

const effort: Effort = { runs: 100, longest: 30 };

describe("whatever happens", () => {
  it(
    "no instance is doubled or forgotten, no record is left without one, no foreign instance is touched, and no secret is printed",
    () => neverForgets(mockScenery, effort),
    patience(effort),
  );
});
