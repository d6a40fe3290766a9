import { describe, expect, test } from 'vitest'
import { isClassified, notFailures } from '../../../src/driver/error-numbers.ts'
import { normalizeLibraryError, normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import { loadPlatformaticModule, type LibraryError } from '../../../src/driver/platformatic/platformatic-module.ts'

const library = await loadPlatformaticModule()

function libraryError(message: string, properties: Partial<LibraryError> = {}): LibraryError {
  return Object.assign(new Error(message), properties)
}

describe('numbers of the protocol', () => {
  test('mean the same as with the native driver, and are told by their names', () => {
    expect(normalizeProtocolError(library, 10)).toEqual({
      code: 'MESSAGE_TOO_LARGE',
      outcome: 'rejected',
      driverCode: 10,
      reason: 'Kafka says MESSAGE_TOO_LARGE (10)',
    })
    expect(normalizeProtocolError(library, 44, 'names begin with a').reason).toBe(
      'Kafka says POLICY_VIOLATION (44): names begin with a',
    )
  })

  test('that a producer can meet are all classified', () => {
    // Elections, fetching, groups of the new protocol, quorum and telemetry: no answer to what a producer asks.
    const elsewhere = (number: number): boolean => number >= 98
    const unknown = Object.keys(library.protocolErrorsCodesById)
      .map(Number)
      .filter((number) => !isClassified(number) && !notFailures.has(number) && !elsewhere(number))
    expect(unknown).toEqual([])
  })
})

describe('errors of the library', () => {
  test('an answer that is an error is known by its number, wherever it is nested', () => {
    const refused = libraryError('no', { apiCode: 37, apiId: 'INVALID_PARTITIONS', serverErrorMessage: 'too few' })
    const error = libraryError('Creating failed.', { errors: [libraryError('once', { errors: [refused] })] })
    expect(normalizeLibraryError(library, error)).toMatchObject({
      code: 'TOPIC_INVALID',
      driverCode: 37,
      reason: 'Kafka says INVALID_PARTITIONS (37): too few',
    })
  })

  test('a connection that is refused or lost is a broker that cannot be reached', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const error = libraryError('Connection to a:1 failed.', { code: 'PLT_KFK_NETWORK', cause })
    expect(normalizeLibraryError(library, error)).toEqual({
      code: 'BROKERS_UNREACHABLE',
      reason: 'Connection to a:1 failed. connect ECONNREFUSED',
      driverCode: 'ECONNREFUSED',
    })
  })

  test.each([
    libraryError('SASL authentication failed.', { code: 'PLT_KFK_AUTHENTICATION' }),
    libraryError('Connection failed.', { cause: libraryError('self-signed', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }) }),
    libraryError('Connection failed.', { cause: libraryError('name', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }) }),
    libraryError('Connection failed.', { cause: libraryError('Broker requires TLS.', { code: 'PLT_KFK_USER' }) }),
  ])('refused credentials and certificates are told apart: $message', (error) => {
    expect(normalizeLibraryError(library, error)).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  test('causes that go round in a circle come to an end', () => {
    const error = libraryError('round')
    error.cause = error
    expect(normalizeLibraryError(library, error)).toMatchObject({ reason: 'round' })
  })
})
