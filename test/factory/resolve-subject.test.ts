import { expect, test } from 'vitest'
import { resolveSubject, type SubjectRequest } from '../../src/factory/resolve-subject.ts'
import { catchError } from '../catch-error.ts'

const request: SubjectRequest = {
  manifest: 'OrderPlaced',
  topic: 'shop.orders',
  part: 'value',
  schema: { type: 'record', name: 'Order', namespace: 'com.shop', fields: [] },
  strategy: 'topic',
  hook: () => undefined,
}

test.each<[Partial<SubjectRequest>, string]>([
  [{}, 'shop.orders-value'],
  [{ part: 'key' }, 'shop.orders-key'],
  [{ strategy: 'record' }, 'com.shop.Order'],
  [{ strategy: 'topic-record' }, 'shop.orders-com.shop.Order'],
  [{ strategy: 'record', schema: '{"type":"enum","name":"Color","symbols":["RED"]}' }, 'Color'],
  [{ strategy: 'record', schema: { name: 'a.B', namespace: 'c' } }, 'a.B'],
  [{ strategy: 'record', schema: { name: 'B', namespace: '' } }, 'B'],
  [{ strategy: 'record', schema: undefined }, 'shop.orders-value'],
  [{ strategy: 'record', hook: (topic, part) => `own-${topic}-${part}` }, 'own-shop.orders-value'],
])('%j is registered as %s', (changes, subject) => {
  expect(resolveSubject({ ...request, ...changes })).toBe(subject)
})

test.each(['{"type":"array","items":"int"}', '"string"', 'no JSON', 'null'])(
  'a schema without name (%s) has no record strategy',
  (schema) => {
    expect(catchError(() => resolveSubject({ ...request, schema, strategy: 'topic-record' }))).toMatchObject({
      code: 'MANIFEST_INVALID',
      message: 'Manifest OrderPlaced: schema has no name, which subjectStrategy "topic-record" needs.',
    })
  },
)

test('what is wrong with a hook is told', () => {
  const boom = new Error('boom')
  const throwing = (): never => {
    throw boom
  }
  expect(catchError(() => resolveSubject({ ...request, hook: throwing }))).toMatchObject({
    code: 'MANIFEST_HOOK_FAILED',
    cause: boom,
  })
  expect(catchError(() => resolveSubject({ ...request, hook: () => 5 })).message).toMatch(/not number/)
  expect(catchError(() => resolveSubject({ ...request, hook: () => '' })).message).toMatch(/an empty string/)
})
