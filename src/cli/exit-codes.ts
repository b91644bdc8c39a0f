/** What the shell gets to know; docs/cli.md has the table. */
export const EXIT = {
  ok: 0,
  /** The server, the folder or the job said no. */
  refused: 1,
  /** The command line itself is wrong. */
  usage: 2,
  unreachable: 3,
  /** The job that was watched ended as cancelled. */
  cancelled: 4,
  /** Ctrl-C: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
