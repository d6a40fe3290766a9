import { nameOf, type TopicPartition } from '../../../src/driver/driver-consumer.ts'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import type { MembershipHost } from '../../../src/driver/platformatic/membership.ts'

/** Keeps what a membership tells it, in order, and lets tests wait for it. */
export class RecordingHost implements MembershipHost {
  readonly told: string[] = []
  readonly failures: DriverFailure[] = []
  /** Awaited by `revoke`. */
  revoking: Promise<void> | undefined
  #look = Promise.withResolvers<void>()

  readonly assign = (partitions: readonly TopicPartition[]): void => this.#tell(`assigned ${list(partitions)}`)
  readonly revoke = async (partitions: readonly TopicPartition[]): Promise<void> => {
    this.#tell(`revoking ${list(partitions)}`)
    await this.revoking
    this.#tell(`revoked ${list(partitions)}`)
  }
  readonly lose = (): void => this.#tell('lost')
  readonly fail = (failure: DriverFailure): void => {
    this.failures.push(failure)
    this.#tell(`failed ${failure.code}`)
  }

  /** Resolves with all that was told once it is so much. */
  readonly until = async (count: number): Promise<readonly string[]> => {
    while (this.told.length < count) await this.#look.promise
    return this.told
  }

  #tell(what: string): void {
    this.told.push(what)
    this.#look.resolve()
    this.#look = Promise.withResolvers()
  }
}

const list = (partitions: readonly TopicPartition[]): string => partitions.map(nameOf).join(' ')
