import { onTestFinished, vi } from 'vitest'
import type { ClientProfile, DriverFailure, DriverMessage, Settlement } from '../../../src/driver/driver.ts'
import { BrokerCounts } from '../../../src/driver/platformatic/broker-counts.ts'
import type { TopicMetadata } from '../../../src/driver/platformatic/cluster.ts'
import { normalizeLibraryError, normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import {
  loadPlatformaticModule,
  type LibraryCallback,
  type LibraryCompression,
  type LibraryError,
} from '../../../src/driver/platformatic/platformatic-module.ts'
import { RecordSender, type SenderConnection } from '../../../src/driver/platformatic/record-sender.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'
import { namesOf } from './fake-coordinator.ts'
import { readBatch, type ReadBatch } from './read-batch.ts'

const library = await loadPlatformaticModule()

export interface Request {
  readonly nodeId: number
  readonly acks: number
  /** By topic and partition: `orders/0`. */
  readonly batches: Readonly<Record<string, ReadBatch>>
  /** Offsets or error numbers by topic and partition; an Error for no answer at all. */
  answer(answers: Readonly<Record<string, { offset: number } | { error: number; blamed?: number[] }>> | Error): void
}

interface Settled {
  failure: DriverFailure | null
  partition: number
  offset: number
  timestamp: number
}

/** A sender whose brokers do what the test says. */
export function startSender(
  profile: Partial<ClientProfile> = {},
  topicPropagationMs = 0,
  compression?: LibraryCompression,
) {
  const metadata = new Map<string, TopicMetadata>([['orders', { errorCode: 0, leaders: [1, 1, 2] }]])
  const requests: Request[] = []
  const failures: DriverFailure[] = []
  const closed = new Set<number>()
  let arrived = Promise.withResolvers<void>()
  let identities = 1n
  const connectionTo = (nodeId: number): SenderConnection | undefined =>
    closed.has(nodeId)
      ? undefined
      : {
          produce(acks, _timeoutMs, topics, callback) {
            requests.push(createRequest(nodeId, acks, topics, callback))
            arrived.resolve()
            arrived = Promise.withResolvers()
          },
        }
  const sender = new RecordSender({
    library,
    cluster: {
      metadata: (topics) => Promise.resolve(new Map(namesOf(topics).map((topic) => [topic, metadata.get(topic)!]))),
      identify: () => Promise.resolve({ producerId: ++identities, epoch: 0 }),
      failureOf: (error) => normalizeLibraryError(library, error as LibraryError),
      failureOfNumber: (number, detail) => normalizeProtocolError(library, number, detail),
      connectionTo,
      open: (nodeId) => (closed.has(nodeId) ? Promise.reject(new Error('refused')) : Promise.resolve()),
    },
    options: createDriverOptions({
      profile: { ...defaultProfile, ...profile },
      onFailure: (failure) => failures.push(failure),
    }),
    compression,
    identity: profile.idempotence === false ? undefined : { producerId: 1n, epoch: 0 },
    counts: new BrokerCounts(),
    topicPropagationMs,
  })
  onTestFinished(() => sender.close())
  return {
    sender,
    metadata,
    failures,
    closed,
    /** The next request, when it is there. */
    next: async (): Promise<Request> => {
      while (requests.length === 0) await arrived.promise
      return requests.shift()!
    },
    requests,
    send: (text: string, message: Partial<DriverMessage> = {}): Promise<Settled> => {
      const { promise, resolve } = Promise.withResolvers<Settled>()
      const settlement: Settlement = {
        settle: (failure, partition, offset, timestamp) => resolve({ failure, partition, offset, timestamp }),
      }
      const whole = { topic: 'orders', key: null, headers: undefined, partition: 0, timestamp: 1000, ...message }
      sender.produce({ value: Buffer.from(text), ...whole }, settlement)
      return promise
    },
  }
}

/** Time that passes for deliveries only when the test says so; to be called before there is a sender. */
export function holdTime(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  return (ms) => void vi.advanceTimersByTime(ms)
}

function createRequest(
  nodeId: number,
  acks: number,
  topics: Parameters<SenderConnection['produce']>[2],
  callback: LibraryCallback,
): Request {
  const batches = Object.fromEntries(
    topics.flatMap(([topic, sealed]) =>
      sealed.map(({ partition, payload }) => [`${topic}/${partition}`, readBatch(payload)]),
    ),
  )
  return {
    nodeId,
    acks,
    batches,
    answer(answers) {
      if (answers instanceof Error) return callback(answers)
      const responses = Object.entries(answers).map(([place, answer]) => {
        const [name, index] = place.split('/') as [string, string]
        const errorCode = 'error' in answer ? answer.error : 0
        const recordErrors = ('blamed' in answer ? (answer.blamed ?? []) : []).map((batchIndex) => ({ batchIndex }))
        const baseOffset = 'offset' in answer ? BigInt(answer.offset) : -1n
        const partition = { index: Number(index), errorCode, baseOffset, logAppendTimeMs: -1n, recordErrors }
        return { name, partitionResponses: [partition] }
      })
      callback(null, { responses })
    },
  }
}

export const texts = (batch: ReadBatch | undefined) => batch?.records.map(({ value }) => value?.toString())
