import { createElement, type ReactElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { useCompute } from "../../src/react/index.ts";

function Page(): ReactElement {
  return createElement("p", null, useCompute({ baseUrl: "/api/atlas", autoOpen: true }).phase);
}

it("renders on a server without a request, as a page without a compute", () => {
  expect(renderToString(createElement(Page))).toBe("<p>none</p>");
});
