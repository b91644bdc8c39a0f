/**
 * Reads the first page, so that what is wrong with the question is answered as an error: once a status is sent, all that is left is to cut
 * the connection. The others come as they are read.
 */
export async function begun<Page>(pages: AsyncGenerator<Page, void, undefined>): Promise<AsyncGenerator<Page, void>> {
  const first = await pages.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* pages;
  })();
}
