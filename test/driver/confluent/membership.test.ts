import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Membership } from '../../../src/driver/confluent/membership.ts'
import type { NativeConsumer, NativePosition } from '../../../src/driver/confluent/native-module.ts'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import { RecordingListener } from '../consumer-options.ts'

const [assign, revoke] = [
  { code: -175, message: 'assign' },
  { code: -174, message: 'revoke' },
]
const [first, second] = [
  { topic: 'orders', partition: 0 },
  { topic: 'orders', partition: 1 },
] as const

function createMembership(protocol: 'COOPERATIVE' | 'EAGER' | 'NONE' = 'COOPERATIVE') {
  const calls: string[] = []
  const note =
    (name: string) =>
    (positions: readonly NativePosition[] = []) => {
      const places = positions.map(({ partition, offset }) =>
        offset === undefined ? partition : `${partition}@${offset}`,
      )
      calls.push([name, ...places].join(' '))
    }
  const native = {
    isLost: false,
    rebalanceProtocol: () => protocol,
    assignmentLost: () => native.isLost,
    assign: note('assign'),
    unassign: note('unassign'),
    incrementalAssign: note('incremental assign'),
    incrementalUnassign: note('incremental unassign'),
    pause: note('pause'),
    resume: note('resume'),
  }
  const listener = new RecordingListener()
  const gone: string[] = []
  const failures: DriverFailure[] = []
  const asked: string[] = []
  const starts = { find: (): Promise<NativePosition[]> => Promise.resolve([]) }
  const membership = new Membership({
    consumer: native as unknown as NativeConsumer,
    listener,
    findStarts: (partitions) => {
      asked.push(`${listener.told.length} ${partitions.map(({ partition }) => partition).join(' ')}`)
      return starts.find()
    },
    onChange: () => undefined,
    onGone: (name) => gone.push(name),
    onFailure: (failure) => failures.push(failure),
  })
  const change = async (event: typeof assign, ...partitions: NativePosition[]): Promise<void> => {
    membership.rebalanced(event, partitions)
    await membership.follow()
  }
  return { membership, native, listener, calls, gone, failures, asked, starts, change }
}

describe('a change of the membership', () => {
  test('is told to the listener, and carried out when that is done', async () => {
    const { membership, listener, calls, gone, change } = createMembership()
    await change(assign, first, second)
    expect([membership.has('orders/0'), membership.hasChanged]).toEqual([true, false])
    const { promise, resolve } = Promise.withResolvers<void>()
    listener.beforeRevoked = () => promise
    const revoked = change(revoke, first)
    await Promise.resolve()
    expect([calls, membership.has('orders/0'), membership.hasChanged]).toEqual([['incremental assign 0 1'], true, true])
    resolve()
    await revoked
    expect(calls).toEqual(['incremental assign 0 1', 'incremental unassign 0'])
    expect(listener.told).toEqual(['assigned orders/0 orders/1', 'revoking orders/0', 'revoked orders/0'])
    expect([membership.has('orders/0'), membership.has('orders/1'), gone]).toEqual([false, true, ['orders/0']])
  })

  test('is of all partitions where the group rebalances eagerly', async () => {
    const { calls, change } = createMembership('EAGER')
    await change(assign, first)
    await change(revoke, first)
    expect(calls).toEqual(['assign 0', 'unassign'])
  })

  test('without partitions is told only to a member that does not know its share', async () => {
    const { native, listener, change } = createMembership()
    for (const _ of ['new', 'known']) await change(assign)
    native.isLost = true
    await change(revoke, first)
    native.isLost = false
    await change(assign)
    expect(listener.told).toEqual(['assigned ', 'lost orders/0', 'assigned '])
  })

  test('that librdkafka does not take is a failure', async () => {
    const { native, failures, change } = createMembership()
    native.incrementalAssign = () => {
      throw new Error('Local: Fatal error')
    }
    await change(assign, first)
    expect(failures).toEqual([{ code: 'GROUP_REJOIN_REQUIRED', reason: 'Local: Fatal error' }])
  })
})

test('a listener that is told of partitions may say where they start, and pause them', async () => {
  const { membership, listener, calls, change } = createMembership()
  listener.assigned = () => {
    expect(membership.startAt({ ...second, offset: 7 })).toBe(true)
    membership.pause([first])
  }
  await change(assign, first, second)
  expect(calls).toEqual(['incremental assign 0 1@7', 'pause 0'])
  expect([membership.startAt({ ...second, offset: 9 }), membership.isPaused('orders/0')]).toEqual([false, true])
  membership.resume([first, second])
  expect(calls.at(-1)).toBe('resume 0')
})

