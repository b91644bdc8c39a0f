import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundleText } from "../../src/replay/bundle.ts";
import { decodePayload, encodePayload, fromBase64, toBase64, type HistoryEvent } from "../../src/replay/history.ts";
import { createRedactor } from "../../src/replay/redact.ts";
import { planted } from "./planted-secrets.ts";

/** Under these names anything is a secret. */
const NAMES = [
  "password",
  "clientSecret",
  "api_key",
  "x-api-key",
  "Authorization",
  "refreshToken",
  "AWS_SECRET_ACCESS_KEY",
  "Set-Cookie",
  "auth",
  "X-Auth",
  "pass",
  "db_pass",
  "passcode",
  "bearer",
  "apiKeyId",
  "encryptionKey",
  "passwordHash",
  "tokenValue",
  "secretValue",
];

/** Everything that the text holds: itself, and what it holds in base64, to any depth. */
function seen(text: string): string[] {
  const inner = (text.match(/[A-Za-z0-9+/]{8,}={0,2}/g) ?? []).map((found) => fromBase64(found).toString());
  return [text, ...inner.flatMap((each) => (/[A-Za-z0-9+/]{8,}/.test(each) ? seen(each) : [each]))];
}

async function bundleOf(event: object, job: Record<string, unknown> = {}): Promise<string> {
  const events = [{ eventId: "1", eventType: "EVENT_TYPE_ACTIVITY_TASK_COMPLETED", ...event } as HistoryEvent];
  const source = { workflow_id: "publish-1", run_id: "1", job, runs: [], pages: [events] };
  const versions = { platen: "0.2.0", node: "v24", temporal: "1", commit: null };
  let text = "";
  for await (const piece of bundleText({ ...source, versions })) text += piece;
  return text;
}

/** A value somewhere in something: below up to five objects, lists, JSON texts and texts in base64. */
const buried = (value: unknown): fc.Arbitrary<unknown> =>
  fc.array(fc.constantFrom("object", "list", "text", "base64"), { maxLength: 5 }).map((shells) =>
    shells.reduce<unknown>((inner, shell) => {
      if (shell === "object") return { id: 7, inner, note: "fine" };
      if (shell === "list") return ["fine", inner, null];
      const text = typeof inner === "string" ? inner : JSON.stringify(inner);
      return shell === "text" || typeof inner !== "string" ? text : toBase64(`begin ${text} end`);
    }, value),
  );

/** Everywhere that an event can hold something of ours. */
const places: Record<string, (value: unknown) => object> = {
  "a payload": (value) => ({ a: { result: { payloads: [encodePayload(value)] } } }),
  "a header": (value) => ({ a: { header: { fields: { trace: encodePayload(value) } } } }),
  "the memo": (value) => ({ a: { memo: { fields: { note: encodePayload(value) } } } }),
  "a search attribute": (value) => ({ a: { searchAttributes: { indexedFields: { P: encodePayload(value) } } } }),
  "a heartbeat": (value) => ({
    a: { failure: { timeoutFailureInfo: { lastHeartbeatDetails: { payloads: [encodePayload(value)] } } } },
  }),
  "a failure": (value) => ({
    a: { failure: { message: asText(value), cause: { stackTrace: `at f (${asText(value)}:1:2)` } } },
  }),
  "an identity": (value) => ({ a: { identity: asText(value) } }),
  "a payload of text": (value) => ({
    a: { input: { payloads: [{ metadata: { encoding: toBase64("binary/plain") }, data: toBase64(asText(value)) }] } },
  }),
};
const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

