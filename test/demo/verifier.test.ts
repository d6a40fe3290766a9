import { expect, test } from 'vitest'
import { Verifier } from '../../demo/verifier.ts'

function verify(received: readonly (readonly [key: string | null, sequence: number, content: string])[]): Verifier {
  const verifier = new Verifier()
  for (const [key, sequence] of [
    ['a', 0],
    ['b', 1],
    ['a', 2],
    [null, 3],
    [null, 4],
  ] as const) {
    verifier.expect(key, sequence, `content ${sequence}`)
  }
  for (const record of received) verifier.receive(...record)
  return verifier
}

const right = [
  ['a', 0, 'content 0'],
  ['a', 2, 'content 2'],
  [null, 4, 'content 4'],
  [null, 3, 'content 3'],
  ['b', 1, 'content 1'],
] as const

test('every record once and in the order of its key is right, whatever the order among keys', () => {
  expect(verify(right)).toMatchObject({
    verified: 5,
    outstanding: 0,
    outstandingBytes: 0,
    duplicated: 0,
    reordered: 0,
    different: 0,
  })
})

test('a missing record stays outstanding', () => {
  expect(verify(right.slice(1))).toMatchObject({ verified: 4, outstanding: 1, reordered: 1 })
})

test('a record that comes twice, or that nobody sent, is a duplicate', () => {
  expect(verify([...right, right[0], ['a', 99, 'x']])).toMatchObject({ verified: 5, duplicated: 2 })
})

test('a record that overtakes another one of its key is reordered', () => {
  expect(verify([right[1], right[0], ...right.slice(2)])).toMatchObject({ reordered: 1, outstanding: 0 })
})

test('a record with other content is different', () => {
  expect(verify([['a', 0, 'other'], ...right.slice(1)])).toMatchObject({ verified: 4, different: 1, outstanding: 0 })
})

test('drain ends when everything is back, or when nothing comes any more', async () => {
  const complete = verify(right.slice(0, 4))
  const drained = complete.drain(60_000)
  complete.receive(...right[4])
  await drained
  const incomplete = verify([])
  await incomplete.drain(1)
  expect(incomplete.outstanding).toBe(5)
})

test('who waits for what is read back is told when nothing more will be', async () => {
  const verifier = verify(right.slice(0, 4))
  const waiting = [verifier.progress(), verifier.drain(60_000)]
  verifier.fail(new Error('undecodable'))
  await expect(Promise.all(waiting)).rejects.toThrow('undecodable')
  await expect(verifier.progress()).rejects.toThrow('undecodable')
  await expect(verifier.drain(60_000)).rejects.toThrow('undecodable')
})
