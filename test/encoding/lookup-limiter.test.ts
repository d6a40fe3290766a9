import { expect, test } from 'vitest'
import { LookupLimiter } from '../../src/encoding/lookup-limiter.ts'

const unknown = new Error('unknown')
const isUnknown = (error: unknown): boolean => error === unknown
const refuse = (reason: string): Error => new Error(`refused: ${reason}`)
const catchRejection = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.fail('did not reject'),
    (error: unknown) => error,
  )
const limits = { concurrent: 2, waiting: 1, unknown: 2, windowMs: 100 }

test('runs as many at a time as it may, lets some wait, and refuses the rest', async () => {
  const limiter = new LookupLimiter(limits, () => 0)
  const started: number[] = []
  const gates = [0, 1, 2].map(() => Promise.withResolvers<number>())
  const run = (index: number): Promise<number> =>
    limiter.run(() => (started.push(index), gates[index]!.promise), isUnknown, refuse)
  const results = [run(0), run(1), run(2)]
  expect(await catchRejection(run(0))).toMatchObject({ message: 'refused: 1 lookups wait already' })
  expect(started).toEqual([0, 1])
  gates[1]!.resolve(11)
  expect(await results[1]).toBe(11)
  gates[2]!.resolve(12)
  expect(await results[2]).toBe(12)
  expect(started).toEqual([0, 1, 2])
  gates[0]!.resolve(10)
  expect(await results[0]).toBe(10)
})

test('unknown ones use up a budget that the next window fills again; known ones do not', async () => {
  let time = 0
  const limiter = new LookupLimiter(limits, () => time)
  const miss = (): Promise<unknown> => catchRejection(limiter.run(() => Promise.reject(unknown), isUnknown, refuse))
  const hit = (): Promise<string> => limiter.run(() => Promise.resolve('schema'), isUnknown, refuse)
  for (let i = 0; i < 5; i++) expect(await hit()).toBe('schema')
  expect(await miss()).toBe(unknown)
  time = 99
  expect(await miss()).toBe(unknown)
  expect(await catchRejection(hit())).toMatchObject({ message: 'refused: 2 ids in 100 ms were unknown' })
  time = 100
  expect(await hit()).toBe('schema')
})

test('other failures cost nothing and free their place', async () => {
  const limiter = new LookupLimiter({ ...limits, concurrent: 1 }, () => 0)
  for (let i = 0; i < 5; i++) {
    const failing = limiter.run(() => Promise.reject(new Error('down')), isUnknown, refuse)
    expect(await catchRejection(failing)).toMatchObject({ message: 'down' })
  }
  expect(await limiter.run(() => Promise.resolve(1), isUnknown, refuse)).toBe(1)
})

test('what is known is looked up whatever the unknown ones used up, and uses nothing of it', async () => {
  const limiter = new LookupLimiter({ ...limits, unknown: 1 }, () => 0)
  const asked: string[] = []
  const run = (id: string): Promise<string> =>
    limiter.run(
      () => (id.startsWith('bad') ? Promise.reject(unknown) : Promise.resolve(id)),
      isUnknown,
      refuse,
      () => Promise.resolve(asked.push(id) > 0 && id === 'known'),
    )
  expect(await run('first')).toBe('first')
  expect(asked, 'not asked while nothing is refused').toEqual([])
  expect(await catchRejection(run('bad'))).toBe(unknown)
  expect(await catchRejection(run('bad 2'))).toMatchObject({ message: 'refused: 1 ids in 100 ms were unknown' })
  expect(await run('known')).toBe('known')
  expect(asked).toEqual(['bad 2', 'known'])
})
