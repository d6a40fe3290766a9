import { expect, test } from 'vitest'
import { resolveTopic } from '../../src/factory/resolve-topic.ts'
import { catchError } from '../catch-error.ts'

const config = { environment: 'staging', topicPrefix: '' }
type Declared = Parameters<typeof resolveTopic>[1]

test.each<[declared: Declared, override: string | undefined, prefix: string, topic: string]>([
  ['orders', undefined, '', 'orders'],
  ['orders', undefined, 'shop.', 'shop.orders'],
  ['orders', undefined, '{environment}.', 'staging.orders'],
  ['orders', undefined, '{environment}-{environment}.', 'staging-staging.orders'],
  ['orders', 'other', '', 'other'],
  ['orders', 'other', 'shop.', 'shop.other'],
  [(environment) => `${environment}_orders`, undefined, 'shop.', 'shop.staging_orders'],
  [() => 'declared', 'override', '', 'override'],
  ['x'.repeat(249), undefined, '', 'x'.repeat(249)],
])('%s, %s and prefix %j give %s', (declared, override, topicPrefix, topic) => {
  expect(resolveTopic('M', declared, override, { ...config, topicPrefix })).toBe(topic)
})

test('an override keeps the function from being called', () => {
  const declared = (): string => {
    throw new Error('called')
  }
  expect(resolveTopic('M', declared, 'other', config)).toBe('other')
})

test.each<[Declared, prefix: string]>([
  ['', 'shop.'],
  ['.', ''],
  ['..', ''],
  ['.', '.'],
  ['orders/placed', ''],
  ['orders placed', ''],
  ['bestellungen-für', ''],
  ['x'.repeat(250), ''],
  ['x'.repeat(249), 'y'],
])('%j with prefix %j is no legal topic', (declared, topicPrefix) => {
  const error = catchError(() => resolveTopic('M', declared, undefined, { ...config, topicPrefix }))
  expect(error).toMatchObject({ code: 'MANIFEST_INVALID', manifest: 'M' })
  expect(error.message).toMatch(/^Manifest M: topic ".*" is not a legal name/)
})

test.each<[Declared, prefix: string]>([
  ['orders', '{environment}.'],
  [(environment) => environment, ''],
])('%s with prefix %j needs an environment, which is not guessed', (declared, topicPrefix) => {
  const unsaid = { environment: undefined, topicPrefix }
  expect(catchError(() => resolveTopic('M', declared, undefined, unsaid))).toMatchObject({
    code: 'CONFIG_MISSING',
    message: expect.stringMatching(/environment.*POSTRIDER_ENVIRONMENT/),
  })
  expect(resolveTopic('M', 'orders', undefined, { ...unsaid, topicPrefix: '' })).toBe('orders')
})

test('a function that throws is told from one that gives no string', () => {
  const cause = new Error('no such environment')
  const failing = (): never => {
    throw cause
  }
  const thrown = catchError(() => resolveTopic('M', failing, undefined, config))
  expect(thrown).toMatchObject({ code: 'MANIFEST_HOOK_FAILED', message: 'Manifest M: topic() failed.', cause })
  const wrong = catchError(() => resolveTopic('M', (() => undefined) as never, undefined, config))
  expect(wrong.message).toBe('Manifest M: topic must give a string, not undefined.')
})
