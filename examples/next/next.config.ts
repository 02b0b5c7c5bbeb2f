import type { NextConfig } from "next";

const config: NextConfig = {
  // The folder of this application: Next would otherwise take the repository around it for a part.
  turbopack: { root: import.meta.dirname },
};

export default config;
