import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export type KafkaDistribution = {
  version: string
  /** The java executable the jars run with. */
  java: string
  /** The harness's own classes and Kafka's jars. */
  classPath: string
  log4jConfig: string
}

export type KafkaDistributionOptions = {
  /** Receives progress lines; by default they go to standard error. */
  onProgress?: (line: string) => void
}

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))
const pom = join(here, 'distribution', 'pom.xml')
const javaSources = join(here, 'java')
const OLDEST_JAVA = 17
const ALTERNATIVE =
  'Or use a broker that already runs: `docker compose up -d` and then `npm run test:kafka -- --brokers localhost:9092`.'

/**
 * Fetches Apache Kafka as Maven artifacts into the user's cache, once, and compiles the harness's Java programs against it.
 *
 * Maven and not the release archive: the archive is twice the size, and Maven respects the mirrors and proxies people
 * have already set up.
 */
export async function ensureKafkaDistribution(options: KafkaDistributionOptions = {}): Promise<KafkaDistribution> {
  const onProgress = options.onProgress ?? ((line: string) => process.stderr.write(`${line}\n`))
  const version = await pinnedVersion()
  const java = await findJava()
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'postrider', 'kafka')
  const distribution = join(cache, version)
  if (!(await exists(distribution))) {
    onProgress(`Fetching Apache Kafka ${version} (about 54 MB, once)`)
    await createAtomically(cache, distribution, (target) => fetchJars(join(target, 'libs')))
  }
  const jars = join(distribution, 'libs', '*')
  const classes = join(cache, `${version}-harness-${await sourceHash()}`)
  if (!(await exists(classes))) {
    onProgress('Compiling the Kafka test harness')
    await createAtomically(cache, classes, (target) => compile(java, jars, target))
  }
  return {
    version,
    java,
    classPath: [classes, jars].join(delimiter),
    log4jConfig: join(javaSources, 'log4j2.properties'),
  }
}

// The pom is the one place that names the version: Maven needs it there.
async function pinnedVersion(): Promise<string> {
  const version = /<kafka\.version>([^<]+)</.exec(await readFile(pom, 'utf8'))?.[1]
  if (version === undefined) throw new Error(`no <kafka.version> in ${pom}`)
  return version
}

async function findJava(): Promise<string> {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'
  const wanted = `Kafka needs a JDK, ${OLDEST_JAVA} or newer (Debian: apt-get install openjdk-17-jdk-headless; macOS: brew install openjdk).`
  let output: string
  try {
    // `java -version` reports on standard error.
    output = (await run(java, ['-version'])).stderr
  } catch (cause) {
    throw new Error(`Cannot run ${java}. ${wanted} ${ALTERNATIVE}`, { cause })
  }
  const major = Number(/version "(\d+)/.exec(output)?.[1])
  if (!(major >= OLDEST_JAVA)) throw new Error(`${java} is Java ${major}. ${wanted} ${ALTERNATIVE}`)
  return java
}

// Two runs may want the same directory at the same time: each fills its own, the first rename wins, the other's is
// dropped. A half-filled directory never has the final name.
async function createAtomically(
  parent: string,
  target: string,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  await mkdir(parent, { recursive: true })
  const temporary = await mkdtemp(join(parent, '.incomplete-'))
  try {
    await fill(temporary)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (!(await exists(target))) throw error
  }
}

async function fetchJars(libs: string): Promise<void> {
  const args = [
    '--batch-mode',
    '--quiet',
    '--file',
    pom,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${libs}`,
  ]
  await new Promise<void>((resolve, reject) => {
    const output: Buffer[] = []
    const maven = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    maven.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    maven.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    maven.once('error', (cause) => {
      const wanted = 'Maven fetches Kafka (Debian: apt-get install maven; macOS: brew install maven).'
      reject(new Error(`Cannot run mvn. ${wanted} ${ALTERNATIVE}`, { cause }))
    })
    maven.once('close', (code) => {
      if (code === 0) return resolve()
      const tail = Buffer.concat(output).toString().trim().split('\n').slice(-15).join('\n')
      reject(new Error(`mvn could not fetch Kafka (exit code ${code}). ${ALTERNATIVE}\n${tail}`))
    })
  })
}

async function compile(java: string, jars: string, target: string): Promise<void> {
  const compiler = java === 'java' ? 'javac' : join(java, '..', 'javac')
  const sources = (await javaSourceNames()).map((name) => join(javaSources, name))
  try {
    await run(compiler, ['--release', String(OLDEST_JAVA), '-encoding', 'UTF-8', '-cp', jars, '-d', target, ...sources])
  } catch (cause) {
    throw new Error(`${compiler} failed; a JDK is needed, a runtime alone has no compiler. ${ALTERNATIVE}`, { cause })
  }
}

async function javaSourceNames(): Promise<string[]> {
  return (await readdir(javaSources)).filter((name) => name.endsWith('.java')).sort()
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const name of await javaSourceNames()) hash.update(name).update(await readFile(join(javaSources, name)))
  return hash.digest('hex').slice(0, 12)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
