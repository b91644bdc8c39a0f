/** Temporal's schedules: when a job's run is due, and whether the schedule is paused. What it starts is one small workflow (`contract/schedule.ts`). */
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from "@temporalio/client";
import {
  SCHEDULED_PREFIX,
  SCHEDULED_QUEUE,
  SCHEDULED_RUN,
  type Overlap,
  type ScheduledRunInput,
  type ScheduleSpec,
} from "../contract/schedule.ts";
import { AppError } from "./errors.ts";
import { queueName } from "./temporal-listing.ts";

/** What Temporal is told of a schedule. */
export interface ScheduleToPut {
  id: string;
  input: ScheduledRunInput;
  spec: ScheduleSpec;
  overlap: Overlap;
  catchup_window_seconds: number;
  /** Of a schedule that is not there yet; one that is keeps what it has. */
  first: { paused: boolean; note: string | null };
}

/** What Temporal knows of one. Times are ISO 8601. */
export interface ScheduleState {
  paused: boolean;
  note: string | null;
  /** The next five at most, in order. */
  next: string[];
  /** Workflow ids of runs that have not ended. */
  running: string[];
}

export interface TemporalSchedules {
  /** Makes it, or changes it into this. */
  put(schedule: ScheduleToPut): Promise<void>;
  /** Null when there is none. */
  describe(id: string): Promise<ScheduleState | null>;
  /** False when there is none. */
  pause(id: string, note: string): Promise<boolean>;
  unpause(id: string, note: string): Promise<boolean>;
  /** Runs it now, also while it is paused. The policy is told, for the client's own default is that all may run at once. */
  trigger(id: string, overlap: Overlap): Promise<boolean>;
  /** True also when there was none. */
  remove(id: string): Promise<void>;
}

type Within = <T>(call: () => Promise<T>) => Promise<T>;

const NEXT = 5;

const OVERLAP_WORDS = {
  skip: "SKIP",
  buffer_one: "BUFFER_ONE",
  buffer_all: "BUFFER_ALL",
  cancel_other: "CANCEL_OTHER",
  terminate_other: "TERMINATE_OTHER",
  allow_all: "ALLOW_ALL",
} as const satisfies Record<Overlap, string>;

const scheduleId = (id: string): string => `schedule-${id}`;

export function createTemporalSchedules(client: Client, within: Within, prefix: string): TemporalSchedules {
  const handle = (id: string) => client.schedule.getHandle(scheduleId(id));
  /** False when there is no such schedule. */
  async function known(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await within(call);
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    }
  }
  return {
    async put(schedule) {
      const { first, ...told } = schedule;
      const options = optionsOf(told, prefix);
      const state = { paused: first.paused, ...(first.note === null ? {} : { note: first.note }) };
      try {
        await within(() => client.schedule.create({ ...options, scheduleId: scheduleId(schedule.id), state }));
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw refused(error);
        // Whether it is paused is Temporal's own: operators pause schedules there, too.
        const update = () => handle(schedule.id).update(({ state: kept }) => ({ ...options, state: kept }));
        await within(update).catch((cause: unknown) => {
          throw refused(cause);
        });
      }
    },
    async describe(id) {
      try {
        return stateOf(await within(() => handle(id).describe()));
      } catch (error) {
        if (error instanceof ScheduleNotFoundError) return null;
        throw error;
      }
    },
    pause: (id, note) => known(() => handle(id).pause(note)),
    unpause: (id, note) => known(() => handle(id).unpause(note)),
    trigger: (id, overlap) => known(() => handle(id).trigger(OVERLAP_WORDS[overlap])),
    async remove(id) {
      await known(() => handle(id).delete());
    },
  };
}

/** gRPC's number: what was sent makes no sense to the server. */
const INVALID_ARGUMENT = 3;

/** Our own check of the times should have found it before. */
function refused(error: unknown): unknown {
  const causes = [error, (error as { cause?: unknown } | null)?.cause].filter(isGrpcServiceError);
  const cause = causes.find(({ code }) => code === (INVALID_ARGUMENT as number));
  if (!cause) return error;
  const message = `Temporal refuses it: ${cause.details}`;
  const problems = [{ code: "invalid", path: "/spec", message }];
  return new AppError(
    "invalid_request",
    { count: 1, first: `spec in the body: ${message}` },
    { problems, cause: error },
  );
}

function optionsOf({ id, input, spec, overlap, catchup_window_seconds }: Omit<ScheduleToPut, "first">, prefix: string) {
  return {
    spec:
      "cron" in spec
        ? { cronExpressions: [spec.cron], timezone: spec.time_zone }
        : { intervals: [{ every: spec.every_seconds * 1_000, offset: spec.offset_seconds * 1_000 }] },
    policies: { overlap: OVERLAP_WORDS[overlap], catchupWindow: catchup_window_seconds * 1_000 },
    action: {
      type: "startWorkflow",
      workflowType: SCHEDULED_RUN,
      workflowId: `${SCHEDULED_PREFIX}${id}`,
      taskQueue: queueName(SCHEDULED_QUEUE, prefix),
      args: [input],
    },
  } as const satisfies Partial<ScheduleOptions>;
}

function stateOf({ state, info }: ScheduleDescription): ScheduleState {
  return {
    paused: state.paused,
    note: state.note === undefined || state.note === "" ? null : state.note,
    next: info.nextActionTimes.slice(0, NEXT).map((time) => time.toISOString()),
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
  };
}
