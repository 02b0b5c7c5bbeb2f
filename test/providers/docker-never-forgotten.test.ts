import { describe, test } from "vitest";
import { type Effort, neverForgets, patience } from "../support/world/never-forgets.ts";
import { dockerScenery } from "./docker-scenery.ts";

const effort: Effort = { runs: 30, longest: 40 };

describe("whatever happens on Docker", () => {
  test(
    "no container is doubled or forgotten, no GPU is given twice, and no secret is printed",
    () => neverForgets(dockerScenery, effort),
    patience(effort),
  );
});
