import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createConnectionOptions, saslOptions } from '../../../src/driver/platformatic/connection-options.ts'
import { catchError } from '../../catch-error.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'

const secret = (value: string) => ({ reveal: () => value })
const { tls } = createDriverOptions()
const pem = '-----BEGIN CERTIFICATE-----\nx'

test('time-outs go through, and nothing is added that was not asked for', () => {
  const options = createDriverOptions({ connectTimeoutMs: 5, profile: { ...defaultProfile, requestTimeoutMs: 7 } })
  expect(createConnectionOptions(options)).toEqual({
    connectTimeout: 5,
    requestTimeout: 7,
    maxInflights: 1_000_000,
    handleBackPressure: true,
  })
})

test.each([
  ['plain', 'PLAIN'],
  ['scram-sha-256', 'SCRAM-SHA-256'],
  ['scram-sha-512', 'SCRAM-SHA-512'],
] as const)('sasl %s is called %s', (mechanism, called) => {
  const sasl = { mechanism, username: 'ada', password: secret('s') }
  expect(createConnectionOptions(createDriverOptions({ sasl })).sasl).toEqual({
    mechanism: called,
    username: 'ada',
    password: 's',
  })
})

test('a login has what is given and nothing undefined; without a mechanism there is none', () => {
  expect(saslOptions({ mechanism: 'plain', username: undefined, password: undefined })).toEqual({
    sasl: { mechanism: 'PLAIN', username: '', password: '' },
  })
  expect(saslOptions({ mechanism: undefined, username: 'ada', password: secret('s') })).toEqual({})
})

test('TLS takes PEM texts and files, and checks names unless told otherwise', () => {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-pem-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ca.pem')
  writeFileSync(file, pem)
  const given = { ...tls, enabled: true, ca: file, certificate: pem, key: secret(pem), keyPassword: secret('p') }
  expect(createConnectionOptions(createDriverOptions({ tls: given })).tls).toEqual({
    ca: Buffer.from(pem),
    cert: pem,
    key: pem,
    passphrase: 'p',
    rejectUnauthorized: true,
  })
  const trusting = createConnectionOptions(
    createDriverOptions({ tls: { ...tls, enabled: true, verifyHostname: false } }),
  )
  expect(trusting.tls).toMatchObject({ checkServerIdentity: expect.any(Function) as unknown })
  expect(trusting.tls).not.toHaveProperty('ca')
})

test('a file that is not there is named by its setting, a key never by its path', () => {
  const options = createDriverOptions({ tls: { ...tls, enabled: true, key: secret('/canary/4711.pem') } })
  const error = catchError(() => createConnectionOptions(options))
  expect(error).toMatchObject({ code: 'DRIVER_OPTION_INVALID', message: expect.stringContaining('tls.key') })
  expect(String(error)).not.toContain('canary')
})
