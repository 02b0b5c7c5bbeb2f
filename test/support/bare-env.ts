/** The environment of a child process that gets nothing of this process's but the path, and the place of the code that Node has compiled before. */
export function bareEnv(): Readonly<Record<string, string>> {
  const { PATH = "", NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) };
}
