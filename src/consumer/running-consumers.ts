import type { StartPosition, TopicPartition } from '../driver/driver-consumer.ts'
import type { DriverCredentials } from '../driver/driver.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import { consumerNameOf, type ConsumerManifestClass } from '../factory/consumer-manifest.ts'
import type { ActiveConsumer } from './active-consumer.ts'
import { describeHealth, type ConsumersHealth } from './consumers-health.ts'
import type { GroupMember } from './membership/group-member.ts'
import type { PartitionWork } from './partition/partition-work.ts'
import type { Pauses } from './partition/pauses.ts'

export interface StopOptions {
  /** How long handlers may go on. Default: `stopTimeoutMs` of the configuration. */
  readonly timeoutMs?: number
}

/** Consumers that run, until they are stopped. They are named by their class, or by its name. */
export interface RunningConsumers extends AsyncDisposable {
  /** Settles when they have stopped. @throws (rejects) HANDLER_FAILED and others, where `onFailure: 'stop'` stopped them */
  readonly finished: Promise<void>
  /** Begins nothing new, waits for handlers that run, commits and leaves the groups. Safe to call again, and from a signal handler. */
  stop(options?: StopOptions): Promise<void>
  /** Whether messages are being handled, by consumer and partition. */
  health(): ConsumersHealth
  /** Holds a consumer back: all partitions of it, those that it is given later too; or one, until it is taken away. @throws CONSUMER_NOT_RUNNING, PARTITION_NOT_FOUND */
  pause(consumer: ConsumerManifestClass | string, reason: string, how?: PauseOptions): void
  /** Ends what `pause` began, and the pauses of the circuit breaker and of handlers too. @throws as `pause` */
  resume(consumer: ConsumerManifestClass | string, partition?: TopicPartition): void
  /** Goes on from another position, once what runs has ended. @throws CONSUMER_NOT_RUNNING, PARTITION_NOT_FOUND, OFFSET_UNAVAILABLE, INPUT_INVALID */
  seek(consumer: ConsumerManifestClass | string, position: StartPosition): Promise<void>
}

export interface PauseOptions {
  readonly partition?: TopicPartition
  /** Default: until `resume`. */
  readonly durationMs?: number
}

export interface ConsumerGroupParts {
  readonly members: readonly GroupMember[]
  readonly stopTimeoutMs: number
  /** Told once, when they have stopped. */
  readonly onStopped: (failure: MessagingError | undefined) => void
}

interface Found {
  readonly member: GroupMember
  readonly consumer: ActiveConsumer
}

/** The members of one `run`. */
export class ConsumerGroups implements RunningConsumers {
  readonly finished: Promise<void>
  readonly #parts: ConsumerGroupParts
  readonly #end = Promise.withResolvers<void>()
  #failure: MessagingError | undefined
  #stopping: Promise<void> | undefined
  #state: ConsumersHealth['state'] = 'running'

  constructor(parts: ConsumerGroupParts) {
    this.#parts = parts
    this.finished = this.#end.promise
    // Nobody has to look.
    this.finished.catch(() => undefined)
  }

  /** @throws as the driver’s `createConsumer` and `subscribe` */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#parts.members.map((member) => member.start()))
    } catch (error) {
      await this.stop({ timeoutMs: 0 })
      throw error
    }
  }

  stop({ timeoutMs = this.#parts.stopTimeoutMs }: StopOptions = {}): Promise<void> {
    // Asked again for less time: somebody is in a hurry.
    if (this.#stopping && timeoutMs === 0) for (const member of this.#parts.members) member.abort()
    this.#stopping ??= this.#stop(timeoutMs)
    return this.#stopping
  }

  setCredentials(credentials: DriverCredentials): void {
    for (const member of this.#parts.members) member.setCredentials(credentials)
  }

  /** A message failed that is not to be passed. */
  fail(error: MessagingError): void {
    this.#failure ??= error
    void this.stop()
  }

  health(): ConsumersHealth {
    return describeHealth(this.#state, this.#parts.members)
  }

  pause(of: ConsumerManifestClass | string, reason: string, { partition, durationMs }: PauseOptions = {}): void {
    this.#pausesOf(of, partition).add('operator', reason, durationMs)
  }

  resume(of: ConsumerManifestClass | string, partition?: TopicPartition): void {
    this.#pausesOf(of, partition).clear()
  }

  async seek(of: ConsumerManifestClass | string, position: StartPosition): Promise<void> {
    assertOffset(position)
    const found = this.#find(of)
    workOf(found, position)
    await found.member.seek(position)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #find(of: ConsumerManifestClass | string): Found {
    const name = typeof of === 'string' ? of : consumerNameOf(of)
    for (const member of this.#parts.members) {
      const consumer = member.consumers.find(({ plan }) => plan.name === name)
      if (consumer) return { member, consumer }
    }
    const running = this.#parts.members.flatMap(({ consumers }) => consumers.map(({ plan }) => plan.name))
    throw new MessagingError('CONSUMER_NOT_RUNNING', { value: name, running: running.join(', ') })
  }

  #pausesOf(of: ConsumerManifestClass | string, at: TopicPartition | undefined): Pauses {
    const found = this.#find(of)
    return at === undefined ? found.consumer.pauses : workOf(found, at).pauses
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#state = 'stopping'
    const { members, onStopped } = this.#parts
    for (const { consumers } of members) for (const { pauses } of consumers) pauses.clear()
    await Promise.all(members.map((member) => member.stop(timeoutMs)))
    this.#state = 'stopped'
    onStopped(this.#failure)
    if (this.#failure) this.#end.reject(this.#failure)
    else this.#end.resolve()
  }
}

/** @throws PARTITION_NOT_FOUND */
function workOf({ member, consumer }: Found, { topic, partition }: TopicPartition): PartitionWork {
  const work = member.works.find((each) => each.topic === topic && each.partition === partition)
  if (work?.consumer === consumer) return work
  const reason = `partition ${partition} of ${topic} is not assigned to ${consumer.plan.name} here`
  throw new MessagingError('PARTITION_NOT_FOUND', { reason }, { topic })
}

function assertOffset({ topic, offset }: StartPosition): void {
  const number = typeof offset === 'object' ? (offset as { timestamp: number } | null)?.timestamp : offset
  if (offset === 'earliest' || offset === 'latest' || (Number.isSafeInteger(number) && (number as number) >= 0)) return
  const reason = 'the offset must be a number from 0, "earliest", "latest" or { timestamp } in ms since 1970'
  throw new MessagingError('INPUT_INVALID', { source: 'seek()', reason }, { topic })
}
