import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { BeginTrace, MessageTrace } from '../../src/instrumentation/message-trace.ts'
import { Tracing } from '../../src/instrumentation/tracing.ts'
import { catchError } from '../catch-error.ts'

const trace: MessageTrace = { headers: (given) => given, acknowledged: vi.fn(), failed: vi.fn() }
const message = { manifest: 'OrderPlaced', topic: 'orders', isTombstone: false, count: undefined }

describe('the switch', () => {
  test('is off until something is switched on, and nothing is loaded for it', () => {
    const { tracing, load } = createTracing()
    expect(tracing.begin).toBeUndefined()
    expect(tracing.ready).toBeUndefined()
    expect(tracing.status()).toEqual({ loaded: false, manifests: {} })
    expect(load).not.toHaveBeenCalled()
  })

  test('follows enable and disable', async () => {
    const { tracing, begin } = createTracing()
    const enabled = tracing.enable('OrderPlaced', { sampleRate: 0.1 })
    expect(tracing.begin, 'not before the package is loaded').toBeUndefined()
    await enabled
    expect(tracing.begin!(message)).toBe(trace)
    expect(begin).toHaveBeenCalledExactlyOnceWith(message, 0.1)
    expect(tracing.begin!({ ...message, manifest: 'OrderPaid' })).toBeUndefined()
    tracing.disable('OrderPlaced')
    expect(tracing.begin).toBeUndefined()
    expect(tracing.status()).toEqual({ loaded: true, manifests: {} })
  })

  test('of one manifest wins over all', async () => {
    const { tracing, begin } = createTracing()
    await tracing.enable()
    await tracing.enable('OrderPaid', { sampleRate: 0.5 })
    tracing.disable('OrderPlaced')
    expect(tracing.status()).toEqual({ loaded: true, manifests: { '*': 1, OrderPaid: 0.5, OrderPlaced: false } })
    for (const manifest of ['OrderPlaced', 'OrderPaid', 'AuditWritten']) tracing.begin!({ ...message, manifest })
    expect(begin.mock.calls.map(([{ manifest }, rate]) => [manifest, rate])).toEqual([
      ['OrderPaid', 0.5],
      ['AuditWritten', 1],
    ])
    tracing.disable()
    expect(tracing.begin).toBeUndefined()
  })

  test.each([-0.1, 1.1, Number.NaN, '1'])('refuses a sample rate of %j', (sampleRate) => {
    const { tracing } = createTracing()
    const error = catchError(() => void tracing.enable('OrderPlaced', { sampleRate: sampleRate as number }))
    expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('from 0 to 1') as string })
    expect(catchError(() => void tracing.enable('')).code).toBe('INPUT_INVALID')
  })
})

test('a package that does not load is a warning, and the next enable tries again', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const { tracing, load } = createTracing()
  load.mockRejectedValueOnce(new Error('Cannot find package'))
  await tracing.enable()
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('@opentelemetry/api'), 'PostriderWarning')
  expect(tracing.status()).toEqual({ loaded: false, manifests: { '*': 1 } })
  await tracing.enable()
  expect(tracing.begin).toBeDefined()
})

describe('from the configuration', () => {
  test('manifests are switched on, but not what the application switched before', async () => {
    const { tracing } = createTracing()
    await tracing.enable('OrderPaid', { sampleRate: 0 })
    expect(
      tracing.start({ manifests: ['OrderPlaced', 'OrderPaid'], sampleRate: 0.2, signal: undefined }),
    ).toBeUndefined()
    expect(tracing.status().manifests).toEqual({ OrderPlaced: 0.2, OrderPaid: 0 })
  })

  test.each([
    [undefined, { '*': 0.2 }],
    [['OrderPlaced'], { OrderPlaced: 0.2 }],
  ])('a signal switches %j on and off, until closed', async (manifests, on) => {
    const { tracing } = createTracing()
    const before = process.listenerCount('SIGUSR2')
    const instrument = tracing.start({ manifests: undefined, sampleRate: 0.2, signal: 'SIGUSR2' })
    onTestFinished(() => instrument?.close())
    const second = createTracing().tracing
    const closing = second.start({ manifests, sampleRate: 0.2, signal: 'SIGUSR2' })
    if (manifests) second.disable()
    process.emit('SIGUSR2')
    expect(second.status().manifests).toEqual(on)
    expect(tracing.status().manifests).toEqual({ '*': 0.2 })
    process.emit('SIGUSR2')
    expect(second.status().manifests).toEqual({})
    await closing?.close()
    await instrument?.close()
    expect(process.listenerCount('SIGUSR2')).toBe(before)
  })
})

function createTracing() {
  const begin = vi.fn<BeginTrace>(() => trace)
  const load = vi.fn<() => Promise<BeginTrace>>(() => Promise.resolve(begin))
  return { tracing: new Tracing(load), load, begin }
}
