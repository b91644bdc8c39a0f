import { beforeEach, describe, expect, it } from "vitest";
import { createConnectionTeller } from "../../src/cli/connection-teller.ts";
import { PlatenError, type WatchEvent } from "../../src/client/client.ts";

const UPDATE = { type: "update" } as WatchEvent;
const STREAMING: WatchEvent = { type: "connection", state: "streaming" };
const AWAY = new PlatenError("unreachable", "http://a cannot be reached: refused.");
const DATABASE = new PlatenError("unavailable", "PostgreSQL cannot be reached.", { status: 503, action: "Wait." });
const lost = (cause: PlatenError | null, silentMs = 0, by: "stream" | "poll" = "stream"): WatchEvent => ({
  ...{ type: "connection", state: "lost", attempt: 1, retryInMs: 500 },
  ...{ by, cause, silentMs },
});

let lines: string[];
let tell: (event: WatchEvent) => void;
beforeEach(() => {
  lines = [];
  tell = createConnectionTeller((line) => lines.push(line), "http://a");
});

describe("after two minutes", () => {
  beforeEach(() => tell(STREAMING));

  it("a server that answered all the time is not called silent: its sentence is told", () => {
    expect(() => tell(lost(DATABASE, 120_001))).toThrow(
      expect.objectContaining({
        ...{ exit: 3, code: "unavailable", message: "PostgreSQL cannot be reached." },
        lines: ["It has told nothing of the job for two minutes.", "Wait."],
      }),
    );
  });

  it("a server that is away is told with the reason, one that ended its streams as silent", () => {
    expect(() => tell(lost(AWAY, 120_001))).toThrow(
      expect.objectContaining({ exit: 3, code: "server_unreachable", message: AWAY.message }),
    );
    expect(() => tell(lost(null, 120_001))).toThrow("http://a cannot be reached: it has been silent for two minutes.");
  });

  it("and not before, it ends", () => {
    tell(lost(DATABASE, 119_999));
    expect(lines).toEqual(["Connection lost; joining again …"]);
  });
});

describe("why a job is polled", () => {
  const polling = (cause: PlatenError | null): WatchEvent => ({ type: "connection", state: "polling", cause });

  it("is said in the server's sentence, if it gave one", () => {
    const cause = new PlatenError("too_many_streams", "This key has 2 streams open, as many as it may have.", {
      status: 200,
    });
    tell(polling(cause));
    expect(lines).toEqual([`${cause.message} Asking every 5 seconds instead.`]);
  });

  it.each([null, AWAY, new PlatenError("not_platen", "It is a proxy.", { status: 502 })])(
    "is that streams do not get through, otherwise (%s)",
    (cause) => {
      tell(polling(cause));
      expect(lines).toEqual(["Streams do not get through. Asking every 5 seconds instead."]);
    },
  );
});

describe("at the beginning", () => {
  it("a server that is away, or answers polls with an error, ends the watch at once", () => {
    expect(() => tell(lost(AWAY))).toThrow(AWAY);
    expect(() => tell(lost(DATABASE, 0, "poll"))).toThrow(DATABASE);
  });

  it("one that refuses a stream only, or has told something, is waited for", () => {
    tell(lost(DATABASE));
    tell(UPDATE);
    tell(lost(AWAY));
    expect(lines).toEqual([]);
  });
});
