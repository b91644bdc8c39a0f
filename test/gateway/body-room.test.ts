import { describe, expect, it } from "vitest";
import { createBodyRoom } from "../../src/gateway/body-room.ts";

const MB = 1_048_576;
const here = new AbortController().signal;

describe("room for bodies", () => {
  it("is given in the order of asking, and is whole again when all have gone", async () => {
    const room = createBodyRoom({ bytes: 2 * MB, seconds: 10 });
    const first = await room.take(2 * MB, here);
    const entered: string[] = [];
    const enter = async (name: string, bytes: number): Promise<() => void> => {
      const leave = await room.take(bytes, here);
      entered.push(name);
      return leave;
    };
    // More than all of it waits for all of it, and small ones do not overtake it.
    const large = enter("large", 5 * MB);
    const small = enter("small", MB);
    expect(entered).toEqual([]);
    first();
    (await large)();
    (await small)();
    expect(entered).toEqual(["large", "small"]);
    (await room.take(2 * MB, here))();
  });

  it("is not waited for by what is small", async () => {
    const room = createBodyRoom({ bytes: MB, seconds: 10 });
    await room.take(MB, here);
    (await room.take(65_536, here))();
  });

  it("is refused to whom it comes too late for, and left by whoever goes: those behind them come in", async () => {
    const room = createBodyRoom({ bytes: 3 * MB, seconds: 0.2 });
    const leave = await room.take(2 * MB, here);
    const client = new AbortController();
    const gone = room.take(3 * MB, client.signal);
    const behind = room.take(MB, here);
    client.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    (await behind)();
    const late = room.take(3 * MB, here);
    await expect(late).rejects.toMatchObject({ code: "too_many_bodies", facts: { limit: 3 * MB, seconds: 0.2 } });
    leave();
    (await room.take(3 * MB, here))();
  });
});
