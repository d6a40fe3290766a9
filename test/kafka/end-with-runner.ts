import { Socket } from 'node:net'

/** The file descriptor on which run-integration.ts holds a pipe open to vitest. */
export const RUNNER_PIPE = 3

/**
 * Vitest's global setup: ends the test run when its runner was killed, as the brokers do. Otherwise every test left
 * would wait for its time-out on a Kafka that is gone.
 */
export default function endWithRunner(): void {
  if (process.env.KAFKA_RUNNER_PIPE !== String(RUNNER_PIPE)) return
  const pipe = new Socket({ fd: RUNNER_PIPE, readable: true, writable: false })
  // Not an orderly exit: that would wait for the tests. Vitest's own watchdog ends its workers.
  pipe.once('close', () => process.kill(process.pid, 'SIGKILL'))
  pipe.resume()
  pipe.unref()
}
