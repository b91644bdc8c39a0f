/** Looks whether files are there, over and over, as viewers do who ask for them at any moment. */
import { access } from "node:fs/promises";

export interface Presence {
  /** How often each file was looked for, and which were absent at some look. */
  stop(): Promise<{ looks: number; absent: string[] }>;
}

export function watchPresence(paths: readonly string[]): Presence {
  const absent = new Set<string>();
  let looks = 0;
  let over = false;
  async function look(): Promise<void> {
    do {
      for (const path of paths) await access(path).catch(() => absent.add(path));
      looks += 1;
    } while (!over);
  }
  const looking = look();
  return {
    async stop() {
      over = true;
      await looking;
      return { looks, absent: [...absent] };
    },
  };
}
