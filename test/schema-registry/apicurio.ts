import { execFile, spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Apicurio extends AsyncDisposable {
  /** Base URL of its Confluent-compatible API. */
  readonly url: string
  /** Ends it as a crash would; resolves when it is gone. */
  kill(): Promise<void>
}

const run = promisify(execFile)
const version = '2.6.13.Final'
const artifact = `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`
const startTimeoutMs = 90_000

/** As for the brokers: the optimizing compiler pays off only in servers that live for minutes. */
const javaOptions = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/**
 * A schema registry of its own, in memory, on a free port. It ends with this process, however that ends:
 * the shell around it waits on a pipe that only this process holds.
 */
export async function startApicurio(): Promise<Apicurio> {
  const directory = await ensureApicurio()
  const jar = (await readdir(directory)).find((name) => name.endsWith('-runner.jar'))
  if (jar === undefined) throw new Error(`no -runner.jar in ${directory}`)
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'
  const options = ['-Dquarkus.http.host=127.0.0.1', '-Dquarkus.http.port=0', '-jar', join(directory, jar)]
  const script = '"$@" </dev/null & server=$!; cat >/dev/null; kill -9 $server; wait $server'
  const shell = spawn('sh', ['-c', script, 'sh', java, ...javaOptions, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal must reach this process only.
    detached: true,
  })
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()))
  const kill = async (): Promise<void> => {
    shell.stdin.end()
    await ended
  }
  let said = ''
  try {
    const origin = await new Promise<string>((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        said = `${said}${chunk.toString()}`.slice(-20_000)
        const found = /Listening on: (http:\S+)/.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      }
      shell.stdout.on('data', listen)
      shell.stderr.on('data', listen)
      // The server's end closes its output; the shell itself waits for the pipe.
      shell.stdout.once('end', () => reject(new Error('it ended while it started')))
      shell.once('error', reject)
      setTimeout(() => reject(new Error(`it was not up within ${startTimeoutMs} ms`)), startTimeoutMs).unref()
    })
    return { url: `${origin}/apis/ccompat/v7`, kill, [Symbol.asyncDispose]: kill }
  } catch (cause) {
    await kill()
    throw new Error(`Apicurio did not start: ${(cause as Error).message}\n${said.slice(-3000)}`, { cause })
  }
}

/** Fetches Apicurio from Maven into the user's cache, once: 142 MB. A half-filled directory never has the final name. */
async function ensureApicurio(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'postrider', 'schema-registry')
  const target = join(cache, `apicurio-${version}`)
  if (await exists(target)) return target
  process.stderr.write(`Fetching Apicurio ${version} (142 MB, once)\n`)
  await mkdir(cache, { recursive: true })
  const temporary = await mkdtemp(join(cache, '.incomplete-'))
  try {
    const archive = join(temporary, 'archive')
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
    await run('mvn', ['--batch-mode', '--quiet', goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${archive}`])
    const [packed = ''] = await readdir(archive)
    const unpacked = join(temporary, 'unpacked')
    await mkdir(unpacked)
    await run('tar', ['-xzf', join(archive, packed), '-C', unpacked])
    await rename(unpacked, target)
  } catch (error) {
    if (!(await exists(target))) throw error
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return target
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
