import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createPayloadLog, type PayloadPolicy } from '../../src/instrumentation/payload-log.ts'
import { createMessaging } from '../../src/index.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { order, OrderPlaced } from '../registry/manifests.ts'

function logged(payload: unknown, policy: PayloadPolicy, key: Buffer | null = Buffer.from('k')): unknown {
  const lines: object[] = []
  const write = (fields: object): void => void lines.push(fields)
  const log = createPayloadLog({ debug: write, info: write, warn: write, error: write }, policy)
  log?.('M', 'orders', key, payload)
  return lines[0]
}

const payload = {
  id: 'canary',
  total: 4711,
  big: 4711n,
  tags: ['canary', 'canary'],
  none: [],
  at: new Date(),
  bytes: Buffer.from('canary'),
  nothing: null,
}

test('none makes no lines, and no logger makes none either', () => {
  expect(logged(payload, 'none')).toBeUndefined()
  expect(createPayloadLog(undefined, 'full')).toBeUndefined()
})

test('key shows the key alone', () => {
  expect(logged(payload, 'key')).toEqual({ manifest: 'M', topic: 'orders', key: 'k' })
  expect(logged(payload, 'key', null)).toMatchObject({ key: null })
})

test('redacted shows the shape and no value', () => {
  expect(logged(payload, 'redacted')).toEqual({
    manifest: 'M',
    topic: 'orders',
    key: 'k',
    payload: {
      id: '[string]',
      total: '[number]',
      big: '[bigint]',
      tags: ['[string]', '[2 in all]'],
      none: [],
      at: '[date]',
      bytes: '[bytes: 6]',
      nothing: null,
    },
  })
})

test('redacted comes to an end with a payload that refers to itself', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(JSON.stringify(logged(circle, 'redacted'))).toContain('[…]')
})

test('full shows the payload as it is', () => {
  expect(logged(payload, 'full')).toMatchObject({ payload })
})

test('a logger that throws fails no send, and its error does not tell the payload', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const fail = (): void => {
    throw new RangeError('canary')
  }
  const log = createPayloadLog({ debug: fail, info: fail, warn: fail, error: fail }, 'full')!
  log('M', 'orders', null, payload)
  log('M', 'orders', null, payload)
  expect(warned.mock.calls.map(([text]) => text)).toEqual(['The logger failed with a payload (RangeError).'])
})

test.each([
  [undefined, []],
  ['key', [{ key: 'order-1' }]],
  ['full', [{ key: 'order-1', payload: order }]],
] as const)('logging.payloads %s, through pino', async (payloads, expected) => {
  const lines: string[] = []
  const logger = pino(
    { level: 'debug', base: null, timestamp: false },
    { write: (line: string) => void lines.push(line) },
  )
  const logging = payloads === undefined ? { logger } : { logger, payloads }
  await using messaging = createMessaging({ driver: createMemoryDriver(), logging }, {})
  await messaging.registry.send(OrderPlaced, order)
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const shown = records.filter(({ msg }) => msg === 'A message was handed over.')
  expect(shown).toMatchObject(expected)
  expect(shown).toHaveLength(expected.length)
})
