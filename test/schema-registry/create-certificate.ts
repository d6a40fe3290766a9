import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  /** PEM. It is its own authority. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
}

const ecdsaWithSha256 = '06082a8648ce3d040302'
const commonName = '0603550403'
const subjectAlternativeName = '0603551d11'

/** A self-signed certificate for localhost (X.509 v3, RFC 5280), valid from yesterday until tomorrow. */
export function createCertificate(name: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, Buffer.from(ecdsaWithSha256, 'hex'))
  const issuer = der(0x30, der(0x31, der(0x30, Buffer.from(commonName, 'hex'), der(0x0c, Buffer.from(name)))))
  const names = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  const extension = der(0x30, Buffer.from(subjectAlternativeName, 'hex'), der(0x04, names))
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    issuer,
    der(0x30, ...[-1, 1].map((days) => der(0x18, Buffer.from(toGeneralizedTime(days))))),
    issuer,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, extension)),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const whole = der(0x30, toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature))
  const body = whole.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function toGeneralizedTime(daysFromNow: number): string {
  return `${new Date(Date.now() + daysFromNow * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}
