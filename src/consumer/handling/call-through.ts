import type { ConsumeMiddleware, HandlerContext, ReceivedMessage } from '../../factory/consumer-manifest.ts'

/** Calls the handler through middleware, the first outermost. */
export async function callThrough(
  runs: readonly ConsumeMiddleware[],
  messages: readonly ReceivedMessage[],
  context: HandlerContext,
  handler: () => unknown,
): Promise<void> {
  const [run, ...others] = runs
  if (run === undefined) {
    await handler()
    return
  }
  let inner: Promise<void> | undefined
  let isSettled = false
  await run(messages, context, () => {
    inner = callThrough(others, messages, context, handler)
    const settle = (): void => void (isSettled = true)
    inner.then(settle, settle)
    return inner
  })
  // Who did not wait for the rest cannot have seen how it ended: the message is not done before, nor if it fails.
  if (!isSettled) await inner
}
