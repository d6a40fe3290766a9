import { expect, onTestFinished, test } from 'vitest'
import { ClassicMembership } from '../../../src/driver/platformatic/classic-membership.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { FakeCoordinator } from './fake-coordinator.ts'
import { createMembershipParts } from './membership-parts.ts'
import { RecordingHost } from './recording-host.ts'

const library = await loadPlatformaticModule()

function assignmentOf(...partitions: number[]): Buffer {
  return library.encodeConsumerProtocolAssignment({
    version: 1,
    assignedPartitions: partitions.length === 0 ? [] : [{ topic: 'orders', partitions }],
  })
}

function protocolOf(join: readonly unknown[]): { readonly metadata: Buffer } {
  return (join[6] as readonly { metadata: Buffer }[])[0]!
}

/** A follower of a group: each round gives it the next assignment. */
function startMember(
  assignments: readonly number[][],
  options: { instanceId?: string; sessionTimeoutMs?: number } = {},
) {
  let generation = 0
  const coordinator = new FakeCoordinator()
    .on('JoinGroup', () => ({
      errorCode: 0,
      generationId: ++generation,
      leader: 'another',
      memberId: 'm-1',
      members: [],
    }))
    .on('SyncGroup', () => ({
      errorCode: 0,
      assignment: assignmentOf(...assignments[Math.min(generation, assignments.length) - 1]!),
    }))
    .on('Heartbeat', () => ({ errorCode: 0 }))
    .on('LeaveGroup', () => ({ errorCode: 0 }))
  const host = new RecordingHost()
  const { told, failures, until } = host
  const watched: ReadonlyMap<string, number>[] = []
  const subscription = () => ({
    topics: ['orders'],
    watch: (counts: ReadonlyMap<string, number>) => void watched.push(counts),
  })
  const membership = new ClassicMembership(
    createMembershipParts({ coordinator, host, subscription }, { heartbeatIntervalMs: 5, ...options }),
  )
  membership.start()
  onTestFinished(() => membership.leave())
  return { membership, coordinator, host, told, failures, watched, until }
}

test('a new member takes the name that it is given, joins, and keeps its session alive', async () => {
  const { coordinator, membership, until } = startMember([[0, 1]])
  const join = coordinator.handlers.get('JoinGroup')!
  coordinator.on('JoinGroup', (...args) => (args[3] === '' ? { errorCode: 79, memberId: 'm-1' } : join()))
  expect(await until(1)).toEqual(['assigned orders/0 orders/1'])
  expect((await coordinator.nth('JoinGroup', 2))[3]).toBe('m-1')
  expect(membership.identity).toEqual({ memberId: 'm-1', generation: 1 })
  await membership.settled()
  expect((await coordinator.nth('Heartbeat', 2)).slice(1, 3)).toEqual([1, 'm-1'])
})

test('one for which nothing is left is told so, once', async () => {
  const { coordinator, told, until } = startMember([[], [], [1]])
  expect(await until(1)).toEqual(['assigned '])
  coordinator.on('Heartbeat', () => ({ errorCode: coordinator.count('JoinGroup') < 3 ? 27 : 0 }))
  await until(2)
  expect(told).toEqual(['assigned ', 'assigned orders/1'])
})

