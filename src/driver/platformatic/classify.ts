import { classifyErrorNumber } from '../error-numbers.ts'
import type { DriverFailure } from '../driver.ts'
import type { LibraryError, PlatformaticModule } from './platformatic-module.ts'

/** What Node and OpenSSL call a certificate or a handshake that is refused. */
const refusedByTls = /^(CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|INVALID_CA|ERR_TLS|ERR_SSL|ERR_OSSL)/

/** An error number of Kafka’s protocol in the SDK’s terms; `detail` is what the broker said besides. */
export function normalizeProtocolError(
  { protocolErrorsCodesById: names }: Pick<PlatformaticModule, 'protocolErrorsCodesById'>,
  number: number,
  detail?: string | null,
): DriverFailure {
  const name = `Kafka says ${names[number] ?? 'error'} (${number})`
  return classifyErrorNumber(number, detail ? `${name}: ${detail}` : name)
}

/** An error of the library: of a connection, of TLS and SASL, of a request as a whole. */
export function normalizeLibraryError(library: PlatformaticModule, error: LibraryError): DriverFailure {
  const chain = causes(error)
  const answered = chain.find(({ apiCode }) => apiCode !== undefined)
  const innermost = chain.at(-1)!
  const reason = [...new Set(chain.map(({ message }) => message).filter((text) => text !== ''))].join(' ')
  const refused =
    chain.some(({ code = '' }) => code === 'PLT_KFK_AUTHENTICATION' || refusedByTls.test(code)) ||
    chain.some(({ message }) => message === 'Broker requires TLS.')
  if (refused) return { code: 'AUTHENTICATION_FAILED', reason, driverCode: answered?.apiCode ?? innermost.code }
  if (answered) return normalizeProtocolError(library, answered.apiCode!, answered.serverErrorMessage)
  return { code: 'BROKERS_UNREACHABLE', reason, driverCode: innermost.code }
}

/** An error, the first of those in it, their causes: from the request down to what went wrong. */
function causes(error: LibraryError): readonly LibraryError[] {
  const found: LibraryError[] = []
  let next: LibraryError | undefined = error
  while (next && !found.includes(next)) {
    found.push(next)
    next = next.errors?.[0] ?? (next.cause as LibraryError | undefined)
  }
  return found
}
