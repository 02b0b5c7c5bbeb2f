import { describe, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { mockSubject, mockTraits } from "./mock-subject.ts";

providerLaws({ describe, it }, "mock()", mockTraits, () => mockSubject({}));

providerLaws({ describe, it }, "mock() that is slow and lags", mockTraits, () =>
  mockSubject({ latencySeconds: 0.3, bootSeconds: 40, terminateSeconds: 5, listLagSeconds: 12, pageSize: 4 }),
);

providerLaws({ describe, it }, "mock() with unique names", { ...mockTraits, duplicateNames: false }, () =>
  mockSubject({ uniqueNames: true }),
);