test('what it has to give up is given up, with heartbeats going on, before it joins again', async () => {
  const { coordinator, host, told, until } = startMember([[0, 1], [1], [1]])
  await until(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  host.revoking = promise
  coordinator.on('Heartbeat', () => ({ errorCode: coordinator.count('JoinGroup') < 2 ? 27 : 0 }))
  expect((await until(2)).at(-1)).toBe('revoking orders/0')
  const beats = coordinator.count('Heartbeat')
  await coordinator.nth('Heartbeat', beats + 2)
  expect(coordinator.count('JoinGroup')).toBe(2)
  resolve()
  const { metadata } = protocolOf(await coordinator.nth('JoinGroup', 3))
  expect(library.decodeConsumerProtocolSubscription(metadata)).toMatchObject({
    ownedPartitions: [{ topic: 'orders', partitions: [1] }],
    generationId: 2,
  })
  expect(told).toEqual(['assigned orders/0 orders/1', 'revoking orders/0', 'revoked orders/0'])
})

test('one that the coordinator does not know any more has lost everything, and joins anew', async () => {
  const { coordinator, told, until } = startMember([[0], [1]])
  await until(1)
  coordinator.on('Heartbeat', () => ({ errorCode: coordinator.count('JoinGroup') < 2 ? 25 : 0 }))
  await until(3)
  expect(told).toEqual(['assigned orders/0', 'lost', 'assigned orders/1'])
  expect((await coordinator.nth('JoinGroup', 2))[3]).toBe('')
})

test('one that cannot reach its coordinator for as long as a session has lost everything', async () => {
  const { coordinator, until, failures } = startMember([[0]], { sessionTimeoutMs: 200 })
  await until(1)
  coordinator.handlers.delete('Heartbeat')
  for (let count = 2; !(await until(count)).includes('lost'); count++);
  expect(failures[0]).toMatchObject({ code: 'BROKERS_UNREACHABLE' })
  coordinator.on('Heartbeat', () => ({ errorCode: 0 }))
})

test('a second one of the same static identity ends the first for good', async () => {
  const { coordinator, told, until, failures } = startMember([[0]], { instanceId: 'static' })
  await until(1)
  coordinator.on('Heartbeat', () => ({ errorCode: 82 }))
  await until(3)
  expect(told).toEqual(['assigned orders/0', 'lost', 'failed GROUP_REJOIN_REQUIRED'])
  expect(failures).toMatchObject([{ driverCode: 82, fatal: true, retriable: false }])
})

test('one that is put out leaves and stays away until somebody polls', async () => {
  const { coordinator, membership, told, until } = startMember([[0], [1]])
  await until(1)
  membership.expel()
  expect(told).toEqual(['assigned orders/0', 'lost'])
  await coordinator.nth('LeaveGroup', 1)
  expect(coordinator.count('JoinGroup')).toBe(1)
  membership.polled()
  await until(3)
  expect(told.at(-1)).toBe('assigned orders/1')
})

test('a leader says who gets what, and watches what it rests on; one that is back does neither', async () => {
  const { coordinator, watched, membership, until } = startMember([[0], [0]])
  const me = (): unknown => ({ memberId: 'm-1', metadata: protocolOf(coordinator.asked.at(-1)!.args).metadata })
  let skipAssignment = false
  coordinator.on('JoinGroup', () => ({
    errorCode: 0,
    generationId: 1,
    leader: 'm-1',
    memberId: 'm-1',
    skipAssignment,
    members: [me()],
  }))
  membership.topicsChanged()
  await until(1)
  const synced = await coordinator.nth('SyncGroup', coordinator.count('SyncGroup'))
  const [given] = synced[6] as readonly { assignment: Buffer }[]
  expect(library.decodeConsumerProtocolAssignment(given!.assignment).assignedPartitions).toEqual([
    { topic: 'orders', partitions: [0, 1] },
  ])
  expect(watched.at(-1)).toEqual(new Map([['orders', 2]]))
  skipAssignment = true
  const syncs = coordinator.count('SyncGroup')
  membership.topicsChanged()
  expect((await coordinator.nth('SyncGroup', syncs + 1))[6]).toEqual([])
})

test('an identity that a commit was refused with is asked about before it is used again', async () => {
  const { coordinator, membership, until } = startMember([[0], [0]])
  await until(1)
  membership.doubted({ memberId: 'm-1', generation: 0 })
  await membership.settled()
  coordinator.on('Heartbeat', () => ({ errorCode: coordinator.count('JoinGroup') < 2 ? 27 : 0 }))
  membership.doubted(membership.identity)
  await membership.settled()
  expect(membership.identity.generation).toBe(2)
})

test('a commit that was refused is tried again while its partition is given up, also where the next round has begun', async () => {
  const { coordinator, membership, host, until } = startMember([[0, 1], [1], [1]])
  await until(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  host.revoking = promise
  coordinator.on('Heartbeat', () => ({ errorCode: coordinator.count('JoinGroup') < 3 ? 27 : 0 }))
  await until(2)
  membership.doubted(membership.identity)
  await membership.settled()
  expect(membership.identity.generation).toBe(2)
  resolve()
  await coordinator.nth('SyncGroup', 3)
})

test('an identity is not used before the member has its share', async () => {
  const { coordinator, membership, until } = startMember([[0], [0]])
  await until(1)
  const joined = Promise.withResolvers<void>()
  const synced = Promise.withResolvers<void>()
  const [join, sync] = ['JoinGroup', 'SyncGroup'].map((name) => coordinator.handlers.get(name)!)
  coordinator.on('JoinGroup', () => joined.promise.then(() => join!()))
  coordinator.on('SyncGroup', () => synced.promise.then(() => sync!()))
  membership.topicsChanged()
  await coordinator.nth('JoinGroup', 2)
  membership.doubted(membership.identity)
  let isSettled = false
  const settled = membership.settled().then(() => (isSettled = true))
  joined.resolve()
  await coordinator.nth('SyncGroup', 2)
  expect(isSettled).toBe(false)
  synced.resolve()
  await settled
  expect(membership.identity.generation).toBe(2)
})

test('a round that another follows at once is no failure', async () => {
  const { coordinator, failures, until } = startMember([[0]])
  const sync = coordinator.handlers.get('SyncGroup')!
  coordinator.on('SyncGroup', () => (coordinator.count('SyncGroup') < 50 ? { errorCode: 27 } : sync()))
  await until(1)
  coordinator.on('Heartbeat', () => ({ errorCode: 14 }))
  await coordinator.nth('Heartbeat', 3)
  expect(failures).toEqual([])
})

test('a coordinator that starts is no news, one that refuses is', async () => {
  const { coordinator, failures, until } = startMember([[0]])
  const join = coordinator.handlers.get('JoinGroup')!
  coordinator.on('JoinGroup', () => (coordinator.count('JoinGroup') < 3 ? { errorCode: 14 } : join()))
  await until(1)
  expect(failures).toEqual([])
  coordinator.on('Heartbeat', () => ({ errorCode: 30 }))
  await until(2)
  expect(failures[0]).toMatchObject({ code: 'AUTHORIZATION_DENIED' })
})