describe('where partitions start that the listener has put nowhere', () => {
  test('is looked for once it was told of them', async () => {
    const { membership, listener, calls, asked, starts, change } = createMembership()
    const told = listener.assigned.bind(listener)
    listener.assigned = (partitions) => {
      told(partitions)
      membership.startAt({ ...second, offset: 7 })
    }
    starts.find = () => Promise.resolve([{ ...first, offset: -2 }])
    await change(assign, first, second)
    expect([asked, calls]).toEqual([['1 0'], ['incremental assign 0@-2 1@7']])
    await change(revoke, first)
    await change(assign)
    await change(assign, second)
    expect(asked, 'there is nothing to look for').toHaveLength(1)
  })

  test('is left as it is where a seek comes first, or nothing is found', async () => {
    const { membership, calls, starts, change } = createMembership()
    starts.find = () => {
      membership.startAt({ ...first, offset: 7 })
      return Promise.resolve([{ ...first, offset: -2 }])
    }
    await change(assign, first, second)
    expect(calls).toEqual(['incremental assign 0@7 1'])
  })

  test('is carried out before a loss that comes meanwhile is told', async () => {
    const { membership, native, listener, calls, starts, change } = createMembership()
    starts.find = () => {
      native.isLost = true
      membership.rebalanced(revoke, [first])
      return Promise.resolve([{ ...first, offset: -2 }])
    }
    await change(assign, first)
    expect(calls).toEqual(['incremental assign 0@-2', 'incremental unassign 0'])
    expect(listener.told).toEqual(['assigned orders/0', 'lost orders/0'])
    expect(membership.has('orders/0')).toBe(false)
  })

  test('is not waited for by a consumer that closes', async () => {
    const { membership, calls, starts, change } = createMembership()
    const { promise, resolve } = Promise.withResolvers<NativePosition[]>()
    const asked = new Promise<void>((told) => {
      starts.find = () => {
        told()
        return promise
      }
    })
    const followed = change(assign, first)
    await asked
    membership.close()
    await followed
    resolve([{ ...first, offset: -2 }])
    await promise
    expect(calls).toEqual(['incremental assign 0'])
  })
})

test('a pause ends with the partition, and there is none of what it does not have', async () => {
  const { membership, calls, change } = createMembership()
  await change(assign, first)
  membership.pause([first, second])
  await change(revoke, first)
  await change(assign, first)
  expect(membership.isPaused('orders/0')).toBe(false)
  expect(calls).toEqual(['incremental assign 0', 'pause 0', 'incremental unassign 0', 'incremental assign 0'])
})

test('partitions chosen by hand take the place of the others', () => {
  const { membership, gone } = createMembership()
  membership.replace([first])
  membership.replace([second])
  expect([membership.has('orders/0'), membership.has('orders/1'), gone]).toEqual([false, true, ['orders/0']])
})

describe('while the consumer closes', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  test('a listener is not waited for any more, and what is left is carried out', async () => {
    const { membership, listener, calls, change } = createMembership()
    await change(assign, first, second)
    listener.beforeRevoked = () => new Promise(() => undefined)
    membership.rebalanced(revoke, [first])
    membership.rebalanced(revoke, [second])
    const followed = membership.follow()
    membership.close()
    await followed
    membership.finish()
    expect(calls).toEqual(['incremental assign 0 1', 'incremental unassign 0', 'incremental unassign 1'])
  })

  test('an assignment that the binding refuses is given up, again until librdkafka takes that', () => {
    const { membership, native, calls } = createMembership('NONE')
    const { unassign } = native
    native.incrementalAssign = native.unassign = () => {
      throw new Error('KafkaConsumer is disconnected')
    }
    membership.close()
    membership.rebalanced(assign, [])
    native.unassign = unassign
    vi.runAllTimers()
    expect(calls).toEqual(['unassign'])
  })

  test('nothing is asked of a consumer that is gone', () => {
    const { membership, native } = createMembership()
    native.incrementalAssign = native.unassign = () => {
      throw new Error('KafkaConsumer is disconnected')
    }
    membership.close()
    membership.rebalanced(assign, [])
    membership.released()
    vi.runAllTimers()
    expect(vi.getTimerCount()).toBe(0)
  })
})
