import * as fc from '../../fast-check.ts'
import { expect, test } from 'vitest'
import { nameOf, type TopicPartition } from '../../../src/driver/driver-consumer.ts'
import { shareOut } from '../../../src/driver/platformatic/sticky-shares.ts'

/** A group whose members do what rounds tell them, unless they miss one. */
class Group {
  readonly members = new Map<string, { topics: readonly string[]; owned: TopicPartition[]; generation: number }>()
  counts = new Map([['a', 6]])
  #generation = 0

  join(memberId: string, topics: readonly string[] = ['a']): this {
    this.members.set(memberId, { topics, owned: [], generation: -1 })
    return this
  }

  /** @returns whether somebody has to give up something, which takes another round */
  round(missing?: string): boolean {
    this.#generation++
    const shares = shareOut(
      Array.from(this.members, ([memberId, { topics, owned, generation }]) => ({
        memberId,
        topics,
        ownedPartitions: owned.map(({ topic, partition }) => ({ topic, partitions: [partition] })),
        generationId: owned.length > 0 ? generation : -1,
      })),
      this.counts,
    )
    const ownerBefore = new Map(
      Array.from(this.members).flatMap(([id, { owned }]) => owned.map((partition) => [nameOf(partition), id])),
    )
    let givesUp = false
    for (const [memberId, share] of shares) {
      const member = this.members.get(memberId)!
      for (const partition of share) {
        expect(member.topics).toContain(partition.topic)
        expect(ownerBefore.get(nameOf(partition)) ?? memberId, nameOf(partition)).toBe(memberId)
      }
      if (memberId === missing) continue
      const names = new Set(share.map(nameOf))
      givesUp ||= member.owned.some((partition) => !names.has(nameOf(partition)))
      member.owned = [...share]
      member.generation = this.#generation
    }
    return givesUp
  }

  settle(): this {
    let rounds = 1
    while (this.round()) expect(++rounds).toBeLessThan(20)
    return this
  }

  get sizes(): number[] {
    return Array.from(this.members.values(), ({ owned }) => owned.length).toSorted((a, b) => a - b)
  }

  names(memberId: string): string[] {
    return this.members.get(memberId)!.owned.map(nameOf)
  }
}

test('one that comes gets its part also where nobody has more than the quota', () => {
  const group = new Group().join('m-1').join('m-2').join('m-3').settle()
  expect(group.sizes).toEqual([2, 2, 2])
  expect(group.join('m-4').settle().sizes).toEqual([1, 1, 2, 2])
})

test('everybody keeps what they have when one goes', () => {
  const group = new Group().join('m-1').join('m-2').join('m-3').settle()
  const before = group.names('m-1')
  group.members.delete('m-2')
  expect(group.round()).toBe(false)
  expect(group.names('m-1')).toEqual(expect.arrayContaining(before))
  expect(group.sizes).toEqual([3, 3])
})

test('what a member has that missed a round, and does not want any more, stays its own until it gives it up', () => {
  const group = new Group().join('m-1').join('m-2').settle()
  const before = group.names('m-2')
  group.round('m-2')
  group.round()
  expect(group.names('m-2')).toEqual(before)
  group.members.get('m-2')!.topics = ['b']
  expect(group.round()).toBe(true)
  expect(group.sizes).toEqual([0, 3])
  expect(group.settle().sizes).toEqual([0, 6])
})

test('what two say they have is given to neither at first; of two generations the newer is right', () => {
  const claim = (memberId: string, generationId: number) => ({
    memberId,
    topics: ['a'],
    ownedPartitions: [{ topic: 'a', partitions: [0] }],
    generationId,
  })
  const counts = new Map([['a', 1]])
  const sizes = (...generations: number[]) =>
    [
      ...shareOut(
        generations.map((each, index) => claim(`m-${index}`, each)),
        counts,
      ).values(),
    ].map(({ length }) => length)
  expect(sizes(3, 3)).toEqual([0, 0])
  expect(sizes(3, 4)).toEqual([0, 1])
})

test('members that read different topics come to rest', () => {
  const group = new Group().join('m-2', ['b']).join('m-3', ['c'])
  group.counts = new Map([
    ['a', 9],
    ['b', 18],
    ['c', 27],
  ])
  group.round()
  // Placed by their names alone, free partitions went back and forth between the four for ever.
  group.join('m-1', ['b', 'c']).join('m-0', ['a', 'c'])
  expect(group.settle().sizes).toEqual([13, 13, 14, 14])
})

const topics = fc.subarray(['a', 'b', 'c'], { minLength: 1 })
const member = fc.integer({ min: 0, max: 11 }).map((number) => `m-${number}`)
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), member, topics }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), member }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), member, topics }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('round' as const), member: fc.option(member) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grow' as const), topic: fc.constantFrom('a', 'b', 'c') }),
  },
)

test.each([
  ['of one subscription', true],
  ['of several', false],
])(
  'members %s come, go and miss rounds: no partition has two owners ever, in the end each has one and shares are even',
  (_, isOne) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.nat(12), (events, count) => {
        const group = new Group()
        group.counts = new Map(['a', 'b', 'c'].map((topic, index) => [topic, count * (index + 1)]))
        const all = [...group.counts.keys()]
        for (const each of events) {
          if (each.kind === 'join' && !group.members.has(each.member))
            group.join(each.member, isOne ? all : each.topics)
          else if (each.kind === 'leave') group.members.delete(each.member)
          else if (each.kind === 'round') group.round(each.member ?? undefined)
          else if (each.kind === 'grow') group.counts.set(each.topic, group.counts.get(each.topic)! + 1)
          else if (each.kind === 'subscribe' && !isOne && group.members.has(each.member)) {
            group.members.get(each.member)!.topics = each.topics
          }
        }
        group.settle()
        const members = [...group.members.values()]
        const owned = members.flatMap((each) => each.owned.map(nameOf))
        const readable = [...group.counts]
          .filter(([topic]) => members.some((each) => each.topics.includes(topic)))
          .flatMap(([topic, of]) => Array.from({ length: of }, (_, partition) => nameOf({ topic, partition })))
        expect(owned.toSorted()).toEqual(readable.toSorted())
        for (const one of members) {
          for (const { topic } of one.owned) {
            for (const other of members) {
              if (other.topics.includes(topic)) expect(other.owned.length + 1).toBeGreaterThanOrEqual(one.owned.length)
            }
          }
        }
      }),
    )
  },
)
