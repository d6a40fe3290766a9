import { setTimeout as delay } from 'node:timers/promises'
import { nameOf, type TopicPartition } from '../driver-consumer.ts'
import { ClassicSession, type JoinAnswer, type SessionCoordinator, type SessionOptions } from './classic-session.ts'
import type { Cluster } from './cluster.ts'
import { assignPartitions, readAssignment, writeSubscription } from './cooperative-sticky.ts'
import { FailedRequest } from './failed-request.ts'
import { noMember, type MemberIdentity, type Membership, type MembershipHost } from './membership.ts'
import type { PlatformaticModule } from './platformatic-module.ts'
import type { Subscription } from './subscription.ts'

export interface MembershipParts {
  readonly library: PlatformaticModule
  readonly cluster: Pick<Cluster, 'metadata' | 'failureOf' | 'failureOfNumber'>
  readonly coordinator: SessionCoordinator
  readonly subscription: () => Pick<Subscription, 'topics' | 'watch'>
  readonly host: MembershipHost
  readonly options: SessionOptions
}

const errors = {
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstance: 82,
} as const
const tryAgainMs = { first: 100, most: 1000 }
/** What a coordinator answers that starts, or that is being found, is news only if it goes on. */
const untoldFailures = 5

/** The protocol in which a member of the group decides who gets what (classic), with cooperative rebalancing (KIP-429). */
export class ClassicMembership implements Membership {
  identity: MemberIdentity = noMember
  readonly #parts: MembershipParts
  readonly #session: ClassicSession
  /** What is assigned, or will be as soon as somebody polls. */
  #assigned: readonly TopicPartition[] = []
  #knowsItsShare = false
  /** In a row. */
  #failures = 0
  #state: 'joining' | 'member' | 'away' | 'gone' = 'joining'
  #settled = Promise.withResolvers<void>()
  #isSettled = false
  #isRevoking = false
  /** Something asks for another round. */
  #disturbed = Promise.withResolvers<void>()
  #isDisturbed = false
  #present = Promise.withResolvers<void>()
  #beating: NodeJS.Timeout | undefined
  /** When the coordinator knew the member, by `performance.now()`. */
  #seenAtMs = 0

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#session = new ClassicSession(parts.coordinator, parts.options)
    this.#present.resolve()
  }

  start(): void {
    void this.#run()
  }

  topicsChanged(): void {
    this.#disturb()
  }

  polled(): void {
    if (this.#state !== 'away') return
    this.#state = 'joining'
    this.#present.resolve()
  }

  expel(): void {
    if (!this.#isThere) return
    this.#state = 'away'
    this.#present = Promise.withResolvers()
    void this.#session.leave(this.identity)
    this.#lose(this.#parts.options.instanceId === undefined)
    this.#session.abort()
  }

  settled(): Promise<void> {
    return this.#settled.promise
  }

  doubted(identity: MemberIdentity): void {
    if (identity !== this.identity || !this.#isThere) return
    this.#unsettle()
    // Its answer says how it is.
    if (this.#state === 'member') this.#beat(tryAgainMs.first)
  }

  async leave(): Promise<void> {
    const wasThere = this.#isThere
    this.#state = 'gone'
    clearTimeout(this.#beating)
    this.#settle()
    this.#present.resolve()
    this.#disturbed.resolve()
    this.#session.abort()
    if (wasThere) await this.#session.leave(this.identity)
  }

  get #isThere(): boolean {
    return this.#state !== 'away' && this.#state !== 'gone'
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#present.promise
      if (this.#state === 'gone') return
      try {
        await this.#follow(await this.#enter())
      } catch (error) {
        if (!this.#isThere) continue
        if (!this.#recover(error)) continue
        const waitMs = Math.min(tryAgainMs.most, tryAgainMs.first * 2 ** Math.min(this.#failures++, 10))
        await delay(waitMs, undefined, { ref: false })
      }
    }
  }

  /** Joins; the leader says who gets what. */
  async #enter(): Promise<readonly TopicPartition[]> {
    const { library, cluster, subscription } = this.#parts
    clearTimeout(this.#beating)
    this.#state = 'joining'
    this.#isDisturbed = false
    const { memberId, generationId: generation, leader, skipAssignment, members } = await this.#join()
    this.#checkThere()
    this.#seenAtMs = performance.now()
    this.#unsettle()
    this.identity = { memberId, generation }
    let assignments: readonly unknown[] = []
    let partitionCounts: ReadonlyMap<string, number> = new Map()
    if (leader === memberId && skipAssignment !== true) {
      ;({ assignments, partitionCounts } = await assignPartitions(library, members, cluster))
    }
    subscription().watch(partitionCounts)
    const assignment = readAssignment(library, await this.#session.sync(this.identity, assignments))
    this.#checkThere()
    this.#state = 'member'
    this.#seen()
    return assignment
  }

  async #join(): Promise<JoinAnswer> {
    const { library, coordinator, subscription, options } = this.#parts
    for (;;) {
      const { memberId, generation } = this.identity
      const metadata = writeSubscription(library, subscription().topics, this.#assigned, generation)
      const answer = await this.#session.join(memberId, metadata)
      if (answer.errorCode !== errors.memberIdRequired) {
        coordinator.check(answer.errorCode, options.group)
        return answer
      }
      this.#checkThere()
      this.identity = { memberId: answer.memberId, generation: noMember.generation }
    }
  }

  /** Gives up and takes what the assignment says, and stays until there is another round. */
  async #follow(assignment: readonly TopicPartition[]): Promise<void> {
    const { host } = this.#parts
    const { identity } = this
    this.#disturbed = Promise.withResolvers()
    if (this.#isDisturbed) this.#disturbed.resolve()
    this.#beat()
    const wanted = new Set(assignment.map(nameOf))
    const had = new Set(this.#assigned.map(nameOf))
    const revoked = this.#assigned.filter((partition) => !wanted.has(nameOf(partition)))
    if (revoked.length > 0) {
      this.#isRevoking = true
      await host.revoke(revoked)
      this.#isRevoking = false
    }
    // It may have been lost meanwhile.
    if (identity !== this.identity || !this.#isThere) return
    this.#assigned = assignment
    const added = assignment.filter((partition) => !had.has(nameOf(partition)))
    // A new member hears of its share also where there is none.
    if (added.length > 0 || !this.#knowsItsShare) host.assign(added)
    this.#knowsItsShare = true
    // What was given up goes to others in another round.
    if (revoked.length === 0) await this.#disturbed.promise
  }

  #beat(afterMs = this.#session.beatEveryMs): void {
    clearTimeout(this.#beating)
    this.#beating = setTimeout(() => void this.#heartbeat(), afterMs)
    this.#beating.unref()
  }

  async #heartbeat(): Promise<void> {
    const { identity } = this
    const isOver = (): boolean => identity !== this.identity || this.#state !== 'member'
    try {
      await this.#session.beat(identity, Math.max(tryAgainMs.first, this.#sessionLeftMs()))
      if (!isOver()) this.#seen()
    } catch (error) {
      if (isOver()) return
      if (this.#recover(error)) this.#failures++
    }
    if (!isOver()) this.#beat()
  }

  /** Whatever went wrong: what it means for the membership, and whether something is wrong at all. */
  #recover(thrown: unknown): boolean {
    const { cluster, host } = this.#parts
    const failure = cluster.failureOf(thrown)
    const { driverCode } = failure
    if (driverCode === errors.rebalanceInProgress) {
      this.#seenAtMs = performance.now()
      // Until all have joined, commits are taken of who has not yet; and this one joins only after its last commit.
      if (this.#isRevoking) this.#settle()
      this.#disturb()
      return false
    } else if (driverCode === errors.unknownMember || driverCode === errors.illegalGeneration) {
      this.#lose(driverCode === errors.unknownMember)
    } else if (driverCode === errors.fencedInstance) {
      this.#lose(true)
      this.#state = 'gone'
      host.fail({ ...failure, fatal: true })
    } else {
      this.#session.abort()
      if (failure.code !== 'BROKER_UNAVAILABLE' || this.#failures >= untoldFailures) host.fail(failure)
      // The coordinator has given the partitions to others by now, wherever it is.
      if (this.#assigned.length > 0 && this.#sessionLeftMs() <= 0) this.#lose(false)
    }
    return true
  }

  #lose(isForgotten: boolean): void {
    const { memberId } = this.identity
    this.identity = { memberId: isForgotten ? '' : memberId, generation: noMember.generation }
    const hadSome = this.#assigned.length > 0
    this.#assigned = []
    this.#knowsItsShare = false
    clearTimeout(this.#beating)
    this.#settle()
    if (hadSome) this.#parts.host.lose()
    this.#disturb()
  }

  #seen(): void {
    this.#failures = 0
    this.#seenAtMs = performance.now()
    this.#settle()
  }

  #disturb(): void {
    this.#isDisturbed = true
    this.#disturbed.resolve()
  }

  #settle(): void {
    this.#isSettled = true
    this.#settled.resolve()
  }

  /** Who waits already goes on waiting. */
  #unsettle(): void {
    if (this.#isSettled) this.#settled = Promise.withResolvers()
    this.#isSettled = false
  }

  #checkThere(): void {
    if (!this.#isThere) throw new FailedRequest({ code: 'GROUP_REJOIN_REQUIRED', reason: 'the member has left' })
  }

  #sessionLeftMs(): number {
    return this.#seenAtMs + this.#session.timeoutMs - performance.now()
  }
}