describe("no secret leaves in a bundle, as it is or in base64", () => {
  it.each(Object.entries(planted))("%s, at any depth, in every place", async (_, { text, secret }) => {
    await fc.assert(
      fc.asyncProperty(buried(text), fc.constantFrom(...Object.values(places)), async (value, place) => {
        const all = seen(await bundleOf(place(value), { payload: { value } }));
        for (const each of all) expect(each).not.toContain(secret);
      }),
      { numRuns: 60 },
    );
  });

  it("whatever stands under a name that says so", async () => {
    const text = fc.stringMatching(/^[a-z~ !$%()*+.<>^|{}:;/-]{6,30}$/).map((middle) => `~${middle}~`);
    const secrets = fc.oneof(text, fc.integer({ min: 100_000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...NAMES),
        secrets,
        fc.constantFrom(...Object.values(places)),
        async (name, secret, place) => {
          const all = seen(await bundleOf(place({ [name]: secret }), { [name.toUpperCase()]: [{ deep: secret }] }));
          for (const each of all) expect(each).not.toContain(String(secret));
        },
      ),
    );
  });

  it("the query of what is named a URL, whatever its parts are called", async () => {
    const url = (query: string): string => `https://files.test/plots.csv?${query}`;
    const payload = {
      project: "p",
      source: { url: url("open=sesame&v=2") },
      file_url: url("sesame"),
      fileURL: url("sesame"),
    };
    const members = [{ key: "a", type: "bulk_import", payload }];
    await fc.assert(
      fc.asyncProperty(
        buried({ ...payload, members }),
        fc.constantFrom(...Object.values(places)),
        async (value, place) => {
          const all = seen(await bundleOf(place(value), { payload: value, members }));
          for (const each of all) expect(each).not.toContain("sesame");
        },
      ),
    );
    const redacted = createRedactor().redactDocument(payload);
    expect(redacted.source.url).toMatch(/^https:\/\/files\.test\/plots\.csv\?redacted-signature-[0-9a-f]{8}$/);
    expect(redacted.fileURL).toBe(redacted.file_url);
    expect(createRedactor().redactDocument(redacted)).toEqual(redacted);
  });

  it("in documents that look like payloads, in what stands beside a payload's data, and in lists of headers", async () => {
    const secret = "Sup3rSecret!";
    const bytes = [...Buffer.from(`password=${secret}`)];
    const documents: unknown[] = [
      { metadata: { encoding: "png" }, apiKey: secret },
      { metadata: { encoding: toBase64("json/plain") }, data: toBase64("{}"), apiKey: secret },
      { rawHeaders: ["Accept", "*/*", "X-Api-Key", secret] },
      [{ name: "X-Api-Key", value: secret }],
      [["authorization", `Token ${secret}`]],
      ["curl", "--password", secret, "x"],
      { type: "Buffer", data: bytes },
    ];
    for (const document of documents) {
      const places = [
        { result: { payloads: [encodePayload(document)] } },
        { result: { payloads: [{ ...encodePayload({}), json: document }] } },
        { message: `failed: ${JSON.stringify(document)}` },
      ];
      for (const a of document === documents.at(-1) ? places.slice(0, 2) : places) {
        const all = seen(await bundleOf({ a }, { payload: document }));
        for (const each of all) {
          expect(each).not.toContain(secret);
          expect(each).not.toContain(bytes.join(","));
        }
      }
    }
  });

  it("in base64 of either alphabet, padded or not, behind a slash or a letter", () => {
    for (const prefix of ["", "/", "x", "xy", "/a/bc", "key_"])
      for (const fill of ["", "a", "ab", "~~~???>>>"])
        for (const encoding of ["base64", "base64url"] as const)
          for (const end of ["", " ", "/z", "="]) {
            const text = `the long password=hunter22-${fill}`;
            const redacted = createRedactor().redact(`got ${prefix}${Buffer.from(text).toString(encoding)}${end}`);
            for (const at of [0, 1, 2, 3])
              for (const word of redacted.split(/[\s=]/))
                expect(fromBase64(word.slice(at)).toString("latin1"), redacted).not.toContain("hunter22");
          }
  });

  it("in what is nested deeper than anyone goes down", () => {
    const deep = `${"[".repeat(5_000)}{"password":"hunter22"}${"]".repeat(5_000)}`;
    const data = toBase64(deep);
    const payloads = [{ metadata: { encoding: toBase64("json/plain") }, data }];
    const redacted = createRedactor().redact({ payloads, message: deep });
    expect(redacted.message).not.toContain("hunter22");
    expect(fromBase64(redacted.payloads[0]!.data).toString()).not.toContain("hunter22");
    expect(JSON.stringify(createRedactor().redactDocument(JSON.parse(deep)))).not.toContain("hunter22");
  });

  it("names of members, and headers whose payload is a secret as a whole", async () => {
    const payload = encodePayload("correct horse battery");
    const all = seen(
      await bundleOf({ a: { header: { fields: { authorization: payload } } } }, { "ada@example.org": 1 }),
    );
    for (const each of all) expect(each).not.toMatch(/correct horse|ada@example/);
  });
});

