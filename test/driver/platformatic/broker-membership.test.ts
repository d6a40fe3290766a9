import { expect, onTestFinished, test } from 'vitest'
import { BrokerMembership } from '../../../src/driver/platformatic/broker-membership.ts'
import { FakeCoordinator } from './fake-coordinator.ts'
import { createMembershipParts } from './membership-parts.ts'
import { RecordingHost } from './recording-host.ts'

/** A member whose broker wants it to have `wanted`, and knows it from epoch 1 on. */
function startMember(wanted: number[], options: { instanceId?: string; sessionTimeoutMs?: number } = {}) {
  const broker = { wanted, errorCode: 0, epoch: 1 }
  const coordinator = new FakeCoordinator().on('ConsumerGroupHeartbeat', () => ({
    errorCode: broker.errorCode,
    errorMessage: null,
    memberEpoch: broker.epoch,
    heartbeatIntervalMs: 5,
    assignment: { topicPartitions: broker.wanted.length === 0 ? [] : [{ topicId: 'id', partitions: broker.wanted }] },
  }))
  const host = new RecordingHost()
  const { told, failures, until } = host
  const membership = new BrokerMembership(createMembershipParts({ coordinator, host }, options))
  membership.start()
  onTestFinished(() => membership.leave())
  /** What the next heartbeats say, from now on. */
  const beat = async (isIt: (beat: ReturnType<typeof readBeat>) => boolean) => {
    for (let number = coordinator.count('ConsumerGroupHeartbeat') + 1; ; number++) {
      const read = readBeat(await coordinator.nth('ConsumerGroupHeartbeat', number))
      if (isIt(read)) return read
    }
  }
  return { membership, coordinator, broker, host, told, failures, until, beat }
}

function readBeat([, memberId, epoch, instanceId, , rebalanceTimeoutMs, topics, , , owned]: readonly unknown[]) {
  const [first] = (owned ?? []) as readonly { partitions: readonly number[] }[]
  return { memberId, epoch, instanceId, rebalanceTimeoutMs, topics, owned: first?.partitions ?? [] }
}

test('a new member says what it wants, takes what it is given and says so', async () => {
  const { coordinator, membership, told, beat, until } = startMember([0, 1])
  await until(1)
  expect(told).toEqual(['assigned orders/0 orders/1'])
  const { memberId } = membership.identity
  expect(readBeat(await coordinator.nth('ConsumerGroupHeartbeat', 1))).toEqual({
    memberId,
    epoch: 0,
    instanceId: null,
    rebalanceTimeoutMs: 300_000,
    topics: ['orders'],
    owned: [],
  })
  expect(await beat(({ epoch }) => epoch === 1)).toMatchObject({ memberId, owned: [0, 1] })
  expect(membership.identity).toEqual({ memberId, generation: 1 })
})

test('one for which nothing is left is told so, once that is certain', async () => {
  const { told, broker, until } = startMember([])
  await until(1)
  broker.wanted = [1]
  await until(2)
  expect(told).toEqual(['assigned ', 'assigned orders/1'])
})

test('what it has to give up it has until it is given up, with heartbeats going on', async () => {
  const { told, broker, host, until, beat } = startMember([0, 1])
  await until(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  host.revoking = promise
  broker.wanted = [1]
  await until(2)
  expect((await beat(() => true)).owned).toEqual([0, 1])
  expect((await beat(() => true)).owned).toEqual([0, 1])
  resolve()
  expect((await beat(({ owned }) => owned.length === 1)).owned).toEqual([1])
  expect(told).toEqual(['assigned orders/0 orders/1', 'revoking orders/0', 'revoked orders/0'])
})

test.each([25, 110])(
  'one that the broker does not know as it is (%d) has lost everything, and joins as another',
  async (errorCode) => {
    const { told, broker, until, membership } = startMember([0])
    await until(1)
    const { memberId } = membership.identity
    broker.errorCode = errorCode
    await until(2)
    broker.errorCode = 0
    await until(3)
    expect(told).toEqual(['assigned orders/0', 'lost', 'assigned orders/0'])
    expect(membership.identity.memberId).not.toBe(memberId)
  },
)

test('one that cannot reach its coordinator for as long as a session has lost everything', async () => {
  const { coordinator, until, failures } = startMember([0], { sessionTimeoutMs: 200 })
  await until(1)
  coordinator.on('ConsumerGroupHeartbeat', () => Promise.reject(new Error('Connection closed')))
  for (let count = 2; !(await until(count)).includes('lost'); count++);
  expect(failures.length).toBeGreaterThan(0)
})

test('a second one of the same static identity ends the first for good', async () => {
  const { told, broker, until, failures } = startMember([0], { instanceId: 'static' })
  await until(1)
  broker.errorCode = 82
  await until(3)
  expect(told).toEqual(['assigned orders/0', 'lost', 'failed GROUP_REJOIN_REQUIRED'])
  expect(failures).toMatchObject([{ driverCode: 82, fatal: true }])
})

test('one that is put out leaves, and joins as another when somebody polls', async () => {
  const { coordinator, membership, told, until } = startMember([0])
  await until(1)
  const before = coordinator.count('ConsumerGroupHeartbeat')
  membership.expel()
  expect(told).toEqual(['assigned orders/0', 'lost'])
  expect(readBeat(await coordinator.nth('ConsumerGroupHeartbeat', before + 1)).epoch).toBe(-1)
  membership.polled()
  await until(3)
  expect(told.at(-1)).toBe('assigned orders/0')
})

test.each([
  [undefined, -1],
  ['static', -2],
])('with the static identity %s it leaves with the epoch %d', async (instanceId, epoch) => {
  const { coordinator, membership, until } = startMember([0], instanceId === undefined ? {} : { instanceId })
  await until(1)
  await membership.leave()
  expect(readBeat(coordinator.asked.at(-1)!.args)).toMatchObject({ epoch, topics: null, owned: [] })
})

test('an identity that a commit was refused with is asked about before it is used again', async () => {
  const { membership, broker, until } = startMember([0])
  await until(1)
  await membership.settled()
  broker.epoch = 7
  membership.doubted(membership.identity)
  await membership.settled()
  expect(membership.identity.generation).toBe(7)
})
