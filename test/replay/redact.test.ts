import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundleText } from "../../src/replay/bundle.ts";
import { decodePayload, encodePayload, fromBase64, toBase64, type HistoryEvent } from "../../src/replay/history.ts";
import { createRedactor } from "../../src/replay/redact.ts";

const KEY = `pk_admin_${"kQ7".repeat(14)}x`;
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";

/** Each kind as it stands in a sentence, a stack, a dump of a request; `secret` is what must be gone. */
const planted: Record<string, { text: string; secret: string }> = {
  "an API key of ours": { text: `the key ${KEY} is revoked`, secret: KEY },
  "a JSON Web Token": { text: `got ${JWT}, expired`, secret: JWT },
  "the password of a URL": { text: "postgresql://platen:s3cret-pw@db.internal:5432/platen", secret: "s3cret-pw" },
  "a token in a URL's place of the user": {
    text: "https://9f8e7d6c5b4a39281706@git.example.org/x",
    secret: "9f8e7d6c5b4a39281706",
  },
  "an Authorization header": { text: "authorization: Digest username=ada-99", secret: "ada-99" },
  "a Bearer token": { text: "sent Bearer dGhpcy1pcy1h-secret", secret: "dGhpcy1pcy1h-secret" },
  "a Basic login": { text: "sent Basic YWRhOmxvdmVsYWNl", secret: "YWRhOmxvdmVsYWNl" },
  "a cookie": { text: "Cookie: session=0b1e55ed; theme=dark", secret: "0b1e55ed" },
  "an e-mail address": { text: "mail ada.lovelace+maps@example.org now", secret: "ada.lovelace+maps@example.org" },
  "an e-mail address in a URL": { text: "/users/ada%40example.org/keys", secret: "ada%40example.org" },
  "a URL signed for S3": {
    text: "https://b.s3.amazonaws.com/t.png?X-Amz-Credential=AKIDEXAMPLE%2F2026&X-Amz-Signature=fe5f80f77d5fa3beca03",
    secret: "fe5f80f77d5fa3beca03",
  },
  "a URL signed for Azure": { text: "https://a.blob/t.png?sv=2024&sig=Zm9vYmFyYmF6%3D", secret: "Zm9vYmFyYmF6%3D" },
  "a URL signed for a CDN": {
    text: "https://c/t?Policy=p0l1cy&Signature=abc123def~&Key-Pair-Id=K2JC",
    secret: "abc123def~",
  },
  "a URL with a token": { text: "https://c/t?token=tok-1234567", secret: "tok-1234567" },
  "a signed URL inside another one": {
    text: "https://p/?u=https%3A%2F%2Fc%2Ft%3Fsig%3Dnested99&w=1",
    secret: "nested99",
  },
  "a password in JSON inside a text": {
    text: String.raw`answer {\"user\":\"ada\",\"password\":\"hunter22\"}`,
    secret: "hunter22",
  },
  "a setting": { text: "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", secret: "wJalrXUtnFEMI/K7MDENG" },
  "an AWS key": { text: "for AKIAIOSFODNN7EXAMPLE only", secret: "AKIAIOSFODNN7EXAMPLE" },
  "a private key": {
    text: "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\n-----END RSA PRIVATE KEY-----",
    secret: "MIIEpAIB",
  },
};

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
    const words = ["a", "a-", "eyJ", "://", "@a.", "token ", "-----BEGIN ", "password=", "https://a:"];
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
