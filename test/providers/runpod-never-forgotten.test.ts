import { describe, it } from "vitest";
import { type Effort, neverForgets, patience } from "../support/world/never-forgets.ts";
import { runpodScenery } from "./runpod-scenery.ts";

const effort: Effort = { runs: 60, longest: 40 };

describe("whatever happens on RunPod", () => {
  it(
    "no pod is doubled or forgotten, no record is left without one, no foreign pod is touched, and no secret is printed",
    () => neverForgets(runpodScenery, effort),
    patience(effort),
  );
});
