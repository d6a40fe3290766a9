import { inspect } from 'node:util'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { errorCodes, type ErrorCode } from '../../src/errors/codes.ts'
import { isMessagingError, MessagingError, type ErrorParameters } from '../../src/errors/messaging-error.ts'

const sample = (): MessagingError<'PAYLOAD_INVALID'> =>
  new MessagingError('PAYLOAD_INVALID', { manifest: 'OrderPlaced', path: '$.id', expected: 'string', actual: 'number' })

describe('the message', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('of %s has every placeholder filled', (code) => {
    const names = [...errorCodes[code].message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
    const parameters = Object.fromEntries(names.map((name) => [name, `<${name}>`]))
    const { message } = new MessagingError(code, parameters)
    expect(message).not.toMatch(/[{}]/)
    for (const name of names) expect(message).toContain(`<${name}>`)
  })

  test('takes parameters as they are, even when they look like placeholders or replacement patterns', () => {
    const error = new MessagingError('DRIVER_FAILED', { reason: "{reason} $& $' $1" })
    expect(error.message).toBe("The driver failed: {reason} $& $' $1.")
  })

  test('needs exactly the parameters of its template', () => {
    expectTypeOf<ErrorParameters<'SCHEMA_NOT_FOUND'>>().toEqualTypeOf<{ readonly id: string | number }>()
    expectTypeOf<keyof ErrorParameters<'CONFIG_INVALID'>>().toEqualTypeOf<'path' | 'value' | 'expected'>()
    // @ts-expect-error -- `expected` is missing
    expect(new MessagingError('CONFIG_INVALID', { path: 'acks', value: '2' }).message).toContain('expected .')
  })
})

test('an error is an Error with name, code and the defaults of its table entry', () => {
  const error = sample()
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('MessagingError')
  expect(String(error)).toBe('MessagingError: Payload of OrderPlaced at $.id: expected string, got number.')
  expect(error).toMatchObject({ code: 'PAYLOAD_INVALID', retriable: false, outcome: 'not_sent' })
  expect(error.stack).toContain('messaging-error.test.ts')
})

test('a single error may know better than the table, even where it says false', () => {
  const error = new MessagingError('QUEUE_FULL', { reason: 'x' }, { retriable: false, outcome: 'rejected' })
  expect(error).toMatchObject({ retriable: false, outcome: 'rejected' })
})

test('the cause is kept as it was, and absent where there is none', () => {
  const cause = new TypeError('inner')
  expect(new MessagingError('DRIVER_FAILED', { reason: 'x' }, { cause }).cause).toBe(cause)
  expect(new MessagingError('DRIVER_FAILED', { reason: 'x' }, { cause: null }).cause).toBe(null)
  expect('cause' in new MessagingError('DRIVER_FAILED', { reason: 'x' })).toBe(false)
})

describe('toJSON', () => {
  test('has what a log needs and no cause, which may hold a payload', () => {
    const cause = new Error('canary-payload')
    const error = new MessagingError(
      'DRIVER_FAILED',
      { reason: 'broken' },
      { cause, manifest: 'OrderPlaced', topic: 'orders', driverCode: -192 },
    )
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'MessagingError',
      code: 'DRIVER_FAILED',
      message: 'The driver failed: broken.',
      retriable: false,
      outcome: 'unknown',
      manifest: 'OrderPlaced',
      topic: 'orders',
      driverCode: -192,
    })
    expect(JSON.stringify(error)).not.toContain('canary-payload')
    expect(inspect(error), 'inspect does show it').toContain('canary-payload')
  })

  test('of a failed batch has index and error of each failure, and no delivery reports', () => {
    const inner = new MessagingError('QUEUE_FULL', { reason: 'x' }, { cause: new Error('canary-payload') })
    const parameters = { failed: 1, total: 2, manifest: 'A', index: 1, code: 'QUEUE_FULL', reason: 'x' }
    const failures = [{ index: 1, error: inner }]
    const error = new MessagingError('BATCH_FAILED', parameters, { failures, reports: [{ topic: 'canary-report' }] })
    const text = JSON.stringify(error)
    expect(JSON.parse(text).failures).toEqual([{ index: 1, error: JSON.parse(JSON.stringify(inner)) }])
    expect(text).not.toContain('canary')
  })
})

test('of() gives the same error another manifest and leaves the first as it is', () => {
  const cause = new Error('inner')
  const context = { outcome: 'rejected', retriable: true, driverCode: 'x', topic: 'orders', cause } as const
  const error = new MessagingError('BROKERS_UNREACHABLE', { reason: 'all down' }, context)
  const copy = error.of('OrderPlaced')
  expect(copy).not.toBe(error)
  expect(copy.toJSON()).toEqual({ ...error.toJSON(), manifest: 'OrderPlaced' })
  expect(copy.cause).toBe(cause)
  expect(error.manifest).toBeUndefined()
})

describe('isMessagingError', () => {
  test('recognises the error of another copy of the package, which instanceof does not', async () => {
    const copyName = '../../src/errors/messaging-error.ts?copy=2'
    const copy = (await import(copyName)) as { MessagingError: typeof MessagingError }
    expect(copy.MessagingError).not.toBe(MessagingError)
    const foreign: unknown = new copy.MessagingError('QUEUE_FULL', { reason: 'x' })
    expect(foreign).not.toBeInstanceOf(MessagingError)
    expect(isMessagingError(foreign)).toBe(true)
    expect(isMessagingError(foreign, 'QUEUE_FULL')).toBe(true)
    expect(isMessagingError(foreign, 'SEND_ABORTED')).toBe(false)
  })

  test.each([[null], [undefined], ['QUEUE_FULL'], [new Error('x')], [{ code: 'QUEUE_FULL', name: 'MessagingError' }]])(
    'is false for %o',
    (value) => expect(isMessagingError(value)).toBe(false),
  )

  test('with codes is true for any of them', () => {
    expect(isMessagingError(sample(), 'QUEUE_FULL', 'PAYLOAD_INVALID')).toBe(true)
    expect(isMessagingError(sample(), 'QUEUE_FULL')).toBe(false)
  })

  test('narrows to the codes it was given', () => {
    const error: unknown = sample()
    if (isMessagingError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
    if (isMessagingError(error, 'QUEUE_FULL', 'PAYLOAD_INVALID')) {
      expectTypeOf(error.code).toEqualTypeOf<'QUEUE_FULL' | 'PAYLOAD_INVALID'>()
    }
    // @ts-expect-error -- there is no such code
    expect(isMessagingError(error, 'QUEUE_FUL')).toBe(false)
  })
})
