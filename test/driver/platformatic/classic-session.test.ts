import { expect, test } from 'vitest'
import { ClassicSession, type SessionOptions } from '../../../src/driver/platformatic/classic-session.ts'
import { FakeCoordinator } from './fake-coordinator.ts'

const options: SessionOptions = {
  group: 'billing',
  instanceId: undefined,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3000,
  maxPollIntervalMs: 30_000,
}
const member = { memberId: 'm-1', generation: 4 }

test('requests say who asks', async () => {
  const coordinator = new FakeCoordinator()
    .on('JoinGroup', () => ({ errorCode: 79, memberId: 'm-1' }))
    .on('SyncGroup', () => ({ errorCode: 0, assignment: Buffer.from('mine') }))
    .on('Heartbeat', () => ({ errorCode: 0 }))
  const session = new ClassicSession(coordinator, { ...options, instanceId: 'static' })
  expect(await session.join('', Buffer.from('subscription'))).toMatchObject({ errorCode: 79, memberId: 'm-1' })
  expect(await session.sync(member, [])).toEqual(Buffer.from('mine'))
  await session.beat(member, 1000)
  expect(coordinator.asked).toEqual([
    {
      name: 'JoinGroup',
      args: [
        'billing',
        // No longer than the pause between two polls.
        30_000,
        30_000,
        '',
        'static',
        'consumer',
        [{ name: 'cooperative-sticky', metadata: Buffer.from('subscription') }],
        '',
      ],
    },
    { name: 'SyncGroup', args: ['billing', 4, 'm-1', 'static', 'consumer', 'cooperative-sticky', []] },
    { name: 'Heartbeat', args: ['billing', 4, 'm-1', 'static'] },
  ])
})

test('what the coordinator refuses is thrown', async () => {
  const coordinator = new FakeCoordinator()
    .on('SyncGroup', () => ({ errorCode: 27 }))
    .on('Heartbeat', () => ({ errorCode: 25 }))
  const session = new ClassicSession(coordinator, options)
  await expect(session.sync(member, [])).rejects.toMatchObject({ failure: { driverCode: 27 } })
  await expect(session.beat(member, 1000)).rejects.toMatchObject({ failure: { driverCode: 25 } })
})

test('a heartbeat without an answer ends its connection; an abort does so with all that waits', async () => {
  const coordinator = new FakeCoordinator()
  const session = new ClassicSession(coordinator, options)
  await expect(session.beat(member, 1)).rejects.toMatchObject({ failure: { code: 'BROKERS_UNREACHABLE' } })
  const joining = session.join('m-1', Buffer.alloc(0))
  await coordinator.nth('JoinGroup', 1)
  session.abort()
  await expect(joining).rejects.toMatchObject({ failure: { code: 'BROKERS_UNREACHABLE' } })
  expect(coordinator.forgotten).toBe(1)
})

test('a member leaves, a static one stays until its session is over, and one that never was has nothing to leave', async () => {
  const coordinator = new FakeCoordinator().on('LeaveGroup', () => Promise.reject(new Error('gone')))
  await new ClassicSession(coordinator, options).leave(member)
  await new ClassicSession(coordinator, { ...options, instanceId: 'static' }).leave(member)
  await new ClassicSession(coordinator, options).leave({ memberId: '', generation: -1 })
  expect(coordinator.asked.map(({ args }) => args)).toEqual([
    ['billing', [{ memberId: 'm-1', groupInstanceId: null, reason: null }]],
  ])
})
