import { expect, test } from 'vitest'
import type { MessagingOptions } from '../../src/config/fields.ts'
import { flattenOptions } from '../../src/config/flatten-options.ts'
import { catchError } from '../catch-error.ts'

test('options become values by path; what is undefined is left out', () => {
  const options = { clientId: 'shop', tls: { enabled: true, ca: undefined }, producers: { M: { acks: 1 } } } as const
  expect(flattenOptions(options)).toEqual(
    new Map<string, unknown>([
      ['clientId', 'shop'],
      ['tls.enabled', true],
      ['producers.M.acks', 1],
    ]),
  )
})

test('a name with a dot would be another path, so it is no name of a manifest', () => {
  const error = catchError(() => flattenOptions({ consumers: { 'M.group': {} } }))
  expect(error.message).toContain('Config field consumers cannot be "M.group": expected names of manifests')
})

test.each<[options: object, path: string, hint: string]>([
  [{ borkers: ['a:1'] }, 'borkers', 'Did you mean brokers?'],
  [{ sasl: { pasword: 'canary' } }, 'sasl.pasword', 'Did you mean password?'],
  [{ producer: { linger: 5 } }, 'producer.linger', 'Did you mean lingerMs?'],
  [{ producers: { M: { ack: 1 } } }, 'producers.M.ack', 'Did you mean acks?'],
  [{ producer: { zzzzzzzz: 1 } }, 'producer.zzzzzzzz', 'Known here: acks,'],
  [{ producerss: {} }, 'producerss', 'Did you mean producers?'],
  [{ constructor: 1 }, 'constructor', 'Known here'],
])('unknown key of %j', (options, path, hint) => {
  const error = catchError(() => flattenOptions(options))
  expect(error.code).toBe('CONFIG_UNKNOWN_FIELD')
  expect(error.message).toContain(`Unknown config field ${path}. ${hint}`)
  expect(error.message).not.toContain('canary')
})

test.each<[options: unknown, start: string]>([
  [{ brokers: 'localhost:9092' }, 'Config field brokers cannot be "localhost:9092": expected a list of "host:port"'],
  [{ producer: { acks: '1' } }, 'Config field producer.acks cannot be "1": expected one of all, 0, 1'],
  [
    { producers: { M: { lingerMs: -1 } } },
    'Config field producers.M.lingerMs cannot be -1: expected an integer from 0',
  ],
  [{ clientId: null }, 'Config field clientId cannot be null: expected a string'],
  [{ sasl: { password: 5 } }, 'Config field sasl.password cannot be [redacted]: expected a secret string'],
  [{ sasl: 'canary' }, 'Config field sasl cannot be of type string: expected an object with mechanism, username'],
  [{ sasl: ['canary'] }, 'Config field sasl cannot be an array: expected an object with mechanism'],
  [{ producers: null }, 'Config field producers cannot be null: expected an object with overrides'],
  [{ producers: { M: null } }, 'Config field producers.M cannot be null: expected an object with topic, acks'],
  [{ producers: { M: 'canary' } }, 'Config field producers.M cannot be of type string'],
  [null, 'Config field (all) cannot be null: expected an object'],
  ['canary', 'Config field (all) cannot be of type string'],
])('bad value %j', (options, start) => {
  const error = catchError(() => flattenOptions(options as MessagingOptions))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toContain(start)
  expect(error.message).not.toContain('canary')
})
