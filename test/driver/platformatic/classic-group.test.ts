import { expect, test } from 'vitest'
import { nameOf, type TopicPartition } from '../../../src/driver/driver-consumer.ts'
import { ClassicMembership } from '../../../src/driver/platformatic/classic-membership.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import { OffsetCommits } from '../../../src/driver/platformatic/offset-commits.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { seededRandom } from '../../kafka/seeded-random.ts'
import { failureOf } from './fake-coordinator.ts'
import { SimulatedGroup } from './simulated-group.ts'

const library = await loadPlatformaticModule()
const partitionCount = 20

/** Takes part in a simulated group, commits all the time, and what it gives up once more. */
class Participant {
  readonly owned = new Map<string, TopicPartition>()
  readonly membership: ClassicMembership
  readonly #ending = new AbortController()
  readonly #committing: Promise<void>

  constructor(group: SimulatedGroup, owners: Map<string, Participant>, changed: () => void) {
    const coordinator = group.coordinator()
    const cluster = {
      metadata: () =>
        Promise.resolve(
          new Map([['orders', { errorCode: 0, leaders: Array.from({ length: partitionCount }, () => 1) }]]),
        ),
      failureOf,
      failureOfNumber: (number: number, detail?: string) => normalizeProtocolError(library, number, detail),
    }
    const commits = new OffsetCommits({
      cluster,
      coordinator,
      group: 'billing',
      instanceId: undefined,
      timeoutMs: 20_000,
      signal: this.#ending.signal,
      membership: () => this.membership,
      owns: (partition) => this.owned.has(nameOf(partition)),
    })
    const commit = (partitions: readonly TopicPartition[]) =>
      commits.commit(partitions.map((partition) => ({ ...partition, offset: 1 }))).catch(() => undefined)
    this.membership = new ClassicMembership({
      library,
      coordinator,
      cluster,
      subscription: () => ({ topics: ['orders'], watch: () => undefined }),
      host: {
        revoke: async (partitions) => {
          await commit(partitions)
          for (const partition of partitions) {
            this.owned.delete(nameOf(partition))
            if (owners.get(nameOf(partition)) === this) owners.delete(nameOf(partition))
          }
        },
        assign: (partitions) => {
          for (const partition of partitions) {
            expect(owners.has(nameOf(partition))).toBe(false)
            owners.set(nameOf(partition), this)
            this.owned.set(nameOf(partition), partition)
          }
          changed()
        },
        lose: () => expect.unreachable('a member that is there all the time loses nothing'),
        fail: ({ reason }) => expect.unreachable(reason),
      },
      options: {
        group: 'billing',
        instanceId: undefined,
        sessionTimeoutMs: 45_000,
        heartbeatIntervalMs: 2,
        maxPollIntervalMs: 300_000,
      },
    })
    this.membership.start()
    this.#committing = (async () => {
      while (!this.#ending.signal.aborted) {
        await commit([...this.owned.values()])
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  }

  async leave(owners: Map<string, Participant>): Promise<void> {
    this.#ending.abort()
    for (const name of this.owned.keys()) owners.delete(name)
    await this.membership.leave()
    await this.#committing
  }
}

test('members that come and go in any order have each partition once in the end, in even shares, and never twice', async () => {
  await Promise.all(
    Array.from({ length: 20 }, async (_, seed) => {
      const random = seededRandom(seed + 1)
      const group = new SimulatedGroup(() => Math.floor(random() * 6))
      const owners = new Map<string, Participant>()
      const members: Participant[] = []
      let look = Promise.withResolvers<void>()
      const changed = (): void => {
        look.resolve()
        look = Promise.withResolvers()
      }
      const even = async (): Promise<void> => {
        const isEven = (): boolean => {
          const sizes = members.map(({ owned }) => owned.size)
          return owners.size === partitionCount && Math.max(...sizes) - Math.min(...sizes) <= 1
        }
        while (!isEven()) await look.promise
      }
      for (let step = 0; step < 15; step++) {
        if (members.length < 2 || random() < 0.7) members.push(new Participant(group, owners, changed))
        else await members.splice(Math.floor(random() * members.length), 1)[0]!.leave(owners)
        if (random() < 0.3) await even()
      }
      await even()
      await Promise.all(members.map((member) => member.leave(owners)))
    }),
  )
})
