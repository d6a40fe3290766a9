import { describe, expect, test } from 'vitest'
import { withMockCluster } from '../with-mock-cluster.ts'
import type { Traces } from './programs/traces.ts'
import { runProgram } from './run-program.ts'

interface Result {
  readonly before: Traces
  readonly declared: Traces
  readonly sent: Traces
  readonly report: { readonly partition: number; readonly offset: number }
  readonly clients: number
}

interface Children {
  readonly primary: { readonly native: boolean; readonly clients: number }
  readonly results: readonly { readonly message: Result; readonly code: number }[]
}

/** /proc tells what a process really holds; elsewhere there is nothing to ask. */
describe.runIf(process.platform === 'linux')('before the first send', () => {
  const cluster = withMockCluster()

  describe.each(['confluent', 'platformatic'])('%s', (driver) => {
    const isNative = driver === 'confluent'

    function expectUntouched({ before, declared, sent, clients }: Result): void {
      expect(declared).toEqual(before)
      expect(declared.native).toBe(false)
      // The look that finds nothing finds something once there is something.
      expect(sent.native).toBe(isNative)
      expect(sent.descriptors.length).toBeGreaterThan(before.descriptors.length)
      if (isNative) expect(sent.threads).toBeGreaterThan(before.threads)
      expect(clients).toBe(1)
    }

    test('importing, declaring and configuring leave a process as it was', async () => {
      expectUntouched(await runProgram<Result>('nothing-before-first-send', cluster.address, driver))
    })

    test.each(['cluster', 'fork'])(
      'a primary that imported and configured starts 8 children by %s, each with a client of its own',
      // Nine processes start on the processors there are; a send that takes too long says so itself.
      { timeout: 180_000 },
      async (how) => {
        const { primary, results } = await runProgram<Children>('fork-children', how, cluster.address, driver, '8')
        expect(primary).toEqual({ native: false, clients: 0, declared: 100 })
        for (const { message, code } of results) {
          expect(code).toBe(0)
          expectUntouched(message)
        }
        // Each message is stored once, whichever child it is from.
        const places = results.map(({ message: { report } }) => `${report.partition} ${report.offset}`)
        expect(new Set(places).size).toBe(8)
      },
    )
  })

  test('in a worker thread the native driver says what to do instead of crashing', async () => {
    const { error } = await runProgram<{ error: unknown }>('worker-thread', 'confluent', cluster.address)
    expect(error).toMatchObject({
      code: 'DRIVER_IN_WORKER_THREAD',
      manifest: 'TextSent',
      message: expect.stringContaining('Send from the main thread') as string,
    })
  })

  test('a driver that is pure JavaScript works in a worker thread', async () => {
    expect(await runProgram('worker-thread', 'memory', cluster.address)).toMatchObject({ report: { offset: 0 } })
  })
})
