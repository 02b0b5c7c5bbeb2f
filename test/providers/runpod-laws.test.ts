import { describe, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { runpodSubject, runpodTraits, throughMsw } from "./runpod-subject.ts";

providerLaws({ describe, it }, "runpod() through msw", runpodTraits, () =>
  runpodSubject(throughMsw, { pageSize: 3 }),
);
