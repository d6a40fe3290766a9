import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { NativeError } from '../../../src/driver/confluent/native-module.ts'
import { connectProducer } from '../../../src/driver/confluent/native-producer.ts'
import type { DriverFailure } from '../../../src/driver/driver.ts'
import { createDriverOptions } from '../driver-options.ts'
import { createFakeNative, FakeNativeProducer } from './fake-native.ts'

const ignore = (): void => undefined

describe('connectProducer', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  /** A native module whose producers do not connect until told how it ends. */
  function createSlowNative() {
    const { native } = createFakeNative()
    let connected: ((error: NativeError | null) => void) | undefined
    let background: ((error: NativeError) => void) | undefined
    class Producer extends FakeNativeProducer {
      override connect(_: { timeout: number }, callback: (error: NativeError | null) => void): void {
        connected = callback
      }
      override on(event: string, listener: (value: never) => void): void {
        if (event === 'event.error') background = listener as (error: NativeError) => void
      }
    }
    return {
      native: { ...native, Producer },
      connected: (error: NativeError | null) => connected!(error),
      background: (message: string) => background!({ code: -1, message }),
    }
  }

  test('settings win over options', async () => {
    const { native, producers } = createFakeNative()
    await connectProducer(native, createDriverOptions(), ignore, { 'linger.ms': 1 })
    expect(producers[0]!.config).toMatchObject({ 'linger.ms': 1, 'client.id': 'test' })
  })

  test('bad credentials end the wait at once', async () => {
    const { native, background } = createSlowNative()
    const connection = connectProducer(native, createDriverOptions(), ignore)
    background('Local: Authentication failure')
    await expect(connection).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED', outcome: 'not_sent' })
  })

  test('what went wrong in the background says why there was no answer', async () => {
    const { native, background, connected } = createSlowNative()
    const connection = connectProducer(native, createDriverOptions(), ignore)
    background('Local: Host resolution failure')
    connected({ code: -185, message: 'Local: Timed out' })
    await expect(connection).rejects.toMatchObject({
      code: 'BROKERS_UNREACHABLE',
      message: expect.stringMatching(
        /Host resolution failure; no answer from localhost:9092 within .*10000 ms/,
      ) as string,
    })
  })

  test('trouble after it has connected is told', async () => {
    const { native, background, connected } = createSlowNative()
    const failures: DriverFailure[] = []
    const options = createDriverOptions({ onFailure: (failure) => failures.push(failure) })
    const connection = connectProducer(native, options, ignore)
    connected(null)
    await connection
    background('Local: All broker connections are down')
    expect(failures).toMatchObject([{ code: 'BROKERS_UNREACHABLE', driverCode: -187 }])
  })
})