describe("what is redacted", () => {
  const text = Object.values(planted).map((each) => each.text);

  it("has a placeholder that stands for the same secret everywhere, and for no other", () => {
    const { redact } = createRedactor();
    const one = redact({
      a: "mail ada@example.org",
      b: [encodePayload({ to: "ada@example.org" })],
      c: "bob@example.org",
    });
    const [, placeholder = "none"] = /^mail (redacted-email-[0-9a-f]{8})$/.exec(one.a) ?? [];
    expect(decodePayload(one.b[0]!)).toEqual({ to: placeholder });
    expect(one.c).toMatch(/^redacted-email-/);
    expect(one.c).not.toBe(placeholder);
  });

  it("is not redacted again: a second pass changes nothing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(buried(text.join(" ")), fc.constantFrom(...text).chain(buried), fc.json()), { maxLength: 4 }),
        (values) => {
          const once = createRedactor().redact(values.map((value) => encodePayload({ value, password: value })));
          const again = createRedactor();
          expect(again.redact(once)).toEqual(once);
          expect(again.report().replaced).toEqual({});
        },
      ),
    );
  });

  it("keeps its shape, and what holds no secret its bytes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value), (_name, each: unknown) =>
          typeof each === "string" ? each.replaceAll(/[^a-z ]/gi, "_") : each,
        ) as unknown;
        const payload = encodePayload(plain);
        expect(createRedactor().redact(payload)).toEqual(payload);
      }),
    );
    const precise = { metadata: { encoding: toBase64("json/plain") }, data: toBase64('{"n": 12345678901234567890}') };
    expect(createRedactor().redact(precise)).toEqual(precise);
  });

  it("is no id and no name that a replay compares", () => {
    const event = {
      eventType: "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED",
      a: {
        activityId: "12",
        activityType: { name: "generateRelease" },
        taskQueue: { name: "15658@vm-0b1e55ed", kind: "STICKY" },
      },
      run: "01a20723-3c7a-705b-adb2-ec6851002229",
      digest: "a2404be52c3ed7c601a7c2ff211ae3fad6c84e7df4c8e780810b94117d22628f",
    };
    expect(createRedactor().redact(event)).toEqual(event);
  });

  it("holds what only looks like a payload, or like a secret's name", () => {
    const documents = [
      { metadata: { encoding: "utf-8", pages: 3 } },
      { metadata: { encoding: "png" }, data: "AAAA", tiles: [{ metadata: { encoding: 7 } }] },
      { bypass: "yes", oauth: "no", passed: "3", author: "Ada", key: "tiles", keys: ["a", "b"] },
      { list: ["upload", "token", "verify"], sizes: [104, 117, 110, 116, 101, 114, 50, 50] },
      {
        release_url: "/dev/town/release.json",
        url: "https://h/a",
        curl: "h?x=1",
        text: "https://h/a?page=2&verified=1;",
      },
      { at: "http://127.0.0.1:8080/users", path: "tiles/12/1_2.jpeg", list: "http://h:80/a@b" },
    ];
    for (const document of documents) {
      const event = { result: { payloads: [encodePayload(document)] } };
      expect(createRedactor().redact(event)).toEqual(event);
      expect(createRedactor().redactDocument({ payload: document })).toEqual({ payload: document });
    }
  });

  it("is the same when it is redacted once more", async () => {
    const texts = Object.values(planted).map(({ text }) => text);
    const all = [...texts, texts.join("\n"), ...texts.map((text) => `x/${toBase64(`aaaaaaaaaaaa ${text} zzzzzzzzz`)}`)];
    for (const text of all) {
      const event = { message: text, result: { payloads: [encodePayload({ text, rawHeaders: ["X-Api-Key", "v"] })] } };
      const once = createRedactor().redact(event);
      const again = createRedactor();
      expect(again.redact(once)).toEqual(once);
      expect(again.report().replaced).toEqual({});
    }
  });

  it("is told by kind; what cannot be read is kept where a replay needs it, and dropped elsewhere", () => {
    const redactor = createRedactor();
    const unread = {
      metadata: { encoding: toBase64("binary/encrypted") },
      data: Buffer.from([0xff, 0xfe, 0, 1]).toString("base64"),
    };
    const event = {
      activityTaskScheduledEventAttributes: { input: { payloads: [unread] } },
      activityTaskCompletedEventAttributes: { result: { payloads: [unread] } },
      note: "a@example.org, b@example.org, a@example.org",
    };
    const redacted = redactor.redact(event);
    expect(redacted.activityTaskCompletedEventAttributes).toEqual(event.activityTaskCompletedEventAttributes);
    expect(decodePayload(redacted.activityTaskScheduledEventAttributes.input.payloads[0]!)).toMatch(
      /^redacted-binary-/,
    );
    expect(redactor.report()).toEqual({ replaced: { email: 3 }, dropped: 1, kept_unread: 1 });
  });

  it("takes time in proportion to the text, also where every letter could begin a secret", () => {
    const words = [
      "a",
      "a-",
      "eyJ",
      "://",
      "@a.",
      "token ",
      "-----BEGIN ",
      "password=",
      "https://a:",
      "eyJ-",
      "<password ",
      "--token ",
    ];
    const time = (text: string): number => {
      const before = performance.now();
      createRedactor().redact(text);
      return performance.now() - before;
    };
    for (const word of words) {
      const [short, long] = [time(word.repeat(2 ** 15)), time(word.repeat(2 ** 18))];
      // Eight times the text: quadratic would be 64 times the time.
      expect(long, word).toBeLessThan(30 * Math.max(short, 10));
    }
  });
});
