import { expect, test } from 'vitest'
import type { TopicPartition } from '../../../src/driver/driver-consumer.ts'
import { MembershipChanges } from '../../../src/driver/platformatic/membership-changes.ts'

const partitions = (...numbers: number[]): TopicPartition[] => numbers.map((partition) => ({ topic: 't', partition }))

function createChanges() {
  const told: string[] = []
  const note = (what: string) => (of: readonly TopicPartition[]) =>
    void told.push(`${what} ${of.map(({ partition }) => partition).join(' ')}`)
  const listener = {
    assigned: note('assigned'),
    revoked: note('revoked') as (of: readonly TopicPartition[]) => Promise<void> | void,
    lost: note('lost'),
    failed: () => undefined,
  }
  const changes = new MembershipChanges({
    listener,
    take: note('take'),
    begin: note('begin'),
    giveUp: note('give up'),
    arrived: () => told.push('arrived'),
  })
  return { changes, listener, told }
}

test('each is told in its turn, around what it means for the partitions', async () => {
  const { changes, told } = createChanges()
  const done = [changes.add('assigned', partitions(0, 1)), changes.add('revoked', partitions(1))]
  expect(told).toEqual(['arrived', 'arrived'])
  await changes.tell()
  await Promise.all(done)
  expect(told.slice(2)).toEqual(['take 0 1', 'assigned 0 1', 'begin 0 1', 'revoked 1', 'give up 1'])
})

test('partitions are given up when the listener is done, also if it fails', async () => {
  const { changes, listener, told } = createChanges()
  const { promise, resolve } = Promise.withResolvers<void>()
  listener.revoked = () => promise
  const done = changes.add('revoked', partitions(0))
  const telling = changes.tell()
  expect(told).toEqual(['arrived'])
  resolve()
  await telling
  await done
  expect(told).toEqual(['arrived', 'give up 0'])
  listener.revoked = () => {
    throw new Error('no')
  }
  const failed = changes.add('revoked', partitions(1))
  await expect(changes.tell()).rejects.toThrow('no')
  await failed
  expect(told.at(-1)).toBe('give up 1')
})

test('what is lost is given up at once; what was not told yet never is, and what is being revoked is not told again', async () => {
  const { changes, listener, told } = createChanges()
  const { promise, resolve } = Promise.withResolvers<void>()
  listener.revoked = () => promise
  const revoked = changes.add('revoked', partitions(1))
  const assigned = changes.add('assigned', partitions(2))
  const telling = changes.tell()
  changes.lose(partitions(0, 1))
  // Nobody waits any longer for what nobody has.
  await Promise.all([revoked, assigned])
  resolve()
  await telling
  expect(told.filter((what) => what !== 'arrived')).toEqual(['give up 0 1', 'give up 1', 'lost 0'])
})

test('a close ends what waits, and nothing is told any more', async () => {
  const { changes, listener, told } = createChanges()
  listener.revoked = () => new Promise(() => undefined)
  const [first, second] = [changes.add('revoked', partitions(0)), changes.add('assigned', partitions(1))]
  const telling = changes.tell()
  changes.close()
  await Promise.all([first, second, telling, changes.add('lost', partitions(2))])
  expect(told.filter((what) => what !== 'arrived')).toEqual(['give up 0'])
})
