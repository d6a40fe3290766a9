import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { nameOf, type TopicPartition } from '../driver-consumer.ts'
import type { MembershipParts } from './classic-membership.ts'
import type { MemberIdentity, Membership } from './membership.ts'
import { TopicIds } from './topic-ids.ts'

interface HeartbeatAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null where it has not changed. */
  readonly assignment: {
    readonly topicPartitions: readonly { topicId: string; partitions: readonly number[] }[]
  } | null
}

/** What stands in the place of the epoch. */
const epochs = { join: 0, leave: -1, leaveForNow: -2 } as const
const errors = { unknownMember: 25, fencedInstance: 82, fencedEpoch: 110 } as const
const tryAgainMs = { first: 100, most: 1000 }
const untoldFailures = 5
/** So many answers in a row without a partition mean that there is none; the first one may come before the broker has decided. */
const emptyAnswers = 2

/** The protocol in which the broker decides who gets what (KIP-848): each heartbeat says what the member has, and is answered with what it should have. */
export class BrokerMembership implements Membership {
  identity: MemberIdentity = { memberId: randomUUID(), generation: epochs.join }
  readonly #parts: MembershipParts
  readonly #ids: TopicIds
  #owned: readonly TopicPartition[] = []
  #wanted: readonly TopicPartition[] = []
  #isReconciling = false
  /** Answers without a partition, until it is told that there is one or none. */
  #emptyAnswers = 0
  #knowsItsShare = false
  #state: 'there' | 'away' | 'gone' = 'there'
  #settled = Promise.withResolvers<void>()
  #present = Promise.withResolvers<void>()
  #disturbed = new AbortController()
  #everyMs: number
  /** In a row. */
  #failures = 0
  /** When the coordinator knew the member, by `performance.now()`. */
  #seenAtMs = 0

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#ids = new TopicIds(parts.cluster)
    this.#everyMs = parts.options.heartbeatIntervalMs
    this.#present.resolve()
  }

  start(): void {
    void this.#run()
  }

  topicsChanged(): void {
    this.#disturbed.abort()
  }

  polled(): void {
    if (this.#state !== 'away') return
    this.#state = 'there'
    this.#present.resolve()
  }

  expel(): void {
    if (this.#state !== 'there') return
    this.#state = 'away'
    this.#present = Promise.withResolvers()
    void this.#leave(epochs.leave)
    this.#lose()
  }

  settled(): Promise<void> {
    return this.#settled.promise
  }

  doubted(identity: MemberIdentity): void {
    if (identity !== this.identity || this.#state !== 'there') return
    this.#settled.resolve()
    this.#settled = Promise.withResolvers()
    this.#disturbed.abort()
  }

  async leave(): Promise<void> {
    const wasThere = this.#state === 'there'
    this.#state = 'gone'
    this.#settled.resolve()
    this.#present.resolve()
    this.#disturbed.abort()
    if (wasThere) await this.#leave(epochs.leaveForNow)
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#present.promise
      if (this.#state === 'gone') return
      this.#disturbed = new AbortController()
      try {
        await this.#beat()
        await this.#rest(this.#everyMs)
      } catch (error) {
        if (this.#state !== 'there') continue
        this.#recover(error)
        await this.#rest(Math.min(tryAgainMs.most, tryAgainMs.first * 2 ** Math.min(this.#failures++, 10)))
      }
    }
  }

  async #beat(): Promise<void> {
    const { coordinator, subscription, options } = this.#parts
    const { identity } = this
    const { topics } = subscription()
    const owned = await this.#ids.toRequest(this.#owned)
    const answer = await this.#ask(identity.generation, topics, owned)
    if (identity !== this.identity || this.#state !== 'there') return
    coordinator.check(answer.errorCode, answer.errorMessage ?? options.group)
    this.#failures = 0
    this.#seenAtMs = performance.now()
    this.#everyMs = answer.heartbeatIntervalMs
    if (answer.memberEpoch !== identity.generation) {
      this.identity = { memberId: identity.memberId, generation: answer.memberEpoch }
    }
    if (answer.assignment) {
      this.#wanted = await this.#ids.toPartitions(answer.assignment.topicPartitions, topics)
      if (this.#wanted.length === 0) this.#emptyAnswers++
    }
    this.#settled.resolve()
    this.#reconcile()
  }

  /** Everything each time: so an answer that was lost is made up for by the next. */
  async #ask(epoch: number, topics: readonly string[] | null, owned: unknown): Promise<HeartbeatAnswer> {
    const { coordinator, options } = this.#parts
    const { group, instanceId = null, maxPollIntervalMs } = options
    const answer = await coordinator.answer(
      'ConsumerGroupHeartbeat',
      group,
      this.identity.memberId,
      epoch,
      instanceId,
      null,
      maxPollIntervalMs,
      topics,
      null,
      null,
      owned,
    )
    return answer as HeartbeatAnswer
  }

  /** Gives up and takes until the member has what it should; heartbeats go on meanwhile. */
  #reconcile(): void {
    if (this.#isReconciling) return
    this.#isReconciling = true
    void this.#reconcileNow().finally(() => (this.#isReconciling = false))
  }

  async #reconcileNow(): Promise<void> {
    const { host } = this.#parts
    const { memberId } = this.identity
    const wanted = new Set(this.#wanted.map(nameOf))
    const revoked = this.#owned.filter((partition) => !wanted.has(nameOf(partition)))
    if (revoked.length > 0) {
      await host.revoke(revoked)
      // It may have been lost meanwhile.
      if (memberId !== this.identity.memberId || this.#state !== 'there') return
      this.#owned = this.#owned.filter((partition) => wanted.has(nameOf(partition)))
    }
    const had = new Set(this.#owned.map(nameOf))
    const added = this.#wanted.filter((partition) => !had.has(nameOf(partition)))
    const hasNone = !this.#knowsItsShare && this.#emptyAnswers >= emptyAnswers
    if (added.length > 0 || hasNone) {
      this.#knowsItsShare = true
      this.#owned = [...this.#owned, ...added]
      host.assign(added)
    }
    // The broker waits to hear of it.
    if (revoked.length + added.length > 0) this.#disturbed.abort()
  }

  #recover(thrown: unknown): void {
    const { cluster, coordinator, host } = this.#parts
    const failure = cluster.failureOf(thrown)
    const { driverCode } = failure
    if (driverCode === errors.unknownMember || driverCode === errors.fencedEpoch) {
      this.#lose()
    } else if (driverCode === errors.fencedInstance) {
      this.#lose()
      this.#state = 'gone'
      host.fail({ ...failure, fatal: true })
    } else {
      coordinator.forget()
      if (failure.code !== 'BROKER_UNAVAILABLE' || this.#failures >= untoldFailures) host.fail(failure)
      const { sessionTimeoutMs } = this.#parts.options
      if (this.#owned.length > 0 && performance.now() - this.#seenAtMs >= sessionTimeoutMs) this.#lose()
    }
  }

  /** Another member from now on. */
  #lose(): void {
    this.identity = { memberId: randomUUID(), generation: epochs.join }
    const hadSome = this.#owned.length > 0
    this.#owned = this.#wanted = []
    this.#emptyAnswers = 0
    this.#knowsItsShare = false
    this.#settled.resolve()
    if (hadSome) this.#parts.host.lose()
  }

  async #rest(ms: number): Promise<void> {
    const { signal } = this.#disturbed
    await delay(ms, undefined, { ref: false, signal }).catch(() => undefined)
  }

  /** A static member is away only: it gets its partitions again if it is back within its session. Never rejects. */
  async #leave(ofStatic: number): Promise<void> {
    if (this.identity.generation === epochs.join) return
    const epoch = this.#parts.options.instanceId === undefined ? epochs.leave : ofStatic
    await this.#ask(epoch, null, null).catch(() => undefined)
  }
}
