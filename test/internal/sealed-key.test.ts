import { createCipheriv, createDecipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEncryptionKeys, seal, unseal } from "../../src/internal/sealed-key.ts";

const keyBytes = Buffer.alloc(32, 7);
const key = parseEncryptionKeys(keyBytes.toString("base64"));
const otherKey = parseEncryptionKeys(Buffer.alloc(32, 8).toString("base64"));
const keyUnavailable: object = expect.objectContaining({ code: "KEY_UNAVAILABLE" });
const text = fc.string({ unit: "binary" }).map((value) => value.toWellFormed());

describe("a sealed secret", () => {
  it("opens to the sealed secret, for its row and with its key", () => {
    fc.assert(
      fc.property(text, text, (rowId, secret) => {
        expect(unseal(key, rowId, seal(key, rowId, secret))).toBe(secret);
      }),
    );
  });

  it("lies in the documented form, which any program with the key can open", () => {
    const sealed = seal(key, "row_1", "rpa_secret");
    const [, keyId, text = ""] = /^enc:v2:([\w-]{8}):([\w-]+)$/.exec(sealed) ?? [];
    const bytes = Buffer.from(text, "base64url");
    expect(bytes.length).toBe(12 + "rpa_secret".length + 16);
    const decipher = createDecipheriv("aes-256-gcm", keyBytes, bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from(`enc:v2\n${keyId}\nrow_1`)).setAuthTag(bytes.subarray(-16));
    expect(decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8")).toBe(
      "rpa_secret",
    );
  });

  it("is another text each time, and shows nothing of the secret", () => {
    const texts = Array.from({ length: 100 }, () => seal(key, "row", "rpa_secret"));
    expect(new Set(texts).size).toBe(100);
    expect(Buffer.from(texts.join(), "base64url").includes("rpa_")).toBe(false);
  });

  it("does not open in another row", () => {
    fc.assert(
      fc.property(text, text, (rowId, other) => {
        fc.pre(rowId !== other);
        expect(() => unseal(key, other, seal(key, rowId, "secret"))).toThrow(keyUnavailable);
      }),
    );
  });

  it("does not open with another key", () => {
    expect(() => unseal(otherKey, "row", seal(key, "row", "secret"))).toThrow(keyUnavailable);
  });

  it("does not open with any of its bits changed", () => {
    const bytes = Buffer.from(seal(key, "row", "a secret").slice(16), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((changed[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => unseal(key, "row", `enc:v2:${key[0].id}:${changed.toString("base64url")}`)).toThrow(
        keyUnavailable,
      );
    }
  });

  it.each([
    ["a key as it is", () => "rpa_plaintext"],
    ["nothing", () => ""],
    ["a version alone", () => "enc:v1:"],
    ["a version and a key alone", () => `enc:v2:${key[0].id}:`],
    ["of another key by its name", (sealed: string) => sealed.replace(key[0].id, otherKey[0].id)],
    ["another version", (sealed: string) => sealed.replace("v2", "v3")],
    ["its end cut off", (sealed: string) => sealed.slice(0, -1)],
    ["padding", (sealed: string) => `${sealed}=`],
    ["a character that base64url lacks", (sealed: string) => `${sealed}!`],
    ["a line break behind it", (sealed: string) => `${sealed}\n`],
  ])("is never %s", (_, alter) => {
    const attempt = () => unseal(key, "row", alter(seal(key, "row", "a secret")));
    expect(attempt).toThrow(keyUnavailable);
    expect(attempt).not.toThrow(/plaintext|a secret/);
  });

  it("is never any other text", () => {
    const candidate = fc.oneof(
      text,
      text.map((rest) => `enc:v1:${rest}`),
      text.map((rest) => `enc:v2:${key[0].id}:${rest}`),
    );
    fc.assert(
      fc.property(candidate, (sealed) => {
        expect(() => unseal(key, "row", sealed)).toThrow(keyUnavailable);
      }),
    );
  });
});

describe("several encryption keys", () => {
  const [old, fresh] = [8, 9].map((byte) => Buffer.alloc(32, byte).toString("base64"));
  const both = parseEncryptionKeys(`${fresh},${old}`);

  it("seal with the first, and open what each of them sealed", () => {
    expect(unseal(both, "row", seal(parseEncryptionKeys(old), "row", "secret"))).toBe("secret");
    const sealed = seal(both, "row", "secret");
    expect(unseal(parseEncryptionKeys(fresh), "row", sealed)).toBe("secret");
    expect(() => unseal(parseEncryptionKeys(old), "row", sealed)).toThrow(keyUnavailable);
  });

  it("open a text of the first version, which names no key", () => {
    const before = "enc:v1:AAAAAAAAAAAAAAAAKqajbwwK0x_0bBoLOtLBpJWZP3bRYQ";
    const cipher = createCipheriv("aes-256-gcm", Buffer.alloc(32, 8), Buffer.alloc(12));
    cipher.setAAD(Buffer.from("row"));
    const parts = [Buffer.alloc(12), cipher.update("secret"), cipher.final(), cipher.getAuthTag()];
    const made = `enc:v1:${Buffer.concat(parts).toString("base64url")}`;
    expect(unseal(both, "row", made)).toBe("secret");
    expect(() => unseal(both, "other", made)).toThrow(keyUnavailable);
    expect(() => unseal(both, "row", before)).toThrow(keyUnavailable);
  });

  it.each([`${old},`, `,${old}`, `${old},,${fresh}`, `${old}, ${fresh}`, Array(11).fill(old).join(",")])(
    "are refused when one of them is not valid, or there are too many",
    (keys) => {
      expect(() => parseEncryptionKeys(keys)).toThrow(keyUnavailable);
    },
  );
});

describe("the encryption key", () => {
  const valid = keyBytes.toString("base64");

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["an empty text", ""],
    ["31 bytes", Buffer.alloc(31).toString("base64")],
    ["33 bytes", Buffer.alloc(33).toString("base64")],
    ["64 bytes", Buffer.alloc(64).toString("base64")],
    ["hex", keyBytes.toString("hex")],
    ["base64url", Buffer.alloc(32, 255).toString("base64url")],
    ["base64 without padding", valid.replace("=", "")],
    ["base64 with a space in it", `${valid.slice(0, 4)} ${valid.slice(4)}`],
    ["base64 with a line break behind it", `${valid}\n`],
    ["bytes", keyBytes],
  ])("is refused as %s, naming the variable and not the received text", (_, candidate) => {
    const attempt = () => parseEncryptionKeys(candidate);
    expect(attempt).toThrow(keyUnavailable);
    expect(attempt).toThrow("ATLAS_ENC_KEY");
    if (typeof candidate === "string" && candidate !== "") expect(attempt).not.toThrow(candidate);
  });

  it("does not show itself when it is printed", () => {
    expect(JSON.stringify({ key })).not.toContain("Bwc");
  });
});
