import { describe, expect, it } from "vitest";
import { createPlatenClient } from "../../src/client/client.ts";

const URL_THAT_CAN_BE = "https://platen.example.org/api/";

describe("a client is refused at once", () => {
  it.each([
    ...["", "platen.example.org", "ftp://platen.example.org", "https://"],
    ...[
      "https://ada:secret@platen.example.org",
      "https://platen.example.org?tenant=1",
      "https://platen.example.org/#a",
    ],
  ])("for the URL %j", (url) => {
    const refused = expect.objectContaining({ name: "PlatenError", code: "connection_invalid", status: 0 });
    expect(() => createPlatenClient({ url, apiKey: "pk_viewer_a" })).toThrow(refused);
    expect(() => createPlatenClient({ url, apiKey: "pk_viewer_a" })).toThrow(/^`url` is no address of a gateway\.$/);
  });

  it.each([undefined as never, "", "pk_viewer_a\n", "pk viewer", "pk_viewer_ä"])("for the key %j", (apiKey: string) => {
    const refused = expect.objectContaining({ code: "connection_invalid", action: expect.stringContaining("pk_…") });
    expect(() => createPlatenClient({ url: URL_THAT_CAN_BE, apiKey })).toThrow(refused);
  });
});

it("what `fetch` makes of the rest is right", async () => {
  const asked: Request[] = [];
  const client = createPlatenClient({
    ...{ url: URL_THAT_CAN_BE, apiKey: "pk_viewer_a" },
    async fetch(input, init) {
      asked.push(new Request(input, init));
      return Response.json({ logs: [] });
    },
  });
  await client.job("job_1");
  expect(asked[0]?.url).toBe("https://platen.example.org/api/jobs/job_1");
  expect(asked[0]?.headers.get("authorization")).toBe("Bearer pk_viewer_a");
});
