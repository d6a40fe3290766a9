import { expect, test } from 'vitest'
import type { MemberIdentity, Membership } from '../../../src/driver/platformatic/membership.ts'
import { OffsetCommits } from '../../../src/driver/platformatic/offset-commits.ts'
import { FakeCoordinator, failureOf } from './fake-coordinator.ts'

interface SentTopic {
  readonly name: string
  readonly partitions: readonly { readonly partitionIndex: number; readonly committedOffset: bigint }[]
}

type Codes = Readonly<Record<number, number>>

function createCommits({ isMember = true, owned = [0, 1] } = {}) {
  const answers: Codes[] = []
  const gates: Promise<void>[] = []
  const coordinator = new FakeCoordinator().on('OffsetCommit', async (...args) => {
    await gates.shift()
    const codes = answers.shift() ?? {}
    const topics = (args[4] as readonly SentTopic[]).map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codes[partitionIndex] ?? 0 })),
    }))
    return { topics }
  })
  const ending = new AbortController()
  let identity: MemberIdentity = { memberId: 'm', generation: 1 }
  const membership: Pick<Membership, 'settled' | 'doubted' | 'identity'> = {
    get identity() {
      return identity
    },
    settled: () => Promise.resolve(),
    doubted: () => {
      identity = { memberId: 'm', generation: identity.generation + 1 }
    },
  }
  const commits = new OffsetCommits({
    coordinator,
    cluster: { failureOf },
    group: 'billing',
    instanceId: undefined,
    timeoutMs: 60_000,
    signal: ending.signal,
    membership: () => (isMember ? (membership as Membership) : undefined),
    owns: ({ partition }) => owned.includes(partition),
  })
  const commit = (partition: number, offset: number, metadata?: string): Promise<void> =>
    commits.commit([{ topic: 't', partition, offset, metadata }])
  return { commits, commit, coordinator, answers, gates, owned, ending }
}

const sent = (coordinator: FakeCoordinator): unknown[] =>
  coordinator.asked.map(({ args: [, generation, memberId, , topics] }) => ({
    by: `${String(memberId)} ${String(generation)}`,
    offsets: (topics as readonly SentTopic[]).flatMap(({ partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }) => `${partitionIndex}:${committedOffset}`),
    ),
  }))

test('one request at a time; what comes meanwhile goes with the next, the last position of each partition', async () => {
  const { commit, coordinator, gates } = createCommits()
  const { promise, resolve } = Promise.withResolvers<void>()
  gates.push(promise)
  const done = [commit(0, 1), commit(0, 2), commit(1, 7), commit(0, 3)]
  await coordinator.nth('OffsetCommit', 1)
  resolve()
  await Promise.all(done)
  expect(sent(coordinator)).toEqual([
    { by: 'm 1', offsets: ['0:1'] },
    { by: 'm 1', offsets: ['0:3', '1:7'] },
  ])
})

test('a partition that the member does not have is refused, also if it goes while the commit waits', async () => {
  const { commit, coordinator, gates, owned } = createCommits()
  await expect(commit(9, 1)).rejects.toMatchObject({ failure: { code: 'GROUP_REJOIN_REQUIRED' } })
  const { promise, resolve } = Promise.withResolvers<void>()
  gates.push(promise)
  const first = commit(0, 1)
  const [second, third] = [commit(0, 2), commit(1, 2)]
  await coordinator.nth('OffsetCommit', 1)
  owned.splice(1, 1)
  resolve()
  await first
  await second
  await expect(third).rejects.toMatchObject({ failure: { code: 'GROUP_REJOIN_REQUIRED' } })
})

test('one that the broker refuses because the group has moved on is made again by the member as it is then', async () => {
  const { commit, coordinator, answers } = createCommits()
  answers.push({ 0: 27 }, { 0: 22 })
  await commit(0, 5)
  expect(sent(coordinator)).toEqual([1, 2, 3].map((generation) => ({ by: `m ${generation}`, offsets: ['0:5'] })))
})

test('what passes is tried again, what is final fails only its own partition', async () => {
  const { commits, coordinator, answers } = createCommits()
  answers.push({ 0: 14, 1: 12 })
  const both = [0, 1].map((partition) => ({ topic: 't', partition, offset: 4 }))
  await expect(commits.commit(both)).rejects.toMatchObject({ failure: { code: 'OFFSET_UNAVAILABLE' } })
  expect(sent(coordinator)).toEqual([
    { by: 'm 1', offsets: ['0:4', '1:4'] },
    { by: 'm 1', offsets: ['0:4'] },
  ])
})

test('who reads without a group commits as nobody, whatever is assigned', async () => {
  const { commit, coordinator } = createCommits({ isMember: false, owned: [] })
  await commit(5, 1)
  expect(sent(coordinator)).toEqual([{ by: ' -1', offsets: ['5:1'] }])
})

test('after a close nobody knows whether the broker has it; nothing to commit is nothing', async () => {
  const { commits, commit, answers, ending } = createCommits()
  await commits.commit([])
  answers.push({ 0: 14 })
  const committing = commit(0, 1)
  ending.abort()
  await expect(committing).rejects.toMatchObject({ failure: { code: 'CLOSE_TIMED_OUT', outcome: 'unknown' } })
})
