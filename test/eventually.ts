import { vi } from 'vitest'

/**
 * Until `check` throws nothing, for about as long as a test may take: by itself `vi.waitFor` gives up after a second, and a busy machine
 * may have held the process for that long.
 */
export async function eventually(check: () => unknown): Promise<void> {
  await vi.waitFor(check, { timeout: 25_000, interval: 5 })
}
