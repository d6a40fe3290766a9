import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type TlsMaterial = {
  keystoreFile: string
  keystorePassword: string
  /** PEM; what a client has to trust. */
  authorityFile: string
}

const run = promisify(execFile)
const PASSWORD = 'only-for-tests'

/** Makes a self-signed certificate for localhost with the JDK's keytool, valid for two days. */
export async function createTlsMaterial(java: string, directory: string): Promise<TlsMaterial> {
  const keytool = java === 'java' ? 'keytool' : join(java, '..', 'keytool')
  const keystoreFile = join(directory, 'tls.p12')
  const authorityFile = join(directory, 'tls.pem')
  const store = ['-keystore', keystoreFile, '-storetype', 'PKCS12', '-storepass', PASSWORD, '-alias', 'broker']
  await run(keytool, [
    '-genkeypair',
    ...store,
    '-keyalg',
    'EC',
    '-groupname',
    'secp256r1',
    '-dname',
    'CN=localhost',
    '-ext',
    'san=dns:localhost,ip:127.0.0.1',
    '-validity',
    '2',
  ])
  await run(keytool, ['-exportcert', ...store, '-rfc', '-file', authorityFile])
  return { keystoreFile, keystorePassword: PASSWORD, authorityFile }
}
