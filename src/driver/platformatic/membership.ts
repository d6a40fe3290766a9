import type { TopicPartition } from '../driver-consumer.ts'
import type { DriverFailure } from '../driver.ts'

/** What a request says of who asks. */
export interface MemberIdentity {
  readonly memberId: string
  /** Or epoch, in the protocol of KIP-848. */
  readonly generation: number
}

/** Being in a group: joins, keeps the session alive by a timer, and says which partitions come and go. */
export interface Membership {
  readonly identity: MemberIdentity
  start(): void
  /** What is subscribed to, or how it is parted, is another by now. */
  topicsChanged(): void
  /** A poll that was waited for has come. */
  polled(): void
  /** Nobody polls: the partitions are for others. */
  expel(): void
  /** Resolves when the member has an identity that the broker should accept, or never will. Never rejects. */
  settled(): Promise<void>
  /** The broker did not accept this identity in a commit. */
  doubted(identity: MemberIdentity): void
  /** Leaves; a static member only goes silent. Never rejects. */
  leave(): Promise<void>
}

/** What a membership changes. */
export interface MembershipHost {
  /** Resolves when their work is done and they are given up. Never rejects. */
  readonly revoke: (partitions: readonly TopicPartition[]) => Promise<void>
  readonly assign: (partitions: readonly TopicPartition[]) => void
  /** All of them belong to others. */
  readonly lose: () => void
  readonly fail: (failure: DriverFailure) => void
}

/** Who reads without a group. */
export const noMember: MemberIdentity = { memberId: '', generation: -1 }
