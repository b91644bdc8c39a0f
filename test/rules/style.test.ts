import { expect, test } from "vitest";
import { sourceFiles } from "./source-files.ts";
import { styleViolations } from "./style.ts";

test("names, lengths, SQL and the environment are where they belong", () => {
  expect(styleViolations(sourceFiles())).toEqual([]);
});

const planted: Record<string, { path: string; text?: string; says: RegExp }> = {
  "camel case": { path: "src/jobStore.ts", says: /not kebab-case/ },
  "a migration without a number": { path: "migrations/add_tags.ts", says: /not NNNN_verb_noun/ },
  "a drawer": { path: "src/jobs/utils.ts", says: /says nothing/ },
  "a drawer as a folder": { path: "src/helpers/time.ts", says: /says nothing/ },
  "a file of 401 lines": { path: "src/a.ts", text: ";\n".repeat(401), says: /401 lines/ },
  "the environment": { path: "src/log.ts", text: "process.env.HOME;", says: /process\.env/ },
  "the environment, spelt otherwise": { path: "src/log.ts", text: "const { env } = process;", says: /process\.env/ },
  "a query outside a store": { path: "src/gateway/a.ts", text: "await query(db, sql);", says: /query\(\)/ },
  "SQL in a route": {
    path: "src/gateway/routes/a.ts",
    text: "const sql = `\n select id\n from ${table}`;",
    says: /SQL outside/,
  },
  "SQL in a string": { path: "activities/a.ts", text: `run("delete from jobs");`, says: /SQL outside/ },
  "SQL in capitals": {
    path: "src/jobs/job-store.ts",
    text: "query(db, `SELECT id FROM jobs`);",
    says: /lower-case/,
  },
};

test.each(Object.entries(planted))("rejected: %s", (_, { path, text = "", says }) => {
  expect(styleViolations([{ path, text }]).join("\n")).toMatch(says);
});

test("accepted: SQL in a store, and prose that begins like SQL", () => {
  const files = [
    { path: "src/jobs/job-store.ts", text: "query(db, `select id from jobs where id = $1`);" },
    { path: "src/gateway/a.ts", text: "const text = 'update the page; select one of these';" },
    { path: "src/config.ts", text: "process.env;" },
    { path: "migrations/0002_add_tags.ts", text: "this.addSql(`update jobs set seq = 0`);" },
  ];
  expect(styleViolations(files)).toEqual([]);
});
