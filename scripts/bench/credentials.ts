/** The functions of `atlas-compute/auth`, beside the same work on bare `node:crypto`, and beside jose and aws4fetch. */
import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import { AwsClient } from "aws4fetch";
import { jwtVerify, SignJWT } from "jose";
import { Bench } from "tinybench";
import { hashToken, mintToken, signUrl, verifySignedUrl, verifyToken } from "../../src/auth/index.ts";
import { count, inDigits, median, ratios, report } from "./figures.ts";

const ROUNDS = count(7, 1);
const MILLISECONDS = count(80, 5);

const { token, hash: kept } = mintToken();
const secret = randomBytes(32).toString("base64url");
const key = Buffer.from(secret);
const PATH = "/v1/outputs/video.m3u8?quality=hd";
const URL_OF_POD = `https://pod.example${PATH}`;
const signed = signUrl(URL_OF_POD, { secret });
const jwt = await signJwt();
const aws = new AwsClient({ accessKeyId: "benchmark", secretAccessKey: secret, service: "s3" });
const bareSigned = signBare();

/** The work of one function, and that of its peers. */
const SUBJECTS: Readonly<Record<string, Readonly<Record<string, () => unknown>>>> = {
  mintToken: { ours: () => mintToken(), "node:crypto": mintBare },
  hashToken: { ours: () => hashToken(token), "node:crypto": () => hash("sha256", token, "hex") },
  verifyToken: { ours: () => verifyToken(token, kept), "node:crypto": verifyBare },
  signUrl: {
    ours: () => signUrl(URL_OF_POD, { secret }),
    "node:crypto": signBare,
    "jose, a JWT": signJwt,
    "aws4fetch, a query": () => aws.sign(URL_OF_POD, { aws: { signQuery: true } }),
  },
  verifySignedUrl: {
    ours: () => verifySignedUrl(signed, { secret }),
    "node:crypto": () => verifySignedBare(bareSigned),
    "jose, a JWT": () => jwtVerify(jwt, key),
  },
};

function mintBare(): { token: string; hash: string } {
  const minted = randomBytes(32).toString("base64url");
  return { token: minted, hash: hash("sha256", minted, "hex") };
}

function verifyBare(): boolean {
  return timingSafeEqual(hash("sha256", token, "buffer"), Buffer.from(kept, "hex"));
}

/** Signs a path that is known to be in order, which a function for every URL may not assume. */
function signBare(): string {
  const text = `${PATH}&exp=${Math.floor(Date.now() / 1000) + 3600}`;
  return `${text}&sig=${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function verifySignedBare(url: string): boolean {
  const [text = "", sig = ""] = url.split("&sig=");
  const expected = createHmac("sha256", secret).update(text).digest();
  const isGenuine = timingSafeEqual(Buffer.from(sig, "base64url"), expected);
  return isGenuine && Number(/exp=(\d+)/.exec(text)?.[1]) > Date.now() / 1000;
}

function signJwt(): Promise<string> {
  return new SignJWT({ path: PATH }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h").sign(key);
}

/** The median time of each way to do the same, in microseconds, round by round. */
async function measure(
  ways: Readonly<Record<string, () => unknown>>,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const times: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    const bench = new Bench({ time: MILLISECONDS, warmupTime: MILLISECONDS / 4, throws: true });
    for (const [name, work] of Object.entries(ways)) bench.add(name, work);
    await bench.run();
    for (const { name, result } of bench.tasks) {
      if (result.state !== "completed") throw new Error(`${name} is ${result.state}`);
      times[name] = [...(times[name] ?? []), result.latency.p50 * 1000];
    }
  }
  return times;
}

for (const [name, ways] of Object.entries(SUBJECTS)) {
  const { ours = [], ...peers } = await measure(ways);
  for (const [peer, theirs] of Object.entries(peers))
    report({
      measured: `\`${name}\``,
      ours: `${inDigits(median(ours))} µs`,
      peer: `${peer}, ${inDigits(median(theirs))} µs`,
      ratio: ratios(ours, theirs),
    });
}
