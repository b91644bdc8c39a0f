import { expect, it } from "vitest";
import { encodePayload, toBase64, typeOf, type HistoryEvent } from "../../src/replay/history.ts";
import { tellTimeline } from "../../src/replay/timeline.ts";
import { waitingFor } from "../../src/replay/waiting-for.ts";
import { recordings } from "../rules/replay-histories.ts";

const histories = recordings("publish");
const cancelled = histories.find(({ name }) => name.endsWith("cancelled-in-upload"))!.history;

function event(id: number, type: string, attributes: object): HistoryEvent {
  const eventTime = new Date(1_000 * id).toISOString();
  return { eventId: String(id), eventType: `EVENT_TYPE_${type}`, eventTime, theirEventAttributes: attributes };
}

const lost = {
  message: "activity Heartbeat timeout",
  timeoutFailureInfo: {
    timeoutType: "TIMEOUT_TYPE_HEARTBEAT",
    lastHeartbeatDetails: {
      payloads: [encodePayload({ step: "upload", percent: 44, message: "38 of 151 tiles uploaded" })],
    },
  },
};
const full = {
  message: "The disk is full. Make room.",
  applicationFailureInfo: { type: "store_full" },
  stackTrace:
    "ApplicationFailure: no\n    at put (file:///srv/app/activities/publish/upload.ts:7:1)\n    at run (/srv/app/node_modules/x.ts:1:1)",
  cause: { message: "ENOSPC: no space left on device" },
};

it("tells attempts, what the last heartbeat said, codes, causes and own frames", () => {
  const upload = event(2, "ACTIVITY_TASK_SCHEDULED", { activityType: { name: "upload" }, activityId: "1" });
  const lines = tellTimeline({
    events: [
      event(1, "WORKFLOW_EXECUTION_STARTED", { workflowType: { name: "publish" } }),
      upload,
      event(3, "ACTIVITY_TASK_STARTED", { scheduledEventId: "2", attempt: 3, identity: "7@box", lastFailure: lost }),
      event(5, "ACTIVITY_TASK_FAILED", {
        scheduledEventId: "2",
        startedEventId: "3",
        failure: full,
      }),
      event(6, "WORKFLOW_EXECUTION_FAILED", { failure: { activityFailureInfo: {}, cause: full } }),
      event(7, "WORKFLOW_EXECUTION_TERMINATED", { identity: "ada", reason: "enough" }),
    ],
  });
  expect(lines.map(({ ms, text }) => `${ms} ${text}`)).toEqual([
    "0 publish started",
    "1000 Upload release and tiles (upload) scheduled",
    "2000 Upload release and tiles (upload) attempt 3, by 7@box",
    "4000 Upload release and tiles (upload) failed after 2.0 s: store_full: The disk is full. Make room.",
    "5000 the workflow failed: store_full: The disk is full. Make room.",
    "6000 terminated by ada: enough",
  ]);
  expect(lines[2]!.more).toEqual([
    "the attempt before it: timed out: no heartbeat came, so its worker is gone or frozen; its last heartbeat said 44 %, 38 of 151 tiles uploaded",
  ]);
  // What an activity's line has said is not said again where the workflow fails of it.
  expect(lines[4]!.more).toEqual([]);
  expect(lines[3]!.more).toEqual([
    "caused by ENOSPC: no space left on device",
    "at put (activities/publish/upload.ts:7:1)",
  ]);
});

it("calls a step by its label, whatever its activity is called", () => {
  const lines = tellTimeline({
    events: [
      event(1, "WORKFLOW_EXECUTION_STARTED", { workflowType: { name: "tileGeneration" } }),
      event(2, "ACTIVITY_TASK_SCHEDULED", { activityType: { name: "generateTiles" }, activityId: "1" }),
    ],
  });
  expect(lines.at(-1)?.text).toBe("Cut the tiles (generateTiles) scheduled");
});

it("has a line for every event but the machinery's first two, and no control character of anyone's", () => {
  for (const { history } of histories) {
    const told = new Set(tellTimeline(history).map(({ event_id }) => event_id));
    const missing = history.events.filter(({ eventId }) => !told.has(Number(eventId)));
    for (const { eventType } of missing) expect(eventType).toMatch(/WORKFLOW_TASK_(SCHEDULED|STARTED)$/);
  }
  const bad = "\u001B[2J";
  const attributes = {
    ...{
      identity: bad,
      reason: bad,
      cause: bad,
      signalName: bad,
      timerId: bad,
      startToFireTimeout: bad,
      markerName: bad,
    },
    ...{ newRunId: bad, activityType: { name: bad }, workflowType: { name: bad }, failure: { message: bad } },
    ...{ lastFailure: { message: bad }, workerVersion: { buildId: bad } },
  };
  const types = [...new Set(histories.flatMap(({ history }) => history.events.map(typeOf)))];
  const others = ["SIGNALED", "TERMINATED", "CANCEL_REQUESTED"].map((word) => `WORKFLOW_EXECUTION_${word}`);
  const all = [...types, ...others, "TIMER_STARTED", "TIMER_FIRED", "MARKER_RECORDED", "\u001B[2J"];
  const lines = tellTimeline({ events: all.map((type, at) => event(at + 1, type, attributes)) });
  expect(lines.filter(({ text }) => text.includes("\\u001b[2J")).length).toBeGreaterThan(12);
  expect(lines.flatMap(({ text, more }) => [text, ...more]).join("")).not.toContain(bad);
});

it("tells a patch whose marker cannot be read", () => {
  const patch = (data: string): object => ({
    markerName: "core_patch",
    details: { "patch-data": { payloads: [{ metadata: { encoding: toBase64("json/plain") }, data: toBase64(data) }] } },
  });
  const texts = ['{"id":"waits"}', "{", "null", '{"id":7}'].map(
    (data) => tellTimeline({ events: [event(1, "MARKER_RECORDED", patch(data))] })[0]!.text,
  );
  expect(texts).toEqual(["patched: waits", "patched: ?", "patched: ?", "patched: ?"]);
});

it("says where the code of an open history waits", () => {
  expect(waitingFor(cancelled)).toEqual([]);
  expect(waitingFor({ events: cancelled.events.slice(0, 18) })).toEqual(["upload (event 17)"]);
});
