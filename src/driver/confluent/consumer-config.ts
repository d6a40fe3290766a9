import type { DriverConsumerOptions } from '../driver-consumer.ts'
import { createConfig } from './client-config.ts'
import type { NativeConfig } from './native-module.ts'

const mebibyte = 1_048_576
/** librdkafka's own default for a whole answer. */
const fetchMaxBytes = 50 * mebibyte

/** Our configuration of a consumer in librdkafka's names (its CONFIGURATION.md). */
export function createConsumerConfig(options: DriverConsumerOptions): NativeConfig {
  const { prefetchMaxBytes, maxPollIntervalMs } = options
  return createConfig(options, {
    'group.id': options.group,
    'group.instance.id': options.instanceId,
    'group.protocol': options.protocol,
    // The broker decides about these in the new protocol (KIP-848), and librdkafka refuses them there.
    ...(options.protocol === 'classic'
      ? {
          'partition.assignment.strategy': 'cooperative-sticky',
          // librdkafka refuses a session that is longer than the pause between two polls.
          'session.timeout.ms': Math.min(options.sessionTimeoutMs, maxPollIntervalMs),
          'heartbeat.interval.ms': options.heartbeatIntervalMs,
        }
      : {}),
    'max.poll.interval.ms': maxPollIntervalMs,
    'auto.offset.reset': options.startFrom,
    'isolation.level': `read_${options.isolation}`,
    // What is committed is decided above.
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // Topics that appear, and partitions that are added, are found by asking again; its default is five minutes.
    'topic.metadata.refresh.interval.ms': 30_000,

    'fetch.wait.max.ms': options.fetchMaxWaitMs,
    // All partitions share one queue: when it is full, nothing is fetched until some of it is taken.
    'queued.max.messages.kbytes': Math.max(1, Math.floor(prefetchMaxBytes / 1024)),
    // Bytes are the bound, not a number of messages.
    'queued.min.messages': 10_000_000,
    // The queue may be overshot by one answer of each broker.
    'fetch.max.bytes': Math.min(fetchMaxBytes, Math.max(mebibyte, Math.floor(prefetchMaxBytes / 2))),
    // How long a partition waits after it found the queue full. With its default of a second the queue is empty by then.
    'fetch.queue.backoff.ms': 5,
  })
}
