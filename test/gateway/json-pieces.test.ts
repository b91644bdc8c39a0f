import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesOf, jsonBody, jsonPieces } from "../../src/gateway/json-pieces.ts";

const entry = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.date({ noInvalidDate: true }));
const body = fc.dictionary(fc.string({ unit: "binary" }), fc.oneof(entry, fc.array(entry, { maxLength: 60 })), {
  noNullPrototype: true,
});

describe("an answer in pieces", () => {
  it("is the text that JSON.stringify gives", () => {
    fc.assert(
      fc.property(body, (value) => {
        expect([...jsonPieces(value)].join("")).toBe(JSON.stringify(value));
      }),
    );
  });

  it("comes in pieces of some kilobytes where it has a long list, in one where it has none", async () => {
    const long = { jobs: Array.from({ length: 200 }, (_, n) => ({ n, text: "é\u{10000}".repeat(1_000) })), next: null };
    const answer = jsonBody(long);
    expect(answer).toBeInstanceOf(Readable);
    const pieces = [...jsonPieces(long)];
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000);
    expect(await text(answer as Readable)).toBe(JSON.stringify(long));
    const late = { ...long, jobs: entriesOf(long.jobs, ({ n }) => ({ n })) };
    expect(JSON.parse([...jsonPieces(late)].join(""))).toEqual({ jobs: long.jobs.map(({ n }) => ({ n })), next: null });
    expect([...jsonPieces(late)].join("")).toBe(JSON.stringify(late));
    for (const short of [{ jobs: long.jobs.slice(0, 20) }, long.jobs, null, "text", { toJSON: () => 1, ...long }])
      expect(jsonBody(short)).toBe(JSON.stringify(short));
  });
});
