import { describe, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { dockerTraits, fakeSubject } from "../docker/subject.ts";

providerLaws({ describe, it }, "docker() on a fake daemon", dockerTraits, fakeSubject);
