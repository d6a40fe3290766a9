import type { DriverConsumerOptions, TopicPartition } from '../../src/driver/driver-consumer.ts'
import type { DriverFailure } from '../../src/driver/driver.ts'
import { createDriverOptions } from './driver-options.ts'

/** What a consumer was told about its membership, in order. */
export class RecordingListener {
  readonly told: string[] = []
  readonly failures: DriverFailure[] = []
  /** Awaited by `revoked`. */
  beforeRevoked: () => Promise<void> | void = () => undefined

  assigned(partitions: readonly TopicPartition[]): void {
    this.told.push(`assigned ${list(partitions)}`)
  }
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.told.push(`revoking ${list(partitions)}`)
    await this.beforeRevoked()
    this.told.push(`revoked ${list(partitions)}`)
  }
  lost(partitions: readonly TopicPartition[]): void {
    this.told.push(`lost ${list(partitions)}`)
  }
  failed(failure: DriverFailure): void {
    this.failures.push(failure)
  }
}

/** What a consumer is made from when nothing is set. */
export function createConsumerOptions(options: Partial<DriverConsumerOptions> = {}): DriverConsumerOptions {
  const { profile: _, onFailure: __, ...connection } = createDriverOptions()
  return {
    ...connection,
    group: 'group',
    instanceId: undefined,
    protocol: 'classic',
    startFrom: 'earliest',
    sessionTimeoutMs: 45_000,
    heartbeatIntervalMs: 3000,
    maxPollIntervalMs: 300_000,
    isolation: 'committed',
    prefetchMaxBytes: 16_777_216,
    fetchMaxWaitMs: 500,
    listener: new RecordingListener(),
    ...options,
  }
}

function list(partitions: readonly TopicPartition[]): string {
  return partitions
    .map(({ topic, partition }) => `${topic}/${partition}`)
    .toSorted()
    .join(' ')
}
