/** The other side of `startProcess`. */

export interface Question {
  number: number;
  kind: string;
  value: unknown;
}

export interface Answer {
  number: number;
  answer?: unknown;
  error?: string;
}

/** Answers what the bench asks, each kind by its function, and ends the process when the bench has gone. */
export function answerQuestions(by: Record<string, (value: never) => unknown>): void {
  process.once("disconnect", () => process.exit(0));
  process.on("message", ({ number, kind, value }: Question) => {
    const send = (answer: Omit<Answer, "number">): void => void process.send?.({ number, ...answer });
    const work = by[kind];
    if (!work) return send({ error: `nobody answers ${kind}` });
    void (async () => work(value as never))().then(
      (answer) => send({ answer }),
      (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}
