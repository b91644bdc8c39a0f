import { expect, test } from "vitest";
import { jobTypesPage } from "./job-types-page.ts";

test("docs/job-types.md says what the table of job types says (npm run job-types writes it anew)", async () => {
  await expect(jobTypesPage()).toMatchFileSnapshot("../../docs/job-types.md");
});
