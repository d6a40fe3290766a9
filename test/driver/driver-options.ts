import type { ClientProfile, DriverOptions } from '../../src/driver/driver.ts'

/** What `config` resolves to when nothing is set. */
export const defaultProfile: ClientProfile = {
  acks: 'all',
  idempotence: true,
  compression: 'none',
  lingerMs: 0,
  maxInFlight: 5,
  deliveryTimeoutMs: 120_000,
  requestTimeoutMs: 30_000,
  maxMessageBytes: 1_000_000,
  partitioner: 'murmur2',
  queueMaxMessages: 100_000,
  queueMaxBytes: 268_435_456,
  queueTimeoutMs: 5_000,
}

export function createDriverOptions(options: Partial<DriverOptions> = {}): DriverOptions {
  return {
    brokers: ['localhost:9092'],
    clientId: 'test',
    connectTimeoutMs: 10_000,
    tls: {
      enabled: false,
      ca: undefined,
      certificate: undefined,
      key: undefined,
      keyPassword: undefined,
      verifyHostname: true,
    },
    sasl: { mechanism: undefined, username: undefined, password: undefined },
    profile: defaultProfile,
    passThrough: {},
    onFailure: () => undefined,
    ...options,
  }
}
