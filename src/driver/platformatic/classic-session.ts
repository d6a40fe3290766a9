import type { DriverConsumerOptions } from '../driver-consumer.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { JoinedMember } from './cooperative-sticky.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { MemberIdentity } from './membership.ts'

export type SessionOptions = Pick<
  DriverConsumerOptions,
  'group' | 'instanceId' | 'sessionTimeoutMs' | 'heartbeatIntervalMs' | 'maxPollIntervalMs'
>

export type SessionCoordinator = Pick<GroupCoordinator, 'open' | 'answer' | 'check' | 'forget'>

export interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly leader: string
  /** A static leader that is back: what was assigned holds. */
  readonly skipAssignment?: boolean
  readonly memberId: string
  readonly members: readonly JoinedMember[]
}

const protocolType = 'consumer'
const protocolName = 'cooperative-sticky'
/** How much longer than a rebalance may last an answer may take. */
const slackMs = 10_000

/** The requests of a member to its coordinator, on a connection of their own: a join is answered when all others have joined. */
export class ClassicSession {
  /** As librdkafka: a session is no longer than the pause between two polls. */
  readonly timeoutMs: number
  readonly beatEveryMs: number
  readonly #coordinator: SessionCoordinator
  readonly #options: SessionOptions
  #connection: BrokerConnection | undefined
  #opening: Promise<BrokerConnection> | undefined

  constructor(coordinator: SessionCoordinator, options: SessionOptions) {
    this.#coordinator = coordinator
    this.#options = options
    this.timeoutMs = Math.min(options.sessionTimeoutMs, options.maxPollIntervalMs)
    this.beatEveryMs = Math.min(options.heartbeatIntervalMs, this.timeoutMs / 3)
  }

  /** Errors are in the answer. @throws LibraryError, FailedRequest */
  async join(memberId: string, subscription: Buffer): Promise<JoinAnswer> {
    const { group, instanceId = null, maxPollIntervalMs } = this.#options
    const protocols = [{ name: protocolName, metadata: subscription }]
    const connection = await this.#connect()
    const answer = await connection.answer(
      'JoinGroup',
      group,
      this.timeoutMs,
      maxPollIntervalMs,
      memberId,
      instanceId,
      protocolType,
      protocols,
      '',
    )
    return answer as JoinAnswer
  }

  /** What is assigned to the member; `assignments` are those of all, given by the leader. @throws LibraryError, FailedRequest */
  async sync({ memberId, generation }: MemberIdentity, assignments: readonly unknown[]): Promise<Buffer> {
    const { group, instanceId = null } = this.#options
    const connection = await this.#connect()
    const answer = await connection.answer(
      'SyncGroup',
      group,
      generation,
      memberId,
      instanceId,
      protocolType,
      protocolName,
      assignments,
    )
    const { errorCode, assignment } = answer as { errorCode: number; assignment: Buffer }
    this.#coordinator.check(errorCode, group)
    return assignment
  }

  /** @throws LibraryError, FailedRequest */
  async beat({ memberId, generation }: MemberIdentity, patienceMs: number): Promise<void> {
    const { group, instanceId = null } = this.#options
    const connection = await this.#connect()
    const timer = setTimeout(() => connection.abort(), patienceMs)
    try {
      const answer = await connection.answer('Heartbeat', group, generation, memberId, instanceId)
      this.#coordinator.check((answer as { errorCode: number }).errorCode, group)
    } finally {
      clearTimeout(timer)
    }
  }

  /** On a connection that no rebalance holds up. A static member stays until its session is over. Never rejects. */
  async leave({ memberId }: MemberIdentity): Promise<void> {
    const { group, instanceId } = this.#options
    if (memberId === '' || instanceId !== undefined) return
    const member = { memberId, groupInstanceId: null, reason: null }
    await this.#coordinator.answer('LeaveGroup', group, [member]).catch(() => undefined)
  }

  /** Whatever waits for an answer fails; the next request finds the coordinator anew. */
  abort(): void {
    this.#coordinator.forget()
    this.#connection?.abort()
    this.#connection = undefined
    void this.#opening?.then((connection) => connection.abort()).catch(() => undefined)
  }

  async #connect(): Promise<BrokerConnection> {
    if (this.#connection && (await this.#connection.becomesOpen())) return this.#connection
    return (this.#opening ??= this.#open().finally(() => (this.#opening = undefined)))
  }

  async #open(): Promise<BrokerConnection> {
    return (this.#connection = await this.#coordinator.open(this.#options.maxPollIntervalMs + slackMs))
  }
}
