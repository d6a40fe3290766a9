/** The longest that a timer can wait, in ms. */
export const longestTimerMs = 2_147_483_647

const late = Symbol('late')

/**
 * Waits for `work`, at most `timeoutMs`, and keeps the process for as long. Resolves with whether it was done in time.
 * @throws what `work` rejects with in time; what becomes of it later is asked elsewhere
 */
export async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timedOut = Promise.withResolvers<typeof late>()
  const timer = setTimeout(timedOut.resolve, timeoutMs, late)
  try {
    return (await Promise.race([work, timedOut.promise])) !== late
  } finally {
    clearTimeout(timer)
  }
}
