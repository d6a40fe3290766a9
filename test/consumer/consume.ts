import type { ConsumerOptions, MessagingOptions } from '../../src/config/fields.ts'
import {
  ConsumerManifest,
  createMessaging,
  ProducerManifest,
  subscribe,
  type BatchContext,
  type EventName,
  type EventPayloads,
  type HandlerContext,
  type Messaging,
  type ReceivedMessage,
} from '../../src/index.ts'
import { createMemoryDriver, type MemoryDriver, type MemoryDriverOptions } from '../../src/testing.ts'

export interface Item {
  readonly n: number
}

export class Sent extends ProducerManifest<Item> {
  override readonly topic = 'items'
}

/** Grows, and tells those who wait for so many. */
export class Collected<Value> {
  readonly values: Value[] = []
  readonly #waiting: { count: number; resolve: () => void }[] = []

  add(value: Value): void {
    this.values.push(value)
    for (const { count, resolve } of this.#waiting) if (this.values.length >= count) resolve()
  }

  async count(count: number): Promise<readonly Value[]> {
    if (this.values.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    return this.values
  }
}

/** Ends with the test. */
export interface Setup extends AsyncDisposable {
  readonly messaging: Messaging
  readonly driver: MemoryDriver
  /** Sends items with these numbers to one partition. */
  send(numbers: readonly number[], partition?: number): Promise<void>
  heard<Name extends EventName>(name: Name): Collected<EventPayloads[Name]>
  committed(): Record<string, number>
}

/** A messaging instance on a broker in memory, whose waits are short. */
export function setUp(options: MessagingOptions = {}, memory: MemoryDriverOptions = { partitions: 1 }): Setup {
  const driver = createMemoryDriver(memory)
  const consumer: ConsumerOptions = {
    group: 'g',
    retryDelayMs: 1,
    retryMaxDelayMs: 2,
    commitIntervalMs: 5,
    ...options.consumer,
  }
  const messaging = createMessaging({ driver, stopTimeoutMs: 20_000, ...options, consumer }, {})
  // Failures are what many of these tests are about: no warnings of them in the output.
  const quiet = (): void => undefined
  const stops = [subscribe('message.rejected', quiet), subscribe('consumer.errored', quiet)]
  return {
    messaging,
    driver,
    async send(numbers, partition = 0) {
      const payloads = numbers.map((n) => ({ n }))
      await messaging.registry.sendMany(Sent, payloads, { partition })
    },
    heard(name) {
      const collected = new Collected<EventPayloads[typeof name]>()
      stops.push(subscribe(name, (payload) => collected.add(payload)))
      return collected
    },
    committed: () =>
      Object.fromEntries(
        driver.committed('g').map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
      ),
    async [Symbol.asyncDispose]() {
      await messaging.close()
      for (const stop of stops) stop()
    },
  }
}

type Handle = (message: ReceivedMessage<Item>, context: HandlerContext) => unknown
type HandleBatch = (messages: readonly ReceivedMessage<Item>[], context: BatchContext) => unknown

/** A consumer of the topic `items` with this handler. */
export function handling(handle: Handle, attributes: ConsumerOptions & object = {}) {
  class Items extends ConsumerManifest<Item> {
    override readonly topic = 'items'

    constructor() {
      super()
      Object.assign(this, attributes)
    }

    override handle(message: ReceivedMessage<Item>, context: HandlerContext): unknown {
      return handle(message, context)
    }
  }
  return Items
}

export function handlingBatches(handleBatch: HandleBatch, attributes: ConsumerOptions & object = {}) {
  class Items extends ConsumerManifest<Item> {
    override readonly topic = 'items'

    constructor() {
      super()
      Object.assign(this, attributes)
    }

    override handleBatch(messages: readonly ReceivedMessage<Item>[], context: BatchContext): unknown {
      return handleBatch(messages, context)
    }
  }
  return Items
}

export function numberOf(message: ReceivedMessage<Item>): number {
  return message.isTombstone ? Number.NaN : message.payload.n
}

export const numbersOf = (messages: readonly ReceivedMessage<Item>[]): number[] => messages.map(numberOf)

/** The numbers from `first` to `last`. */
export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
