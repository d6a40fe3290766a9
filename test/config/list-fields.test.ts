import { expect, test } from 'vitest'
import { flag } from '../../src/config/field.ts'
import { fields } from '../../src/config/fields.ts'
import { isField, listFields } from '../../src/config/list-fields.ts'

const a = flag({ doc: 'A.' })
const b = flag({ doc: 'B.' })

test('fields come with their dotted paths, in the order of the table', () => {
  expect(listFields({ z: a, deep: { deeper: { b } }, a })).toEqual([
    ['z', a],
    ['deep.deeper.b', b],
    ['a', a],
  ])
})

test('an empty group has no fields', () => {
  expect(listFields({ empty: {} })).toEqual([])
})

test('a group is no field, not even one that has a field named accept', () => {
  expect(isField(a)).toBe(true)
  expect(isField({ a })).toBe(false)
  expect(isField({ accept: a })).toBe(false)
})

test('the real table gives each path once', () => {
  const paths = listFields(fields).map(([path]) => path)
  expect(paths).toContain('sasl.password')
  expect(paths).toContain('producer.acks')
  expect(new Set(paths).size).toBe(paths.length)
})
