/** Fails a test file that leaves the process in another state than it found it in, where files share a process. */
import { afterAll, expect } from "vitest";

const found = stateOfProcess();

afterAll(() => {
  expect(stateOfProcess()).toEqual(found);
});

function stateOfProcess(): Readonly<Record<string, unknown>> {
  const { fetch, Request, Response, Headers, Date: DateClass, setTimeout, console } = globalThis;
  const globals = { fetch, Request, Response, Headers, Date: DateClass, setTimeout, console };
  return { ...globals, folder: process.cwd(), env: { ...process.env } };
}
