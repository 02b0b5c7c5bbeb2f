import { describe, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { overHttp, runpodSubject, runpodTraits } from "./runpod-subject.ts";

providerLaws({ describe, it }, "runpod() over real HTTP, before an API that lags", runpodTraits, () =>
  runpodSubject(overHttp, { pageSize: 2, listLagSeconds: 20, bootSeconds: 90 }),
);
