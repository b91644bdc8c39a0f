import { expect, it } from "vitest";
import { releaseSchemas } from "../../src/releases/release-schema.ts";

it.each(Object.entries(releaseSchemas()))(
  "docs/schemas/%s is the schema that releases are held against",
  async (name, text) => {
    await expect(text).toMatchFileSnapshot(`../../docs/schemas/${name}`);
  },
);
