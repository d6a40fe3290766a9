import { afterAll, beforeAll } from 'vitest'
import { startMockCluster, type MockCluster } from '../src/testing.ts'

/** A mock cluster for all tests of a file or a `describe`; it has brokers once they run. */
export function withMockCluster(options?: Parameters<typeof startMockCluster>[0]): {
  readonly brokers: readonly string[]
  /** All of them, as the environment and command lines take them. */
  readonly address: string
} {
  let cluster: MockCluster
  beforeAll(async () => {
    cluster = await startMockCluster(options)
  })
  afterAll(() => cluster.close())
  return {
    get brokers() {
      return cluster.brokers
    },
    get address() {
      return cluster.brokers.join(',')
    },
  }
}
