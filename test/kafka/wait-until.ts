import { setTimeout as delay } from 'node:timers/promises'

const POLL_INTERVAL_MS = 20

/** Asks until the answer is yes; for states that tell nobody when they change. Fails when `timeoutMs` is over. */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what}: still not so after ${timeoutMs} ms`)
    await delay(POLL_INTERVAL_MS)
  }
}
