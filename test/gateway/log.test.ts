import { expect, test } from "vitest";
import { createLog } from "../../src/log.ts";

interface Line {
  level: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects
  error: any;
}

function logged(thrown: unknown, name = "error"): { text: string; line: Line } {
  let text = "";
  const log = createLog("test", "info", { write: (part) => void (text += part) });
  log.error({ [name]: thrown }, "it broke");
  const line = JSON.parse(text);
  return { text, line: { ...line, error: line[name] } };
}

test.each(["error", "err"])("an error under `%s` is written with type, message, code, stack and causes", (name) => {
  const cause = Object.assign(new TypeError("the inner one"), { code: "EINNER" });
  const { line } = logged(new Error("the outer one", { cause }), name);
  expect(line.error).toMatchObject({ type: "Error", message: "the outer one" });
  expect(line.error.stack).toContain("log.test.ts");
  expect(line.error.cause).toMatchObject({ type: "TypeError", message: "the inner one", code: "EINNER" });
  expect(line.error.cause.stack).toContain("log.test.ts");
});

test("what an error carries besides, and passwords and keys in its words, are not written", () => {
  const key = `pk_admin_${"k".repeat(43)}`;
  const error = Object.assign(new Error(`postgresql://platen:hunter2@db/x refused ${key}`), {
    rawPacket: Buffer.from(`Authorization: Bearer ${key}`),
    headers: { authorization: `Bearer ${key}` },
  });
  const { text, line } = logged(error);
  expect(text).not.toContain("hunter2");
  expect(text).not.toContain("k".repeat(43));
  expect(Object.keys(line.error)).toEqual(["type", "message", "stack"]);
  expect(line.error.message).toBe("postgresql://platen:***@db/x refused pk_admin_***");
});

test("causes that go in circles end, an AggregateError tells each of its errors, and what is no error is told too", () => {
  const circle = new Error("round");
  circle.cause = circle;
  expect(logged(circle).text.length).toBeLessThan(50_000);
  const both = logged(new AggregateError([new Error("::1"), new Error("127.0.0.1")], "nobody"));
  expect(both.line.error.errors.map((each: { message: string }) => each.message)).toEqual(["::1", "127.0.0.1"]);
  expect(logged("just text").line.error).toEqual({ type: "string", message: "just text" });
});
