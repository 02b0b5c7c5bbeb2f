import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGuard } from "../../src/guard/index.ts";
import { createAtlas } from "../../src/index.ts";
import { isPrivateAddress, isPrivateHost, isSafeAddress } from "../../src/internal/addresses.ts";
import { runpod } from "../../src/providers/runpod/index.ts";

/** The first and the last address of each private subnet, and the neighbours outside. */
const EDGES: readonly (readonly [address: string, isPrivate: boolean])[] = [
  ["0.0.0.0", true],
  ["0.255.255.255", true],
  ["1.0.0.0", false],
  ["9.255.255.255", false],
  ["10.0.0.0", true],
  ["10.255.255.255", true],
  ["11.0.0.0", false],
  ["100.63.255.255", false],
  ["100.64.0.0", true],
  ["100.127.255.255", true],
  ["100.128.0.0", false],
  ["126.255.255.255", false],
  ["127.0.0.0", true],
  ["127.255.255.255", true],
  ["128.0.0.0", false],
  ["169.253.255.255", false],
  ["169.254.0.0", true],
  ["169.254.255.255", true],
  ["169.255.0.0", false],
  ["172.15.255.255", false],
  ["172.16.0.0", true],
  ["172.31.255.255", true],
  ["172.32.0.0", false],
  ["192.167.255.255", false],
  ["192.168.0.0", true],
  ["192.168.255.255", true],
  ["192.169.0.0", false],
  ["255.255.255.255", false],
  ["::", true],
  ["::1", true],
  ["::2", false],
  ["fbff:ffff::", false],
  ["fc00::", true],
  ["fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true],
  ["fe00::", false],
  ["fe7f:ffff::", false],
  ["fe80::", true],
  ["febf:ffff::1", true],
  ["fec0::", false],
  ["2001:4860:4860::8888", false],
];

describe("a private address", () => {
  it.each(EDGES)("ends at the edge of its subnet: %s", (address, expected) => {
    expect(isPrivateAddress(address)).toBe(expected);
  });

  it("counts as itself when it is mapped into IPv6, in both spellings", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte, byte), ([a, b, c, d]) => {
        const address = `${a}.${b}.${c}.${d}`;
        const expected = isPrivateAddress(address);
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        expect(isPrivateAddress(`::ffff:${address}`)).toBe(expected);
        expect(isPrivateAddress(`::ffff:${hex}`)).toBe(expected);
        expect(isPrivateHost(`[::ffff:${hex}]`)).toBe(expected);
      }),
    );
  });

  it.each(["", "localhost", "10.0.0", "10.0.0.1.2", "010.0.0.1", "10.0.0.1 ", "[::1]"])(
    "is never a text that is not an address: %j",
    (text) => expect(isPrivateAddress(text)).toBe(false),
  );

  it("may carry a zone", () => {
    expect(isPrivateAddress("fe80::1%eth0")).toBe(true);
  });
});

describe("a private host", () => {
  it.each([
    ["http://0x7f.1/", true],
    ["http://2130706433/", true],
    ["http://017700000001/", true],
    ["http://127.1/", true],
    ["http://0xa9.0xfe.169.254/", true],
    ["http://[::ffff:10.0.0.1]/", true],
    ["http://[0:0:0:0:0:0:0:1]/", true],
    ["http://[fd12:3456::1]:8080/", true],
    ["http://１２７.0.0.1/", true],
    ["http://0x08080808/", false],
    ["http://[::ffff:8.8.8.8]/", false],
    ["http://[2001:db8::1]/", false],
  ])("is seen through every spelling that a URL allows: %s", (url, expected) => {
    expect(isPrivateHost(new URL(url).hostname)).toBe(expected);
  });

  it.each([
    "localhost",
    "db",
    "a.localhost",
    "printer.local",
    "api.internal",
    "nas.lan",
    "x.home.arpa",
    "web.ns.svc",
  ])("is a name that only a private network resolves: %s", (name) => expect(isPrivateHost(name)).toBe(true));

  it.each([
    "api.example",
    "local.example",
    "internal.example.com",
    "10.0.0.1.example",
    "127.0.0.1.nip.io",
    "lan.io",
    "a..b",
  ])("is no name that the public resolves: %s", (name) => expect(isPrivateHost(name)).toBe(false));
});

describe("an address to which a credential goes", () => {
  it.each([
    ["https://app.example/api", true],
    ["http://127.0.0.1:3000", true],
    ["http://localhost", true],
    ["http://host.docker.internal:3000", true],
    ["http://control.ns.svc.cluster.local", true],
    ["http://[::1]:80", true],
    ["http://[::ffff:10.0.0.1]", true],
    ["http://10.1.2.3", true],
    ["http://app.example/api", false],
    ["http://8.8.8.8", false],
    ["http://localhost.evil.example", false],
    ["http://127.0.0.1.nip.io", false],
    ["http://0x08080808", false],
    ["ftp://127.0.0.1", false],
    ["127.0.0.1:3000", false],
  ])("%s is safe: %s", (address, expected) => {
    expect(isSafeAddress(address)).toBe(expected);
  });
});

it.each(["http://app.example/api", "http://8.8.8.8"])(
  "a client and a guard refuse %s as the address of their control plane",
  (controlUrl) => {
    expect(() => createAtlas({ providers: [], controlUrl })).toThrow("private host");
    expect(() => createGuard({ controlUrl, env: {} })).toThrow("private host");
    expect(() => createGuard({ env: { ATLAS_CONTROL_URL: controlUrl } })).toThrow("private host");
    expect(() => runpod({ apiKey: "rpa_key", baseUrl: controlUrl })).toThrow("private host");
  },
);
