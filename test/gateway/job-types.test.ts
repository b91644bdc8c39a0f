/** One table says what can be started: the answers, the description and the page of the documentation are made of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOf, JOB_TYPES, type JobType } from "../../contract/job-types.ts";
import { openApiDocument } from "../../src/gateway/openapi.ts";
import { routes } from "../../src/gateway/routes/index.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom();
});
afterAll(() => room?.close());

const TYPES = Object.keys(JOB_TYPES) as JobType[];

describe("GET /job-types", () => {
  it("answers every row of the table, with the schemas of payload and result", async () => {
    const { status, body } = await room.call("GET", "/job-types", { key: room.keys.viewer });
    expect(status).toBe(200);
    expect(body.job_types.map(({ type }: { type: string }) => type)).toEqual(TYPES);
    for (const told of body.job_types) {
      const { payload, result, label, task_queue } = definitionOf(told.type);
      expect(told).toMatchObject({ payload, result, label, queue: task_queue });
    }
  });

  it.each(TYPES)("answers %s alone, whose steps weigh 100 together", async (type) => {
    const { body } = await room.call("GET", `/job-types/${type}`);
    expect(body.type).toBe(type);
    const weights = body.steps.map(({ weight }: { weight: number }) => weight);
    expect(weights.reduce((sum: number, weight: number) => sum + weight, 0)).toBe(100);
  });

  it.each(["bake", "PUBLISH", "constructor", "__proto__"])(
    "answers 404 for %s, and says which there are",
    async (type) => {
      const { status, body } = await room.call("GET", `/job-types/${type}`);
      expect({ status, code: body.code }).toEqual({ status: 404, code: "job_type_not_found" });
      expect(body.detail).toContain(TYPES.join(", "));
    },
  );
});

it("the description of POST /jobs has one form per type, with the table's schema of its payload, and the flat one", () => {
  const { paths } = openApiDocument(routes, "http://platen.test") as {
    paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { oneOf: Form[] } }> } } }>;
  };
  interface Form {
    title: string;
    required: string[];
    properties: Record<string, { const?: string }>;
  }
  for (const path of ["/jobs", "/jobs/enqueue"]) {
    const forms = paths[path]?.post.requestBody.content["application/json"]?.schema.oneOf ?? [];
    expect(forms.flatMap(({ properties }) => properties["type"]?.const ?? [])).toEqual(TYPES);
    for (const form of forms.slice(0, TYPES.length)) {
      const { label, payload } = definitionOf(form.properties["type"]?.const as JobType);
      expect(form.title).toBe(label);
      expect(form.properties["payload"]).toEqual(structuredClone(payload));
    }
    expect(forms.at(-1)?.required).toEqual(["documentType", "title", "code"]);
  }
});
