import * as fc from '../fast-check.ts'
import { expect, test } from 'vitest'
import { fields, producerFields } from '../../src/config/fields.ts'
import { listFields } from '../../src/config/list-fields.ts'
import { nearestName } from '../../src/config/nearest-name.ts'

const names = [...new Set([...Object.keys(fields), ...Object.keys(producerFields)])]

test.each([
  ['brokerz', 'brokers'],
  ['borkers', 'brokers'],
  ['clientID', 'clientId'],
  ['linger', 'lingerMs'],
  ['ack', 'acks'],
  ['deliveryTimeout', 'deliveryTimeoutMs'],
])('%s is meant as %s', (mistyped, meant) => {
  expect(nearestName(mistyped, names)).toBe(meant)
})

test('a name that resembles nothing gets no suggestion, nor does any name without candidates', () => {
  expect(nearestName('somethingElseEntirely', names)).toBeUndefined()
  expect(nearestName('brokers', [])).toBeUndefined()
})

test('of equally near candidates the first is named', () => {
  expect(nearestName('ab', ['ax', 'ay'])).toBe('ax')
})

test('any field path with one or two typing errors still leads to that field, or to one that is as near', () => {
  const paths = listFields(fields).map(([path]) => path)
  const edit = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('insert', 'delete', 'replace'),
    letter: fc.constantFrom('a', 'b', 'c', 'x', 'y', 'z'),
  })
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.array(edit, { minLength: 1, maxLength: 2 }), (path, edits) => {
      let typed = path
      for (const { at, kind, letter } of edits) {
        const index = at % (typed.length + 1)
        const skipped = kind === 'insert' ? 0 : 1
        typed = typed.slice(0, index) + (kind === 'delete' ? '' : letter) + typed.slice(index + skipped)
      }
      const found = nearestName(typed, paths)
      expect(found).toBeDefined()
      expect(distance(typed.toLowerCase(), found!.toLowerCase())).toBeLessThanOrEqual(
        distance(typed.toLowerCase(), path.toLowerCase()),
      )
    }),
  )
})

/** Levenshtein distance by its recursive definition, as a check on the table of rows. */
function distance(a: string, b: string, known = new Map<string, number>()): number {
  if (a === '' || b === '') return a.length + b.length
  const key = `${a}|${b}`
  const seen = known.get(key)
  if (seen !== undefined) return seen
  const result =
    a.at(-1) === b.at(-1)
      ? distance(a.slice(0, -1), b.slice(0, -1), known)
      : 1 +
        Math.min(
          distance(a.slice(0, -1), b, known),
          distance(a, b.slice(0, -1), known),
          distance(a.slice(0, -1), b.slice(0, -1), known),
        )
  known.set(key, result)
  return result
}
