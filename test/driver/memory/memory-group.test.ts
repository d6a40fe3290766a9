import { afterEach, describe, expect, test, vi } from 'vitest'
import { MemoryGroup, type MemoryMember } from '../../../src/driver/memory/memory-group.ts'
import { MemoryTopics } from '../../../src/driver/memory/memory-topics.ts'

function createMember(topics: readonly (string | RegExp)[], instanceId?: string) {
  return {
    topics,
    instanceId,
    sessionTimeoutMs: 1000,
    owned: new Map(),
    wanted: new Map(),
    wake: vi.fn<() => void>(),
    fence: vi.fn<() => void>(),
  } satisfies MemoryMember
}

const wanted = (...members: MemoryMember[]): string[] =>
  members.map((member) => [...member.wanted.keys()].toSorted().join(' '))

/** What a member does between two polls. */
function follow(group: MemoryGroup, member: MemoryMember): void {
  const revoked = [...member.owned].filter(([name]) => !member.wanted.has(name)).map(([, partition]) => partition)
  group.release(member, revoked)
  group.claim(member)
}

afterEach(() => void vi.useRealTimers())

describe('who gets what', () => {
  test('shares are even, and whoever has something keeps it as far as they stay so', () => {
    const topics = new MemoryTopics()
    topics.create('a', 4)
    const group = new MemoryGroup(topics)
    const [one, two, three] = [createMember(['a']), createMember(['a']), createMember(['a'])]
    group.join(one)
    expect(wanted(one)).toEqual(['a/0 a/1 a/2 a/3'])
    group.join(two)
    expect(wanted(one, two)).toEqual(['a/0 a/1', 'a/2 a/3'])
    group.join(three)
    expect(wanted(one, two, three)).toEqual(['a/0', 'a/2 a/3', 'a/1'])
    group.leave(two)
    expect(wanted(one, three)).toEqual(['a/0 a/2', 'a/1 a/3'])
  })

  test('only among those who subscribed the topic, by name or pattern, also one that is created later', () => {
    const topics = new MemoryTopics()
    const group = new MemoryGroup(topics)
    const [byName, byPattern] = [createMember(['orders.a']), createMember([/^orders\./g])]
    group.join(byName)
    group.join(byPattern)
    topics.create('orders.b', 2)
    topics.create('orders.a', 2)
    topics.create('other', 1)
    expect(wanted(byName, byPattern)).toEqual(['orders.a/0 orders.a/1', 'orders.b/0 orders.b/1'])
    expect(byPattern.wake).toHaveBeenCalled()
  })

  test('a partition is claimed by its next reader only once the last one has released it', () => {
    const topics = new MemoryTopics()
    topics.create('a', 2)
    const group = new MemoryGroup(topics)
    const [one, two] = [createMember(['a']), createMember(['a'])]
    group.join(one)
    follow(group, one)
    group.join(two)
    expect(group.claim(two)).toEqual([])
    two.wake.mockClear()
    follow(group, one)
    expect(two.wake).toHaveBeenCalled()
    expect(group.claim(two)).toEqual([{ topic: 'a', partition: 1 }])
    expect([group.owns(one, { topic: 'a', partition: 1 }), group.owns(two, { topic: 'a', partition: 1 })]).toEqual([
      false,
      true,
    ])
  })
})

describe('static members', () => {
  test('one that comes back within its session changes nothing for others; after it, they take over', () => {
    vi.useFakeTimers()
    const topics = new MemoryTopics()
    topics.create('a', 4)
    const group = new MemoryGroup(topics)
    const [other, first, again] = [createMember(['a']), createMember(['a'], 'static'), createMember(['a'], 'static')]
    group.join(other)
    group.join(first)
    group.leave(first)
    vi.advanceTimersByTime(999)
    group.join(again)
    vi.advanceTimersByTime(5000)
    expect(wanted(other, again)).toEqual(['a/0 a/1', 'a/2 a/3'])
    expect(first.fence).not.toHaveBeenCalled()
    group.leave(again)
    vi.advanceTimersByTime(1000)
    expect(wanted(other)).toEqual(['a/0 a/1 a/2 a/3'])
  })

  test('a second one with the same identity puts out the first', () => {
    const topics = new MemoryTopics()
    topics.create('a', 2)
    const group = new MemoryGroup(topics)
    const [first, second] = [createMember(['a'], 'static'), createMember(['a'], 'static')]
    group.join(first)
    follow(group, first)
    group.join(second)
    expect(first.fence).toHaveBeenCalledOnce()
    expect(group.claim(second)).toHaveLength(2)
  })
})

test('a member whose session ends owns nothing any more; all at once too', () => {
  const topics = new MemoryTopics()
  topics.create('a', 2)
  const group = new MemoryGroup(topics)
  const members = [createMember(['a']), createMember(['a'])]
  for (const member of members) group.join(member)
  for (const member of members) group.claim(member)
  group.expelAll()
  expect(members.map((member) => group.has(member))).toEqual([false, false])
  group.join(members[0]!)
  expect(wanted(members[0]!)).toEqual(['a/0 a/1'])
})

test('joining again with other topics moves on to these', () => {
  const topics = new MemoryTopics()
  topics.create('a', 1)
  topics.create('b', 1)
  const group = new MemoryGroup(topics)
  const member = { ...createMember(['a'], 'static') }
  group.join(member)
  member.topics = ['b']
  group.join(member)
  expect(wanted(member)).toEqual(['b/0'])
  expect(member.fence).not.toHaveBeenCalled()
})
