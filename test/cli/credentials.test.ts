import { describe, expect, it } from "vitest";
import { hashToken, mintSigningSecret, verifySignedPrefix, verifySignedUrl } from "../../src/auth/index.ts";
import { runCli } from "./run-cli.ts";

const secret = mintSigningSecret();

describe("atlas-compute token", { timeout: 60_000 }, () => {
  it("mints a token alone on stdout, whose hash goes to stderr", async () => {
    const { code, stdout, stderr } = await runCli(["token", "mint"]);
    const token = stdout.trimEnd();
    expect({ code, token }).toEqual({ code: 0, token: expect.stringMatching(/^[A-Za-z0-9][\w-]{42}$/) });
    expect(stderr).toContain(hashToken(token));
    expect(stderr).not.toContain(token);
  });

  it("hashes and verifies the token of standard input", async () => {
    const { token, hash } = JSON.parse((await runCli(["token", "mint", "--json"])).stdout);
    expect((await runCli(["token", "hash"], { input: `${token}\n` })).stdout).toBe(`${hash}\n`);
    const verify = ["token", "verify", "--hash", hash];
    expect(await runCli(verify, { input: token })).toMatchObject({ code: 0, stdout: "valid\n" });
    const wrong = await runCli([...verify, "--json"], { input: `${token}x` });
    expect(wrong).toMatchObject({ code: 1, stdout: '{"valid":false}\n', stderr: "" });
  });

  it.each([
    ["no token", ["token", "hash"], "", /No token was given/],
    ["a hash that is none", ["token", "verify", "--hash", "abc"], "x", /64 lowercase hex/],
    ["a token as an argument", ["token", "hash", "my-token"], "", /too many arguments/],
  ])("refuses %s", async (_, args, input, words) => {
    const result = await runCli(args, { input });
    expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(words) });
  });
});

describe("atlas-compute url", { timeout: 60_000 }, () => {
  it("signs a URL with the secret of standard input, and checks it", async () => {
    const url = "https://pod.example/video.m3u8?quality=high";
    const signed = (
      await runCli(["url", "sign", url, "--expires", "10m"], { input: `${secret}\n` })
    ).stdout.trim();
    expect(verifySignedUrl(signed, { secret })).toMatchObject({ ok: true });
    const valid = await runCli(["url", "verify"], { input: `${secret}\n${signed}\n` });
    expect(valid).toMatchObject({ code: 0, stdout: expect.stringMatching(/^valid until 20\d\d-/) });
    const changed = await runCli(["url", "verify"], { input: `${secret}\n${signed.replace("high", "low")}` });
    expect(changed).toMatchObject({ code: 1, stdout: "refused: bad_signature\n" });
  });

  it("signs a folder with the secret of the environment, and checks a path below it", async () => {
    const env = { ATLAS_SIGNING_SECRET: secret };
    const folder = JSON.parse(
      (await runCli(["url", "sign", "https://pod.example/hls/42/", "--folder", "--json"], { env })).stdout,
    );
    expect(verifySignedPrefix(new URL("a.ts", folder.url).pathname, { secret }).ok).toBe(true);
    const below = await runCli(["url", "verify", "--json"], { env, input: `${folder.url}a.ts` });
    expect(JSON.parse(below.stdout)).toMatchObject({ ok: true, prefix: "/hls/42/" });
  });

  it("takes neither a secret nor a URL to check as an argument", async () => {
    expect(await runCli(["url", "verify", "https://pod.example/"])).toMatchObject({ code: 2, stdout: "" });
    const short = await runCli(["url", "verify"], { input: secret });
    expect(short).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/has 1 lines/) });
    expect(short.stderr).not.toContain(secret);
  });
});
