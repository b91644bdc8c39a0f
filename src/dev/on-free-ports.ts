/** A port is chosen before the server that is to listen on it starts: another process may take it in between. */

const ATTEMPTS = 5;

/** What servers say of a port that is taken: Go, libuv, PostgreSQL, nginx. */
const TAKEN = /address (?:is )?already in use|EADDRINUSE/i;

/**
 * `start(attempt)` chooses ports and starts a server on them; it is called again, up to five times in all, while it fails
 * because one of them was taken first. What failed must be stopped when it throws. Attempts count from 1.
 */
export async function onFreePorts<T>(start: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(attempt);
    } catch (error) {
      if (attempt === ATTEMPTS || !TAKEN.test(String(error))) throw error;
    }
  }
}
