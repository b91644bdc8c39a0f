/** Histories as protobuf's JSON has them: what `temporal workflow show --output json`, the Web UI's download and our bundles hold. */

/** Only what every event has; the attributes stand under a name that its type says (`attributesOf`). */
export interface HistoryEvent {
  eventId: string;
  eventTime?: string;
  /** `EVENT_TYPE_ACTIVITY_TASK_SCHEDULED`, … */
  eventType: string;
  userMetadata?: { summary?: Payload; details?: Payload };
  [attributes: string]: unknown;
}

export interface History {
  events: HistoryEvent[];
}

/** Everything in it is base64. */
export interface Payload {
  metadata?: Record<string, string>;
  data?: string;
}

export interface Failure {
  message?: string;
  stackTrace?: string;
  cause?: Failure;
  applicationFailureInfo?: { type?: string; nonRetryable?: boolean; details?: { payloads?: Payload[] } };
  timeoutFailureInfo?: { timeoutType?: string; lastHeartbeatDetails?: { payloads?: Payload[] } };
  canceledFailureInfo?: unknown;
  terminatedFailureInfo?: unknown;
  serverFailureInfo?: unknown;
  activityFailureInfo?: { activityType?: { name?: string }; retryState?: string; scheduledEventId?: string };
}

/** What the attributes of the events that we tell of hold, of all types together. */
export interface Attributes {
  activityId?: string;
  activityType?: { name?: string };
  attempt?: number;
  cause?: string;
  deploymentVersion?: { deploymentName?: string; buildId?: string };
  details?: { payloads?: Payload[] };
  failure?: Failure;
  identity?: string;
  lastFailure?: Failure;
  markerName?: string;
  newRunId?: string;
  baseRunId?: string;
  reason?: string;
  requestId?: string;
  scheduledEventId?: string;
  signalName?: string;
  startToFireTimeout?: string;
  startedEventId?: string;
  timerId?: string;
  workerVersion?: { buildId?: string };
  workflowExecution?: { workflowId?: string; runId?: string };
  workflowTaskCompletedEventId?: string;
  workflowType?: { name?: string };
  originalExecutionRunId?: string;
  firstExecutionRunId?: string;
}

export function attributesOf(event: HistoryEvent): Attributes {
  const name = Object.keys(event).find((key) => key.endsWith("EventAttributes"));
  return name === undefined ? {} : (event[name] as Attributes);
}

/** `ACTIVITY_TASK_SCHEDULED` */
export function typeOf({ eventType }: HistoryEvent): string {
  return eventType.replace(/^EVENT_TYPE_/, "");
}

export const fromBase64 = (text: string): Buffer => Buffer.from(text, "base64");
export const toBase64 = (text: string): string => Buffer.from(text).toString("base64");

/** Undefined for what is not JSON, or cannot be read. */
export function decodePayload({ metadata, data }: Payload): unknown {
  if (
    !fromBase64(metadata?.["encoding"] ?? "")
      .toString()
      .startsWith("json/")
  )
    return undefined;
  try {
    return JSON.parse(fromBase64(data ?? "").toString()) as unknown;
  } catch {
    return undefined;
  }
}

export function encodePayload(value: unknown): Payload {
  return { metadata: { encoding: toBase64("json/plain") }, data: toBase64(JSON.stringify(value)) };
}
