/** This package's version, as `package.json` has it. */
export const version = "0.1.0";

/** The User-Agent of every request: RunPod's edge answers a library's default User-Agent with 403. */
export const userAgent: string = `atlas-compute/${version} (+https://www.npmjs.com/package/atlas-compute)`;
