import { describe, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { daemonSocket } from "./socket.ts";
import { daemonSubject, dockerTraits } from "./subject.ts";

providerLaws({ describe, it }, "docker() on a daemon", dockerTraits, () => daemonSubject(daemonSocket()));
