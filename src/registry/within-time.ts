/** Waits for `work`, at most `timeoutMs`; what becomes of it is asked elsewhere. */
export async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([work, timedOut]).finally(() => clearTimeout(timer))
}
